"""How the commands reach Temporal and the database; whatever goes wrong is a ``Failure``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError

from cli.failure import Failure
from cli.settings import read_settings
from client.errors import NoAnswer
from database.connection import DATABASE_ERRORS, Database
from database.schema import NewerDatabase
from i18n.current import gettext
from runtime.program import COMMAND
from runtime.temporal import (
    BadConfiguration,
    Unreachable,
    connect,
    first_line,
    quiet_core,
    why_refused,
)


@asynccontextmanager
async def connection() -> AsyncIterator[Client]:
    """A client of the configured Temporal service; what its calls can fail with becomes a sentence."""
    quiet_core()
    try:
        client = await connect(read_settings().encryption_keys)
    except BadConfiguration as error:
        raise Failure(str(error)) from None
    except Unreachable as error:
        raise Failure(
            gettext(
                "{error} Start it with `{unbuy} up`, or set TEMPORAL_ADDRESS to where it is.",
                error=error,
                unbuy=COMMAND,
            ),
            status=1,
        ) from None
    try:
        yield client
    except NoAnswer:
        raise no_answer() from None
    except RPCError as error:
        raise Failure(why_refused(client, error), status=1) from None


@asynccontextmanager
async def open_configured_database() -> AsyncIterator[Database]:
    """The database of the settings."""
    url = read_settings().database_url
    try:
        database = await Database.open(url)
        try:
            yield database
        finally:
            await database.close()
    except NewerDatabase as error:
        raise Failure(str(error), status=1) from None
    except DATABASE_ERRORS as error:
        raise Failure(
            gettext(
                "The database cannot be read ({why}). UNBUY_DATABASE_URL says where it is.",
                why=first_line(error),
            ),
            status=1,
        ) from None


def no_answer(hint: str = "") -> Failure:
    """Temporal is there, but no worker; ``hint`` says what became of the request."""
    return Failure(
        gettext("No worker answers. Start one with `{unbuy} worker`, and try again.", unbuy=COMMAND)
        + hint,
        status=1,
    )
