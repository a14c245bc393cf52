"""What is open and late, for Prometheus: counted in the database, by one place, and seldom.

Workers and gateways measure what they do themselves; what the whole process has come to is in the database
alone. Several workers count the same: a query takes their `max`.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from database.connection import DATABASE_UNAVAILABLE
from database.counts import Counts, Queue, SqlCounts

log = logging.getLogger("unbuy.metrics")

_COUNT_EVERY: Final = 15.0
"""Seconds at least between two counts, however often somebody asks."""

_SHARE: Final = 20
"""A count is made again after so many times what it took: it has at most a twentieth of one connection."""

_PATIENCE: Final = 60.0


class OrderMetrics(Collector):
    """The counts of the whole process as gauges; none while the database has not answered yet."""

    def __init__(self, counts: SqlCounts) -> None:
        self._source = counts
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._counting = asyncio.Lock()
        self._counts: Counts | None = None
        self._at = datetime.min.replace(tzinfo=UTC)
        self._again_at = 0.0

    async def text(self) -> bytes:
        """In Prometheus's text format; as of a while ago where the database does not answer now."""
        async with self._counting:
            if (began := time.monotonic()) >= self._again_at:
                await self._count()
                took = time.monotonic() - began
                self._again_at = began + max(_COUNT_EVERY, _SHARE * took)
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See base class."""
        if self._counts is not None:
            yield from _gauges(self._counts, self._at)

    async def _count(self) -> None:
        now = datetime.now(UTC)
        try:
            async with asyncio.timeout(_PATIENCE):
                self._counts, self._at = await self._source.at(now), now
        except (*DATABASE_UNAVAILABLE, TimeoutError) as error:
            log.warning("The database cannot be counted in: %s", type(error).__name__)


def _gauges(counts: Counts, at: datetime) -> Iterator[GaugeMetricFamily]:
    yield _gauge("unbuy_counted_timestamp_seconds", "When all of this was counted.", at.timestamp())
    by_status = GaugeMetricFamily("unbuy_open_orders", "Orders by status.", labels=["status"])
    for status, number in counts.open_orders.items():
        by_status.add_metric([status.value], number)
    yield by_status
    yield _gauge(
        "unbuy_deadlines_due",
        "Orders that change by themselves within a day.",
        counts.deadlines_due,
    )
    yield from _queue(
        counts.deadlines_late, at, "unbuy_deadlines_late", "Orders whose deadline was not served."
    )
    yield _gauge("unbuy_refunds_open", "Orders whose refund is not back yet.", counts.refunds_open)
    yield from _queue(
        counts.refunds_overdue, at, "unbuy_refunds_overdue", "Orders whose refund is late (R15)."
    )
    yield from _queue(counts.support, at, "unbuy_support_waiting", "Orders that wait for support.")
    for account in ("stray", "unmatched"):
        found = [it for it in counts.unsettled if it.account == account]
        name = f"unbuy_{account}_money"
        since = min((it.since for it in found), default=None)
        yield from _queue(
            Queue(len(found), since), at, f"{name}_open", f"Amounts of {account} money."
        )
        sums = GaugeMetricFamily(
            f"{name}_minor_units", f"All {account} money.", labels=["currency"]
        )
        totals: dict[str, int] = {}
        for it in found:
            totals[it.currency] = totals.get(it.currency, 0) + abs(it.amount)
        for currency, amount in totals.items():
            sums.add_metric([currency], amount)
        yield sums
    yield from _queue(
        counts.outbox, at, "unbuy_outbox_undelivered", "Notifications not delivered yet."
    )
    yield _gauge(
        "unbuy_notifications_refused",
        "Notifications that an address refused for good within a day.",
        counts.deliveries_refused,
    )


def _queue(queue: Queue, at: datetime, name: str, about: str) -> Iterable[GaugeMetricFamily]:
    """How many there are, and for how long the first of them has waited."""
    yield _gauge(name, about, queue.length)
    age = max(0.0, (at - queue.since).total_seconds()) if queue.since else 0.0
    yield _gauge(f"{name}_oldest_seconds", f"For how long, of the first: {about}", age)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
