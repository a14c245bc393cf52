"""How much one caller may ask for (case 30): by party, or by address for unauthenticated callers.

Requests are counted in this process unless ``UNBUY_RATE_LIMIT_STORAGE`` names a shared store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from limits import parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.requests import Request

from gateway.problems import ServiceUnavailable, TooManyRequests
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

AT_ONCE: Final = 8
"""Requests of one caller that are worked on at once: fewer than a process has database connections."""

MOST_WAITING: Final = 32
"""Requests of one caller that wait for their turn behind these."""

WAITING: Final = timedelta(seconds=2)
"""How long a request waits for its turn."""

# Providers give out /64 networks: whoever has one has any address of it.
_HOUSEHOLD: Final = 64


def address_of(request: Request) -> str:
    """The client's address, which identifies unauthenticated callers; of IPv6 the network of a household."""
    host = request.client.host if request.client else "nowhere"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(ip_network((address, _HOUSEHOLD), strict=False))
    return str(address)


class RateLimits:
    """A moving window per caller."""

    def __init__(self, limit: str, storage: str) -> None:
        """``limit`` as in ``300/minute``; ``storage``: a URI of the library ``limits``."""
        self._limit = parse(limit)
        store = storage_from_string(storage, wrap_exceptions=True)
        assert isinstance(store, Storage), "the settings have checked it"
        self._windows = MovingWindowRateLimiter(store)

    async def count(self, who: str) -> None:
        """Count a request. Raises TooManyRequests."""
        try:
            if await self._windows.hit(self._limit, who):
                return
            stats = await self._windows.get_window_stats(self._limit, who)
        except StorageError as error:
            log.warning("Requests cannot be counted: %s", type(error.storage_error).__name__)
            raise ServiceUnavailable(
                sentence("The request limit cannot be checked at the moment; try again soon.")
            ) from None
        wait = datetime.fromtimestamp(stats.reset_time, UTC) - datetime.now(UTC)
        seconds = max(1, ceil(wait / timedelta(seconds=1)))
        raise TooManyRequests(
            sentence(
                "One caller may send at most {limit}; try again in {seconds} s.",
                limit=self._limit,
                seconds=seconds,
            ),
            seconds,
        )


@dataclass(slots=True)
class _Line:
    """The requests of one caller: those that are worked on, and those that wait."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    length: int = 0


class Turns:
    """Each caller's requests wait for each other, so that nobody else has to (case 30)."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def take(self, who: str) -> AsyncIterator[None]:
        """Wait until few enough requests of this caller are worked on. Raises TooManyRequests."""
        line = self._lines.setdefault(who, _Line())
        if line.length >= AT_ONCE + MOST_WAITING:
            raise _too_many_at_once()
        line.length += 1
        try:
            try:
                async with asyncio.timeout(WAITING.total_seconds()):
                    await line.turns.acquire()
            except TimeoutError:
                raise _too_many_at_once() from None
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[who]


def _too_many_at_once() -> TooManyRequests:
    return TooManyRequests(
        sentence(
            "One caller may have {number} requests worked on at once, and more are waiting; try again in "
            "{seconds} s.",
            number=AT_ONCE,
            seconds=1,
        ),
        1,
    )
