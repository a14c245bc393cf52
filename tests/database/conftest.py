from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from database.journal import Database, SqlJournal


@pytest.fixture
def journal(database: Database) -> SqlJournal:
    return SqlJournal(database)


@pytest_asyncio.fixture(loop_scope="session")
async def other(url: str, database: Database) -> AsyncIterator[Database]:
    """The same database, as another process has it open."""
    opened = await Database.open(url)
    yield opened
    await opened.close()
