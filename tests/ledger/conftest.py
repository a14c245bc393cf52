import pytest

from ledger.journal import Database, SqlJournal


@pytest.fixture
def journal(database: Database) -> SqlJournal:
    return SqlJournal(database)
