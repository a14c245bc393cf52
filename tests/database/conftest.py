from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from testing.postgres import Postgres
from tests.conftest import DATABASES, TEMPLATE
from tests.database.stores import Stores, fake_stores, sql_stores


@pytest.fixture
def orders(database: Database) -> SqlOrders:
    return SqlOrders(database)


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def outbox(database: Database) -> SqlOutbox:
    return SqlOutbox(database)


@pytest.fixture(params=("fake", *DATABASES))
def stored_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | None]:
    """The URL of a database of the test's own; None for the fakes."""
    match request.param:
        case "fake":
            yield None
        case "sqlite":
            yield f"sqlite+aiosqlite:///{tmp_path}/unbuy.db"
        case _:
            server: Postgres = request.getfixturevalue("postgres")
            with server.lend(TEMPLATE) as url:
                yield url


@pytest_asyncio.fixture(loop_scope="session")
async def stores(stored_in: str | None) -> AsyncIterator[Stores]:
    if stored_in is None:
        yield fake_stores()
        return
    opened = await Database.open(stored_in)
    yield sql_stores(opened)
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def other(url: str, database: Database) -> AsyncIterator[Database]:
    """The same database, as another process has it open."""
    opened = await Database.open(url)
    yield opened
    await opened.close()
