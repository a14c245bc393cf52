"""The command that signs somebody out of the pages."""

import sys
from contextlib import suppress
from typing import Literal

from cli.arguments import Json, party_id
from cli.connection import open_configured_database
from cli.console import out, print_json
from cli.settings import read_settings
from database.sessions import SqlSessions
from gateway.access import Role
from gateway.observability import digests, security_log_of
from gateway.tokens import party_of
from i18n.current import ngettext
from runtime.token_secret import token_secret


async def end_sessions(
    role: Literal["buyer", "seller", "support"], sub: str, /, *, as_json: Json = False
) -> int:
    """End all of somebody's sessions on the pages, in every browser, within five seconds.

    They may sign in again: take the role away at the issuer first. Bearer tokens count until they expire.
    The security log has a line of it, on standard error.

    Parameters
    ----------
    role
        What they are signed in as.
    sub
        Their id, as orders and the issuer name them.
    as_json
        Print JSON.
    """
    party = _party(role, sub)
    async with open_configured_database() as database:
        ended = await SqlSessions(database).end_all(Role(role), party)
    settings = read_settings()
    secret = settings.own_secret or token_secret(settings).get_secret_value().encode()
    security_log_of(sys.stderr).info(
        "sessions_ended", role=role, party=digests(secret)(party), sessions=ended
    )
    if as_json:
        print_json({"role": role, "sub": party, "ended": ended})
    else:
        out.print(
            ngettext(
                "{number} session has ended.",
                "{number} sessions have ended.",
                ended,
            )
        )
    return 0


def _party(role: Literal["buyer", "seller", "support"], sub: str) -> str:
    """The party whom the issuer calls so, or who is in orders by this id. Raises Failure."""
    with suppress(ValueError):
        return party_of(sub)
    return party_id(role, sub)
