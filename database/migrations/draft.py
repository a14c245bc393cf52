"""``make migration``: a draft of the next migration, from the changes to ``database.tables``."""

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from database import schema
from database.connection import Database


async def _draft(what: str) -> None:
    with TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite:///{Path(folder) / 'unbuy.db'}")
        async with database.reading() as connection:
            await connection.run_sync(schema.draft, what)
        await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draft the next migration.")
    parser.add_argument("-m", "--message", required=True, help="what it changes")
    asyncio.run(_draft(parser.parse_args().message))
