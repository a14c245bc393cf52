"""The version of a database's schema, and its migration to the newest.

The migrations in ``database/migrations`` are numbered; a database stores the number of its last one.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from orders.sentences import sentence

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).with_name("migrations")

NEWEST = max(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
"""The version that this program works with."""


class NewerDatabase(Exception):
    """A later version of this program has migrated the database."""

    def __init__(self, version: str) -> None:
        super().__init__(
            sentence(
                "The database is at version {version}, this program knows none later than {newest}. "
                "Run the later version of it.",
                version=version,
                newest=NEWEST,
            )
        )


def version(connection: Connection) -> str | None:
    """The database's version; None where nothing has been migrated yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def migrate(connection: Connection) -> None:
    """Migrate the database to the newest version, in the caller's transaction.

    The caller must exclude other processes that migrate the same database. Raises NewerDatabase.
    """
    present = version(connection)
    if present is not None and present > NEWEST:
        raise NewerDatabase(present)
    # Imported late: commands start often and seldom migrate.
    from alembic import command

    command.upgrade(_config(connection), "head")


def draft(connection: Connection, what: str) -> None:
    """Write the next migration: the difference from the newest version to ``database.tables``."""
    from alembic import command

    number = f"{int(NEWEST) + 1:04}"
    command.revision(_config(connection), message=what, autogenerate=True, rev_id=number)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # A percent sign in the path must not be interpolated.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
