"""The public keys of an OpenID Connect issuer, fetched from where it publishes them.

Its discovery document names their address. Who sends tokens cannot make us ask often, and while the issuer
is away the keys that it had last go on counting.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import httpx
import jwt

from gateway.problems import Away

log = logging.getLogger("unbuy.gateway")

FRESH: Final = timedelta(minutes=5)
"""So long a key counts after its issuer has published it last, while the issuer can be asked."""

COOLDOWN: Final = timedelta(seconds=30)
"""The issuer is not asked again within this time for a key that it does not have."""

_AFTER_A_FAILURE: Final = timedelta(seconds=1)
_WITHIN: Final = timedelta(seconds=5)
# What reading an answer fails with that is not what it should be.
_BAD_ANSWERS: Final = (AttributeError, LookupError, TypeError, ValueError)


class IssuersKeys:
    """Keys by their ids (``kid``); asked for one at a time, however many wait for them."""

    def __init__(
        self, issuer: str, fresh: timedelta = FRESH, cooldown: timedelta = COOLDOWN
    ) -> None:
        self._issuer = issuer
        self._fresh = fresh
        self._cooldown = cooldown
        self._keys: dict[str | None, jwt.PyJWK] | None = None
        self._asked_at = -float("inf")
        self._asking = asyncio.Lock()

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """A key by its id; None when the issuer has none such. Raises Away while no keys are known at all."""
        # Known and fresh, or stale while somebody else asks: nobody waits for an issuer that hangs.
        if self._keys is None or kid not in self._keys or self._is_due(kid):
            async with self._asking:
                if self._is_due(kid):
                    await self._ask()
        if self._keys is None:
            raise Away(
                "Who signs the tokens cannot be asked for its keys at the moment; try again soon."
            )
        return self._keys.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        if self._keys is None:
            wait = _AFTER_A_FAILURE
        else:
            wait = self._fresh if kid in self._keys else self._cooldown
        return time.monotonic() - self._asked_at >= wait.total_seconds()

    async def _ask(self) -> None:
        self._asked_at = time.monotonic()
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with asyncio.timeout(_WITHIN.total_seconds()), httpx.AsyncClient() as http:
                about = await _json(http, address)
                if about["issuer"] != self._issuer:
                    raise ValueError("it names another issuer")
                published = await _json(http, about["jwks_uri"])
            self._keys = _usable(published["keys"])
        except (*_BAD_ANSWERS, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.warning("The issuer's keys cannot be had: %s", type(error).__name__)


async def _json(http: httpx.AsyncClient, address: str) -> Mapping[str, Any]:
    answer = (await http.get(address)).raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


def _usable(published: list[dict[str, Any]]) -> dict[str | None, jwt.PyJWK]:
    """The keys that sign. One of a kind that we don't know does not make the others useless."""
    found: dict[str | None, jwt.PyJWK] = {}
    for entry in published:
        if isinstance(kid := entry.get("kid"), str) and entry.get("use", "sig") == "sig":
            with suppress(jwt.PyJWTError):
                found[kid] = jwt.PyJWK(entry)
    return found
