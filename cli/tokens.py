"""The command that makes a token for the gateway."""

from datetime import timedelta
from typing import Annotated, Literal

from cyclopts import Parameter

from cli import help as cli_help
from cli.arguments import Json, party_id
from cli.console import out, print_json
from cli.failure import Failure
from cli.settings import read_settings
from gateway.access import Role
from gateway.tokens import SecretTokens
from i18n.current import gettext
from runtime.token_secret import token_secret


async def token(
    role: Literal["buyer", "seller", "support", "provider"],
    sub: str,
    /,
    *,
    lifetime: Annotated[
        timedelta, Parameter(metavar="DURATION", show_default=cli_help.lifetime_text)
    ] = timedelta(days=30),
    as_json: Json = False,
) -> int:
    """Print a bearer token for the gateway, for local use: it is signed with this machine's own secret.

    Parameters
    ----------
    role
        What its holder acts as.
    sub
        The party's id, such as buyer-7.
    lifetime
        How long it counts, such as 30d.
    as_json
        Print JSON.
    """
    if lifetime <= timedelta(0):
        raise Failure(
            gettext("A token must count for longer than nothing: give a --lifetime such as 30d.")
        )
    signing = SecretTokens(token_secret(read_settings()))
    issued = signing.issue(Role(role), party_id(role, sub), lifetime)
    if as_json:
        expires_at = (await signing.caller(issued)).expires_at
        print_json({"token": issued, "role": role, "sub": sub, "expires_at": expires_at})
    else:
        out.print(issued, soft_wrap=True)
    return 0
