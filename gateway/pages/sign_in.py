"""How people sign in on the pages: locally by a token, in production at the OpenID Connect issuer."""

from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from gateway.access import Caller, Tokens
from gateway.problems import NotFound
from orders.sentences import sentence

BACK: Final = "/sign-in/back"
"""Where the issuer sends people back to."""


class SignIn(Protocol):
    """One of the two ways."""

    async def by_token(self, token: str) -> Caller:
        """Who signs in with a token of this installation's. Raises NotSignedIn; NotFound where none does."""

    async def elsewhere(self, to: str) -> Response | None:
        """Where to sign in, to come back and go on ``to`` an address of ours; None for here. Raises Away."""

    async def back(self, request: Request) -> tuple[Caller, str]:
        """Who comes back from there, and where they go on to. Raises NotSignedIn, WrongRole, and Away."""


class TokenSignIn:
    """Local use: whoever has a token signs in with it (``make up`` prints a link for each role)."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def by_token(self, token: str) -> Caller:
        """See ``SignIn``."""
        return await self._tokens.caller(token)

    async def elsewhere(self, to: str) -> Response | None:
        """See ``SignIn``."""
        return None

    async def back(self, request: Request) -> tuple[Caller, str]:
        """See ``SignIn``."""
        raise NotFound(sentence("There is no page at this address."))
