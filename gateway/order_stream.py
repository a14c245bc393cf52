"""Live orders: whoever watches is told of each change, read from what is kept of the orders.

All watchers of a gateway share one look at the database, and none of them is known to Temporal: an order's
history is the same whoever watches it.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

_LOOK_EVERY: Final = timedelta(milliseconds=500)
_NEVER_SEEN: Final = -1
# No caller has more than one of so many parts of all places.
_SHARES: Final = 4
# Seconds. A place is free when another of the caller's streams ends.
_ASK_AGAIN: Final = 30

WATCHERS = Gauge("unbuy_gateway_watchers", "Open streams of server-sent events.")


class _Watcher:
    """What one watcher was told last."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.view: OrderView | None = None
        self.has_changed = asyncio.Event()
        self.is_over = False


class OrderStream:
    """Looks for changed orders, for as long as somebody watches."""

    def __init__(self, listing: SqlOrderLists, most: int) -> None:
        self._listing = listing
        self._most = most
        self._watchers: defaultdict[str, set[_Watcher]] = defaultdict(set)
        self._of_one: Counter[tuple[Role, str]] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def watching(
        self, order_id: str, who: Caller, seen: int | None = None
    ) -> AsyncIterator[AsyncIterator[tuple[int, OrderView]]]:
        """An order's revision and view, now (unless it is ``seen``) and at each change, while a token counts.

        Who is slow misses what lies between, never the last. Raises Away for one watcher too many, and
        TooMany for one too many of the same caller's.
        """
        if self._stopped.is_set() or sum(map(len, self._watchers.values())) >= self._most:
            raise ServiceUnavailable(
                sentence(
                    "Too many orders are being watched at the moment; read the order from time to time."
                )
            )
        caller = (who.role, who.id)
        if self._of_one[caller] >= ceil(self._most / _SHARES):
            raise TooManyRequests(
                sentence(
                    "You are watching too many orders at once; read this one from time to time."
                ),
                _ASK_AGAIN,
            )
        mine = _Watcher(_NEVER_SEEN if seen is None else seen)
        self._watchers[order_id].add(mine)
        self._of_one[caller] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        WATCHERS.inc()
        try:
            yield self._changes(mine, who.until)
        finally:
            WATCHERS.dec()
            self._of_one[caller] -= 1
            if not self._of_one[caller]:
                del self._of_one[caller]
            self._watchers[order_id].discard(mine)
            if not self._watchers[order_id]:
                del self._watchers[order_id]

    async def _changes(
        self, mine: _Watcher, until: datetime
    ) -> AsyncIterator[tuple[int, OrderView]]:
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            try:
                async with asyncio.timeout(left):
                    await mine.has_changed.wait()
            except TimeoutError:
                return
            if mine.is_over:
                return
            mine.has_changed.clear()
            if mine.view:
                yield mine.revision, mine.view

    def stop(self) -> None:
        """End all streams; those who watch connect again elsewhere."""
        self._stopped.set()
        self._end_all()

    def _end_all(self) -> None:
        for mine in chain.from_iterable(self._watchers.values()):
            mine.is_over = True
            mine.has_changed.set()

    async def _look(self) -> None:
        while self._watchers and not self._stopped.is_set():
            told = {
                order_id: {mine.revision for mine in watchers}
                for order_id, watchers in self._watchers.items()
            }
            seen = {
                order_id: min(revisions) if len(revisions) == 1 else _NEVER_SEEN
                for order_id, revisions in told.items()
            }
            try:
                async with asking_the_database():
                    changed = await self._listing.changed(seen)
            except ServiceUnavailable:
                changed = {}  # said in the log; looked for again
            except Exception as error:
                # A defect of ours: who watches connects again, and waits for no news that never come.
                log.error("What has changed cannot be read: %s", type(error).__name__)
                self._end_all()
                return
            for order_id, (revision, view) in changed.items():
                for mine in self._watchers.get(order_id, ()):
                    if mine.revision != revision:
                        mine.revision, mine.view = revision, view
                        mine.has_changed.set()
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
