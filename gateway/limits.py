"""Rate limits (case 30): by party, or by address for unauthenticated callers.

Counted in this process unless ``UNBUY_RATE_LIMIT_STORAGE`` names a shared store.
"""

import logging
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
