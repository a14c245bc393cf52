import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.exc import DBAPIError

from database import schema
from database.connection import Database
from database.tables import metadata, outbox

ROOT = Path(__file__).parents[2]

OPEN = """
import asyncio, sys
from database.connection import Database

async def open_and_close():
    await (await Database.open(sys.argv[1])).close()

asyncio.run(open_and_close())
print("alembic" in sys.modules)
"""


async def opened_elsewhere(url: str) -> str:
    """Open it in a process of its own, which says whether it has loaded alembic."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, url, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    out, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return out.decode().strip()


def drift(connection: Connection) -> list[Any]:
    """What alembic finds different between the database and ``database.tables``."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    found: list[Any] = compare_metadata(context, metadata)
    return found


def constraints(connection: Connection) -> dict[str, Any]:
    """All constraints and indexes of our tables, as the database tells them."""
    seen = inspect(connection)
    return {
        name: (
            sorted(seen.get_check_constraints(name), key=str),
            sorted(seen.get_foreign_keys(name), key=str),
            sorted(seen.get_unique_constraints(name), key=str),
            sorted(map(str, map(_comparable, seen.get_indexes(name)))),
            seen.get_pk_constraint(name),
        )
        for name in metadata.tables
    }


def _comparable(index: ReflectedIndex) -> dict[str, Any]:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def remove_all(connection: Connection) -> None:
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))


async def test_the_migrations_create_the_tables_of_the_code(database: Database) -> None:
    async with database.writing() as connection:
        assert await connection.run_sync(drift) == []
        migrated = await connection.run_sync(constraints)

        await connection.run_sync(remove_all)
        await connection.run_sync(metadata.create_all)
        assert await connection.run_sync(constraints) == migrated


async def test_a_new_database_is_migrated_by_one_of_many_processes(new_url: str) -> None:
    await asyncio.gather(*(opened_elsewhere(new_url) for _ in range(4)))

    database = await Database.open(new_url)
    async with database.reading() as connection:
        assert await connection.run_sync(schema.version) == schema.NEWEST
        assert await connection.run_sync(drift) == []
    await database.close()


async def test_alembic_is_not_imported_when_the_schema_is_the_newest(
    url: str, database: Database
) -> None:
    assert await opened_elsewhere(url) == "False"


async def test_a_migration_that_fails_leaves_nothing_behind(url: str, database: Database) -> None:
    async with database.writing() as connection:
        await connection.run_sync(remove_all)
        await connection.run_sync(outbox.create)

    with pytest.raises(DBAPIError, match="outbox"):
        await Database.open(url)

    async with database.reading() as connection:
        tables = await connection.run_sync(lambda it: inspect(it).get_table_names())
    assert tables == ["outbox"]


async def test_a_database_of_a_later_version_is_refused_in_a_sentence(
    url: str, database: Database
) -> None:
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(schema.NewerDatabase, match=r"at version 9999, .* none later than \d{4}\."):
        await Database.open(url)


async def test_tracking_numbers_of_an_earlier_version_get_one_spelling(
    new_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 70: what two orders have under two spellings stays theirs."""
    spellings = {
        "JJD1410302937991": "JD1410302937991",
        "420420569400111899223197428497": "9400111899223197428497",
        "1052532095247339470000597448556270": "597448556270",
        "00340422032285935512": "340422032285935512",
        "RR473124829PL": "RR473124829PL",
        "JJD0009684092203228": "JJD0009684092203228",
        "JD0009684092203228": "JD0009684092203228",
    }

    def begin(connection: Connection) -> None:
        command.upgrade(schema._config(connection), "0006")
        row = text("INSERT INTO tracking_numbers (number, order_id) VALUES (:number, :number)")
        connection.execute(row, [{"number": number} for number in spellings])

    with monkeypatch.context() as patched:
        patched.setattr(schema, "migrate", begin)
        await (await Database.open(new_url)).close()

    database = await Database.open(new_url)
    async with database.reading() as connection:
        kept = await connection.execute(text("SELECT order_id, number FROM tracking_numbers"))
        assert {row.order_id: row.number for row in kept} == spellings
        assert await connection.run_sync(drift) == []
    await database.close()
