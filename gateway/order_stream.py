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
# One caller has at most so many streams, and never more than one of so many shares of all.
_OF_ONE_CALLER: Final = 10
_SHARES: Final = 20
# Seconds until another of the caller's streams may have ended.
_ASK_AGAIN: Final = 30

PING_EVERY: Final = timedelta(seconds=15)
"""How often a stream on which nothing happens is written to: so it is known who has vanished."""

WATCHERS = Gauge("unbuy_gateway_watchers", "Open streams of server-sent events.")


_CallerKey = tuple[Role, str]


async def _always() -> bool:
    return True


class _Watcher:
    """What one watcher has been sent last."""

    def __init__(self, caller: _CallerKey, revision: int) -> None:
        self.caller = caller
        self.revision = revision
        self.view: OrderView | None = None
        self.has_changed = asyncio.Event()
        self.is_over = False

    def end(self) -> None:
        """End its stream."""
        self.is_over = True
        self.has_changed.set()


class OrderStream:
    """Polls for changed orders while anybody watches."""

    def __init__(self, listing: SqlOrderLists, most: int) -> None:
        self._listing = listing
        self._most = most
        self._watchers: defaultdict[str, list[_Watcher]] = defaultdict(list)
        self._by_caller: Counter[_CallerKey] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def watching(
        self,
        order_id: str,
        who: Caller,
        seen: int | None = None,
        is_open: Callable[[], Awaitable[bool]] = _always,
    ) -> AsyncIterator[AsyncIterator[tuple[int, OrderView] | None]]:
        """An order's revision and view, now (unless already ``seen``) and at each change, while authorised.

        None whenever nothing has changed for ``PING_EVERY``. It ends with the caller's token, and when
        ``is_open`` says that the session has ended. A slow watcher may miss intermediate changes, never the
        last. Where a limit is reached, a new stream replaces the caller's oldest of the same order, which may
        be of a client that is gone; if there is none, ServiceUnavailable is raised above the limit of
        watchers, and TooManyRequests above the caller's own.
        """
        watcher = _Watcher((who.role, who.id), _NEVER_SEEN if seen is None else seen)
        self._make_room(order_id, watcher.caller)
        self._watchers[order_id].append(watcher)
        self._by_caller[watcher.caller] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        WATCHERS.inc()
        try:
            yield self._changes(watcher, who.expires_at, is_open)
        finally:
            self._remove(order_id, watcher)

    def _make_room(self, order_id: str, caller: _CallerKey) -> None:
        is_full = sum(map(len, self._watchers.values())) >= self._most
        has_enough = self._by_caller[caller] >= min(_OF_ONE_CALLER, ceil(self._most / _SHARES))
        same = [it for it in self._watchers.get(order_id, ()) if it.caller == caller]
        if same and (is_full or has_enough) and not self._stopped.is_set():
            self._remove(order_id, same[0])
            same[0].end()
        elif is_full or self._stopped.is_set():
            raise ServiceUnavailable(
                sentence(
                    "Too many orders are being watched at the moment; read the order from time to time."
                )
            )
        elif has_enough:
            raise TooManyRequests(
                sentence(
                    "You are watching too many orders at once; read this one from time to time."
                ),
                _ASK_AGAIN,
            )

    def _remove(self, order_id: str, watcher: _Watcher) -> None:
        """Give its place back, once."""
        if watcher not in self._watchers.get(order_id, ()):
            return
        WATCHERS.dec()
        self._by_caller[watcher.caller] -= 1
        if not self._by_caller[watcher.caller]:
            del self._by_caller[watcher.caller]
        self._watchers[order_id].remove(watcher)
        if not self._watchers[order_id]:
            del self._watchers[order_id]

    async def _changes(
        self, watcher: _Watcher, until: datetime, is_open: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[tuple[int, OrderView] | None]:
        written_at = datetime.now(UTC)
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            wait = min(timedelta(seconds=left), ASK_EVERY, PING_EVERY)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait.total_seconds()):
                    await watcher.has_changed.wait()
            if watcher.is_over or not await is_open():
                return
            if watcher.has_changed.is_set() and watcher.view:
                watcher.has_changed.clear()
                yield watcher.revision, watcher.view
                written_at = datetime.now(UTC)
            elif datetime.now(UTC) - written_at >= PING_EVERY:
                yield None
                written_at = datetime.now(UTC)

    def stop(self) -> None:
        """End all streams; clients reconnect to another gateway."""
        self._stopped.set()
        self._end_all()

    def _end_all(self) -> None:
        for watcher in chain.from_iterable(self._watchers.values()):
            watcher.end()

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
