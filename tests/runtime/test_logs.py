"""What is logged, and what is not at any level."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, logging, sys
from database.connection import Database
from database.tables import provider_events
from datetime import UTC, datetime
from runtime.logs import log_in_lines

async def store(url):
    database = await Database.open(url)
    async with database.writing() as connection:
        row = {"event_id": "canary", "type": "canary", "delivered_at": datetime.now(UTC)}
        await connection.execute(provider_events.insert().values(**row))
    await database.close()

log_in_lines(sys.argv[1])
asyncio.run(store(sys.argv[2]))
logging.getLogger("httpcore.http11").debug("authorization: Bearer canary")
logging.getLogger("unbuy.worker").debug("a fault of ours")
"""


def said(tmp_path: Path, level: str) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / level}.db"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, level, url],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stderr


def test_debug_shows_nothing_that_is_stored_or_sent(tmp_path: Path) -> None:
    """Case 117: the database's driver would print every value, and an HTTP client its headers."""
    debug = said(tmp_path, "DEBUG")

    assert "canary" not in debug
    assert "a fault of ours" in debug
    assert "WARNING UNBUY_LOG_LEVEL=DEBUG is for looking for a fault" in debug
    assert "is for looking for a fault" not in said(tmp_path, "INFO")
