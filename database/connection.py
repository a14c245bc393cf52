"""The connection to the SQL database, and what differs between SQLite and PostgreSQL."""

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from contextvars import copy_context
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from sqlalchemy import URL, Executable, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from database import schema
from database.address import parse

try:
    import asyncpg  # type: ignore[import-untyped]
except ImportError:  # an extra; the settings say so where it is missing
    _POSTGRESQL_ERRORS: tuple[type[Exception], type[Exception]] = (OSError, OSError)
else:
    _POSTGRESQL_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)

DATABASE_UNAVAILABLE = (SQLAlchemyError, sqlite3.Error, *_POSTGRESQL_ERRORS, OSError)
"""Errors of an open database, of its server or its disk."""

DATABASE_ERRORS = (*DATABASE_UNAVAILABLE, ImportError, OverflowError, ValueError)
"""Errors of opening a database and reading from it: wrong URL or port, missing driver, or as above."""

# Any fixed number: a process that migrates a PostgreSQL database holds this advisory lock.
_SCHEMA_LOCK = 1_970_168_437

SQLITE_BUSY_TIMEOUT = timedelta(seconds=30)
"""How long a process waits for another's write to end."""


_Result = TypeVar("_Result")


class Database:
    """One SQL database, SQLite or PostgreSQL, that several processes may have open at once.

    ``write`` and ``read`` are for what is done often: all statements of a step go at once, on SQLite with one
    change of threads, where ``writing`` and ``reading`` change threads several times for each.
    """

    # Alembic has one current migration in a process.
    _migrating: ClassVar = asyncio.Lock()

    def __init__(self, engine: AsyncEngine, threaded: Engine | None = None) -> None:
        self._engine = engine
        self._writer = engine.execution_options(unbuy_writes=True)
        self._threads = _Threads(threaded) if threaded else None
        # SQLite has one writer at a time. Taking turns here is fair and quick; its own busy wait,
        # left for other processes, polls.
        one_writer = engine.dialect.name == "sqlite"
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if one_writer else nullcontext()
        )

    @classmethod
    async def open(cls, url: str, patience: timedelta = SQLITE_BUSY_TIMEOUT) -> "Database":
        """Open a database by its URL: ``sqlite+aiosqlite:///var/unbuy.db``, ``postgresql+asyncpg://…``.

        An SQLite file and its directory are created if missing, and the schema is migrated to its newest
        version. ``patience`` is how long a write waits for another process's on SQLite, without a way to
        cancel it. Raises NewerDatabase, and ValueError for what is no such URL.
        """
        address = parse(url)
        if address.get_backend_name() == "sqlite":
            file = Path(address.database or "")
            await asyncio.to_thread(_prepare, file)
            database = cls(*_sqlite_engines(address, patience))
        else:
            database = cls(create_async_engine(address, pool_pre_ping=True))
        try:
            await database._migrate()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def engines(self) -> list[Engine]:
        """For instruments that listen to them."""
        return [self._engine.sync_engine, *([self._threads.engine] if self._threads else [])]

    async def close(self) -> None:
        """Close all connections."""
        if self._threads:
            await self._threads.close()
        await self._engine.dispose()

    async def write(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do work in a transaction that writes; committed at its end, rolled back by an exception.

        It may run in another thread, and be done although its caller was cancelled.
        """
        if self._threads:
            async with self._turn:
                return await self._threads.write(work)
        async with self._writer.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do work that only reads, of one state of the database; it never waits for a writer on SQLite."""
        if self._threads:
            return await self._threads.read(work)
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed at the end, rolled back by an exception."""
        async with self._turn, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read from; on SQLite it never waits for a writer."""
        async with self._engine.connect() as connection:
            yield connection

    async def _migrate(self) -> None:
        async with self.reading() as connection:
            if await connection.run_sync(schema.version) == schema.NEWEST:
                return
        async with self._migrating, self.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            await connection.run_sync(schema.migrate)


def _prepare(file: Path) -> None:
    """Create the directory, and switch the file to write-ahead logging, which is stored in the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + SQLITE_BUSY_TIMEOUT.total_seconds()
    # Two processes that switch it at once block each other: they must release it and retry, not wait.
    with closing(sqlite3.connect(file, timeout=0)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0.001, 0.02))


def _is_locked(error: sqlite3.OperationalError) -> bool:
    # The extended codes carry the code itself in their lowest byte.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class _Threads:
    """An SQLite database whose transactions each run in one thread, writes one after another."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(unbuy_writes=True)
        # One that waits for another process's write must not take the others' threads.
        self._writes = ThreadPoolExecutor(1, "unbuy-writes")
        self._reads = ThreadPoolExecutor(4, "unbuy-reads")

    async def write(self, work: Callable[[Connection], _Result]) -> _Result:
        return await self._run(self._writes, self._in_transaction, work)

    async def read(self, work: Callable[[Connection], _Result]) -> _Result:
        return await self._run(self._reads, self._reading, work)

    @staticmethod
    async def _run(
        threads: ThreadPoolExecutor,
        does: Callable[[Callable[[Connection], _Result]], _Result],
        work: Callable[[Connection], _Result],
    ) -> _Result:
        # With the caller's context, in which its trace is.
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(threads, run, does, work)

    def _in_transaction(self, work: Callable[[Connection], _Result]) -> _Result:
        with self._writer.begin() as connection:
            return work(connection)

    def _reading(self, work: Callable[[Connection], _Result]) -> _Result:
        with self.engine.connect() as connection:
            return work(connection)

    async def close(self) -> None:
        for executor in (self._writes, self._reads):
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)
        self.engine.dispose()


def _sqlite_engines(address: URL, patience: timedelta) -> tuple[AsyncEngine, Engine]:
    # The driver must not begin transactions itself: it would begin them late, and none for reads.
    arguments = {"timeout": patience.total_seconds(), "isolation_level": None}
    engine = create_async_engine(address, connect_args=arguments)
    threaded = create_engine(address.set(drivername="sqlite+pysqlite"), connect_args=arguments)
    for each in (engine.sync_engine, threaded):
        _set_up_sqlite(each)
    return engine, threaded


def _set_up_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        # Without it REPLACE deletes rows without firing their triggers.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that read before it writes cannot wait for another writer: it fails at once.
        writes = connection.get_execution_options().get("unbuy_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_into(
    connection: Connection | AsyncConnection, table: Table
) -> sqlite.Insert | postgresql.Insert:
    """The dialect's insert, which has ``on_conflict_do_update``."""
    return _insert_into(connection.dialect.name, table)


def insert_if_missing(connection: Connection, table: Table, **values: Any) -> bool:
    """Insert a row unless one of its keys exists already; returns whether it was inserted."""
    insert = if_missing(connection, table)
    return connection.execute(insert, values).rowcount == 1


def if_missing(connection: Connection, table: Table) -> Executable:
    """The insert of rows whose keys do not exist yet."""
    return _if_missing(connection.dialect.name, table)


# Made once, as making a statement takes longer than running it.
@cache
def _insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _if_missing(dialect: str, table: Table) -> Executable:
    return _insert_into(dialect, table).on_conflict_do_nothing()


def lock_key(connection: Connection, key: str) -> None:
    """Hold the advisory lock of this ledger transaction's key until the transaction ends."""
    # SQLite has one writer at a time. On PostgreSQL the ledger's own trigger takes the same lock.
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(func.hashtextextended(key, 0))
        connection.execute(select(lock))
