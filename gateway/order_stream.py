"""Live orders: streams each change to those who watch, read from the stored orders.

All watchers of a gateway share one database query and leave no trace in Temporal, so an order's history
does not depend on who watches it.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from math import ceil
from typing import Final

from prometheus_client import Gauge

from database.order_lists import SqlOrderLists
from gateway.access import Caller, Role
from gateway.orders import asking_the_database
from gateway.problems import ServiceUnavailable, TooManyRequests
from orders.sentences import sentence
from orders.view import OrderView

log = logging.getLogger("unbuy.gateway")

ASK_EVERY: Final = timedelta(seconds=5)
"""How long a stream may outlast the session of whoever watches."""

_LOOK_EVERY: Final = timedelta(milliseconds=500)
_NEVER_SEEN: Final = -1
# One caller may use at most one of this many shares of the streams.
_SHARES: Final = 4
# Seconds until another of the caller's streams may have ended.
_ASK_AGAIN: Final = 30

WATCHERS = Gauge("unbuy_gateway_watchers", "Open streams of server-sent events.")


async def _always() -> bool:
    return True


class _Watcher:
    """What one watcher has been sent last."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.view: OrderView | None = None
        self.has_changed = asyncio.Event()
        self.is_over = False


class OrderStream:
    """Polls for changed orders while anybody watches."""

    def __init__(self, listing: SqlOrderLists, most: int) -> None:
        self._listing = listing
        self._most = most
        self._watchers: defaultdict[str, set[_Watcher]] = defaultdict(set)
        self._by_caller: Counter[tuple[Role, str]] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def watching(
        self,
        order_id: str,
        who: Caller,
        seen: int | None = None,
        is_open: Callable[[], Awaitable[bool]] = _always,
    ) -> AsyncIterator[AsyncIterator[tuple[int, OrderView]]]:
        """An order's revision and view, now (unless already ``seen``) and at each change, while authorised.

        It ends with the caller's token, and when ``is_open`` says that the session has ended. A slow watcher
        may miss intermediate changes, never the last. Raises ServiceUnavailable above the limit of watchers,
        and TooManyRequests above the caller's own.
        """
        if self._stopped.is_set() or sum(map(len, self._watchers.values())) >= self._most:
            raise ServiceUnavailable(
                sentence(
                    "Too many orders are being watched at the moment; read the order from time to time."
                )
            )
        caller = (who.role, who.id)
        if self._by_caller[caller] >= ceil(self._most / _SHARES):
            raise TooManyRequests(
                sentence(
                    "You are watching too many orders at once; read this one from time to time."
                ),
                _ASK_AGAIN,
            )
        watcher = _Watcher(_NEVER_SEEN if seen is None else seen)
        self._watchers[order_id].add(watcher)
        self._by_caller[caller] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        WATCHERS.inc()
        try:
            yield self._changes(watcher, who.expires_at, is_open)
        finally:
            WATCHERS.dec()
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]
            self._watchers[order_id].discard(watcher)
            if not self._watchers[order_id]:
                del self._watchers[order_id]

    async def _changes(
        self, watcher: _Watcher, until: datetime, is_open: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[tuple[int, OrderView]]:
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, ASK_EVERY.total_seconds())):
                    await watcher.has_changed.wait()
            if watcher.is_over or not await is_open():
                return
            watcher.has_changed.clear()
            if watcher.view:
                yield watcher.revision, watcher.view

    def stop(self) -> None:
        """End all streams; clients reconnect to another gateway."""
        self._stopped.set()
        self._end_all()

    def _end_all(self) -> None:
        for watcher in chain.from_iterable(self._watchers.values()):
            watcher.is_over = True
            watcher.has_changed.set()

    async def _look(self) -> None:
        while self._watchers and not self._stopped.is_set():
            sent = {
                order_id: {watcher.revision for watcher in watchers}
                for order_id, watchers in self._watchers.items()
            }
            seen = {
                order_id: min(revisions) if len(revisions) == 1 else _NEVER_SEEN
                for order_id, revisions in sent.items()
            }
            try:
                async with asking_the_database():
                    changed = await self._listing.changed(seen)
            except ServiceUnavailable:
                changed = {}  # logged; polled again
            except Exception as error:
                # A bug: end the streams, so that clients reconnect instead of waiting for ever.
                log.error("What has changed cannot be read: %s", type(error).__name__)
                self._end_all()
                return
            for order_id, (revision, view) in changed.items():
                for watcher in self._watchers.get(order_id, ()):
                    if watcher.revision != revision:
                        watcher.revision, watcher.view = revision, view
                        watcher.has_changed.set()
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
