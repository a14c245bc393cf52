"""How people sign in on the pages: locally by a token, in production at the OpenID Connect issuer."""

from dataclasses import dataclass
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from gateway.access import Caller, Tokens
from gateway.problems import NotFound
from orders.sentences import sentence

BACK: Final = "/sign-in/back"
"""The redirect URI's path."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom the issuer has named, the local path to go on to, and what asks about them again, if anything."""

    caller: Caller
    to: str
    refresh_token: str | None


class SignIn(Protocol):
    """A way to sign in: a local token, or an issuer, where one may stay signed in."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether people sign in at another site."""

    async def by_token(self, token: str) -> Caller:
        """The caller of a local token. Raises Unauthorized; NotFound where tokens do not sign in."""

    async def elsewhere(self, to: str) -> Response | None:
        """A redirect to the issuer, to return ``to`` a local path; None to sign in here.

        Raises ServiceUnavailable.
        """

    async def back(self, request: Request) -> SignedIn | Response:
        """Whoever returns from the issuer, or a redirect there once more, to sign in more strongly.

        Raises Unauthorized, Forbidden and ServiceUnavailable.
        """


class TokenSignIn:
    """Local use: a token signs in."""

    is_elsewhere: Final = False

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def by_token(self, token: str) -> Caller:
        """See ``SignIn``."""
        return await self._tokens.caller(token)

    async def elsewhere(self, to: str) -> Response | None:
        """See ``SignIn``."""
        return None

    async def back(self, request: Request) -> SignedIn | Response:
        """See ``SignIn``."""
        raise NotFound(sentence("There is no page at this address."))
