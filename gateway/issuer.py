"""An OpenID Connect issuer: its discovery document, its public keys and the tokens that it has signed.

Fetches are rate-limited whatever tokens arrive, and the last known keys stay valid while the issuer is
unavailable.
"""

import asyncio
import logging
import re
import ssl
import textwrap
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
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

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# Values of ``alg`` by type and curve: never "none", and no HMAC, as the issuer signs with key pairs.
_ALGORITHMS: Final[Mapping[tuple[object, object], tuple[str, ...]]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("OKP", "Ed448"): ("EdDSA",),
}
# Of access and ID tokens, as in RFC 9068 and RFC 7519; not of those for signing out, events or DPoP.
_KINDS: Final = re.compile(r"((application/)?(at\+)?jwt)?", re.IGNORECASE)
LEEWAY: Final = timedelta(seconds=30)
"""Allowed clock skew."""
_AFTER_A_FAILURE: Final = timedelta(seconds=1)
_WITHIN: Final = timedelta(seconds=5)
_LONGEST_REASON: Final = 160
# Errors of a malformed response.
_BAD_ANSWERS: Final = (AttributeError, LookupError, TypeError, ValueError)


class WrongIssuer(ValueError):
    """The discovery document names another issuer than the settings: ``named``."""

    def __init__(self, named: object) -> None:
        super().__init__(f"it calls itself {named!r}")
        self.named = str(named)


class IssuersKeys:
    """The keys of an issuer; concurrent callers share one fetch."""

    def __init__(
        self, issuer: str, fresh: timedelta = FRESH, cooldown: timedelta = COOLDOWN
    ) -> None:
        self._issuer = issuer
        self._fresh = fresh
        self._cooldown = cooldown
        self._keys: list[_PublishedKey] | None = None
        self._asked_at = -float("inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key with this id for this algorithm, or without an id the only one for it; None without one.

        Raises ServiceUnavailable if no key is known.
        """
        # Fresh, or stale during another fetch: no caller waits for a hanging issuer.
        if self._fitting(kid, algorithm) is None or self._is_due(kid, algorithm):
            async with self._lock:
                if self._is_due(kid, algorithm):
                    await self._ask()
        if self._keys is None:
            raise _keys_unavailable()
        return self._fitting(kid, algorithm)

    def _fitting(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        found = [
            it.by_algorithm[algorithm]
            for it in self._keys or ()
            if algorithm in it.by_algorithm and (kid is None or it.id == kid)
        ]
        return found[0] if len(found) == 1 else None

    def _is_due(self, kid: str | None, algorithm: str) -> bool:
        if self._keys is None:
            wait = _AFTER_A_FAILURE
        else:
            wait = self._fresh if self._fitting(kid, algorithm) else self._cooldown
        return time.monotonic() - self._asked_at >= wait.total_seconds()

    async def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(_WITHIN.total_seconds()), asking() as http:
                about = await _discovered(http, self._issuer)
                published = await _json(http, about["jwks_uri"])
            self._keys = _usable(published["keys"])
        except (*_BAD_ANSWERS, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            why = error if isinstance(error, WrongIssuer) else type(error).__name__
            log.warning("The issuer's keys cannot be had: %s", why)


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

    async def check_name(self) -> None:
        """Raise WrongIssuer if the issuer calls itself otherwise; nothing if it does not answer."""
        try:
            async with asking() as http:
                await _discovered(http, self._address)
        except WrongIssuer:
            raise
        except (*_BAD_ANSWERS, httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("The issuer does not answer yet: %s", type(error).__name__)

    async def claims(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of its token for ``audience``. Raises Unauthorized and ServiceUnavailable."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Unauthorized(sentence("This token cannot be read: sign in again.")) from None
        if not _KINDS.fullmatch(str(header.get("typ", ""))):
            raise Unauthorized(sentence("This is another kind of token: sign in again."))
        if (key := await self._keys.find(header.get("kid"), str(header.get("alg")))) is None:
            raise Unauthorized(
                sentence("This token is not signed by a key of the issuer: sign in again.")
            )
        return decoded(
            token,
            key,
            algorithms=[key.algorithm_name],
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
        return jwt.decode(token, key, leeway=LEEWAY, **how)
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
    """The discovery document. Raises WrongIssuer, and one of ``_BAD_ANSWERS``."""
    about = await _json(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if about["issuer"] != issuer:
        raise WrongIssuer(about["issuer"])
    return about


async def _json(http: httpx.AsyncClient, address: str) -> Mapping[str, Any]:
    answer = (await http.get(address)).raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


@dataclass(frozen=True, slots=True)
class _PublishedKey:
    """A public key: its id, if it has one, and what it is to each algorithm that it may be used with."""

    id: str | None
    by_algorithm: Mapping[str, jwt.PyJWK]


def _usable(published: list[dict[str, Any]]) -> list[_PublishedKey]:
    """The signing keys, without those of unsupported types."""
    found = []
    for entry in published:
        if entry.get("use", "sig") != "sig" or not isinstance(kid := entry.get("kid"), str | None):
            continue
        fitting = _ALGORITHMS.get((entry.get("kty"), entry.get("crv")), ())
        only = entry.get("alg")
        with suppress(jwt.PyJWTError):
            found.append(
                _PublishedKey(
                    kid,
                    {it: jwt.PyJWK(entry, it) for it in fitting if only is None or it == only},
                )
            )
    return found
