"""``make migration``: a draft of the next migration, from the changes to ``database.tables``."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, Parameter

from database import schema
from database.connection import Database

app = App(name="python -m database.migrations.draft", version_flags=())


@app.default
async def draft(*, message: Annotated[str, Parameter(alias="-m")]) -> None:
    """Draft the next migration from what ``database.tables`` has become.

    Parameters
    ----------
    message
        What it changes.
    """
    with TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite:///{Path(folder) / 'unbuy.db'}")
        async with database.reading() as connection:
            await connection.run_sync(schema.draft, message)
        await database.close()


if __name__ == "__main__":
    app()
