"""An OpenID Connect issuer: its discovery document, its public keys and the tokens that it has signed.

Fetches are rate-limited whatever tokens arrive, and the last known keys stay valid while the issuer is
unavailable.
"""

import asyncio
import logging
import ssl
import textwrap
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Final

import httpx
import jwt
from pydantic import BaseModel, Field

from gateway.problems import ServiceUnavailable, Unauthorized
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

FRESH: Final = timedelta(minutes=5)
"""How long a fetched key is used before it is fetched again, while the issuer is available."""

COOLDOWN: Final = timedelta(seconds=30)
"""Minimum time between two fetches for an unknown key."""

# Values of ``alg``: never "none", and no HMAC, as the issuer signs with key pairs.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
# Allowed clock skew.
_LEEWAY: Final = timedelta(seconds=30)
_AFTER_A_FAILURE: Final = timedelta(seconds=1)
_WITHIN: Final = timedelta(seconds=5)
_LONGEST_REASON: Final = 160
# Errors of a malformed response.
_BAD_ANSWERS: Final = (AttributeError, LookupError, TypeError, ValueError)


class IssuersKeys:
    """Keys by their ids (``kid``); concurrent callers share one fetch."""

    def __init__(
        self, issuer: str, fresh: timedelta = FRESH, cooldown: timedelta = COOLDOWN
    ) -> None:
        self._issuer = issuer
        self._fresh = fresh
        self._cooldown = cooldown
        self._keys: dict[str | None, jwt.PyJWK] | None = None
        self._asked_at = -float("inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """A key by its id; None if the issuer has none. Raises ServiceUnavailable if no key is known."""
        # Fresh, or stale during another fetch: no caller waits for a hanging issuer.
        if self._keys is None or kid not in self._keys or self._is_due(kid):
            async with self._lock:
                if self._is_due(kid):
                    await self._ask()
        if self._keys is None:
            raise _keys_unavailable()
        return self._keys.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        if self._keys is None:
            wait = _AFTER_A_FAILURE
        else:
            wait = self._fresh if kid in self._keys else self._cooldown
        return time.monotonic() - self._asked_at >= wait.total_seconds()

    async def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(_WITHIN.total_seconds()), asking() as http:
                about = await _discovered(http, self._issuer)
                published = await _json(http, about["jwks_uri"])
            self._keys = _usable(published["keys"])
        except (*_BAD_ANSWERS, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.warning("The issuer's keys cannot be had: %s", type(error).__name__)


_Address = Annotated[str, Field(pattern=r"^https?://\S+$")]


class IssuerEndpoints(BaseModel):
    """The issuer's endpoints, from its discovery document."""

    jwks_uri: _Address
    # Optional: needed only where people sign in.
    authorization_endpoint: _Address | None = None
    token_endpoint: _Address | None = None


class Issuer:
    """An issuer: its endpoints, and the verification of its tokens."""

    def __init__(self, address: str, keys: IssuersKeys | None = None) -> None:
        self._address = address
        self._keys = keys or IssuersKeys(address)
        self._endpoints: IssuerEndpoints | None = None

    async def endpoints(self) -> IssuerEndpoints:
        """Its endpoints, fetched once. Raises ServiceUnavailable."""
        if self._endpoints is None:
            try:
                async with asking() as http:
                    about = await _discovered(http, self._address)
                self._endpoints = IssuerEndpoints.model_validate(about)
            except (*_BAD_ANSWERS, httpx.HTTPError, httpx.InvalidURL):
                raise _keys_unavailable() from None
        return self._endpoints

    async def claims(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of its token for ``audience``. Raises Unauthorized and ServiceUnavailable."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise Unauthorized(sentence("This token cannot be read: sign in again.")) from None
        if (key := await self._keys.find(kid)) is None:
            raise Unauthorized(
                sentence("This token is not signed by a key of the issuer: sign in again.")
            )
        return decoded(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=audience,
            issuer=self._address,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


def asking() -> httpx.AsyncClient:
    """An HTTP client for one request to the issuer."""
    return httpx.AsyncClient(verify=_trusted(), timeout=_WITHIN.total_seconds())


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # slow


def decoded(token: str, key: str | jwt.PyJWK, **how: Any) -> Mapping[str, Any]:
    """The claims of a valid token. Raises Unauthorized."""
    try:
        return jwt.decode(token, key, leeway=_LEEWAY, **how)
    except jwt.ExpiredSignatureError:
        raise Unauthorized(sentence("This token has expired: sign in again.")) from None
    except (ValueError, OverflowError, TypeError):
        raise Unauthorized(
            sentence("This token's sub is not a valid id, or its exp is not a valid time.")
        ) from None
    except jwt.PyJWTError as error:
        raise Unauthorized(
            sentence("This token is not valid: {error}.", error=_shortened(error))
        ) from None


def _shortened(error: Exception) -> str:
    # PyJWT's message quotes the sender's header.
    return textwrap.shorten(str(error), _LONGEST_REASON, placeholder=" ...")


def _keys_unavailable() -> ServiceUnavailable:
    """The problem for an issuer that does not respond, or not correctly."""
    return ServiceUnavailable(
        sentence(
            "The identity provider's signing keys are unavailable at the moment; try again soon."
        )
    )


async def _discovered(http: httpx.AsyncClient, issuer: str) -> Mapping[str, Any]:
    """The discovery document. Raises one of ``_BAD_ANSWERS`` if it names another issuer."""
    about = await _json(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if about["issuer"] != issuer:
        raise ValueError("it names another issuer")
    return about


async def _json(http: httpx.AsyncClient, address: str) -> Mapping[str, Any]:
    answer = (await http.get(address)).raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


def _usable(published: list[dict[str, Any]]) -> dict[str | None, jwt.PyJWK]:
    """The signing keys, without those of unsupported types."""
    found: dict[str | None, jwt.PyJWK] = {}
    for entry in published:
        if isinstance(kid := entry.get("kid"), str) and entry.get("use", "sig") == "sig":
            with suppress(jwt.PyJWTError):
                found[kid] = jwt.PyJWK(entry)
    return found
