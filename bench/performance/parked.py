"""Orders that wait: their memory and disk, how they go on after `kill -9`, and how late deadlines are."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType

from bench.performance.cost import percentile
from bench.performance.stage import Stage
from bench.performance.subjects import DAYS_TO_PAY, Step

_AT_ONCE = 16
_KIB = 1024
_MARGIN = 1.25
_AT_LEAST = timedelta(seconds=5)


async def parked(stage: Stage, number: int, deadlines: int) -> dict[str, float]:
    """Park so many orders and kill their worker, then have so many deadlines fall due at once.

    By the names of ``METRICS``.
    """
    await park(stage, ["warm"])
    memory, disk, began = stage.worker_memory(), stage.disk(), time.perf_counter()
    await park(stage, [f"K-{turn}" for turn in range(number)])
    pace = timedelta(seconds=(time.perf_counter() - began) / number)
    measured = {
        "parked_memory": (stage.worker_memory() - memory) / number / _KIB,
        "parked_disk": (stage.disk() - disk) / number / _KIB,
    }
    await stage.orders.signal("warm", Step.CANCEL_REQUEST)
    await stage.until_running(number)
    return measured | {
        "recovery": await _recovery(stage, [f"K-{turn}" for turn in range(number)]),
        **await _deadlines(stage, deadlines, pace),
    }


async def park(
    stage: Stage,
    order_ids: Sequence[str],
    until_due: Callable[[], timedelta] = lambda: DAYS_TO_PAY,
    payment_review: timedelta = timedelta(days=1),
) -> None:
    """Place orders, each until it has nothing to do but to wait to be paid."""

    async def one(order_id: str) -> None:
        await stage.orders.place(order_id, payment_review, until_due())
        await stage.until_it_rests(order_id)

    await each(one, order_ids)


async def _recovery(stage: Stage, order_ids: Sequence[str]) -> float:
    """Seconds until all have gone on whose worker is killed, and started again."""
    stage.kill_workers()
    began = time.perf_counter()
    await stage.start_worker()
    await each(lambda it: stage.orders.signal(it, Step.CANCEL_REQUEST), order_ids)
    await stage.until_running(0)
    return time.perf_counter() - began


async def _deadlines(stage: Stage, number: int, pace: timedelta) -> dict[str, float]:
    """How many are met in a second, and how late, when so many orders expire at the same instant."""
    due = datetime.now(UTC) + _AT_LEAST + number * pace * _MARGIN
    order_ids = [f"D-{turn}" for turn in range(number)]
    await park(stage, order_ids, lambda: due - datetime.now(UTC))
    await stage.until_running(0)
    late: list[float] = []
    ends: list[datetime] = []

    async def look(order_id: str) -> None:
        events = [it async for it in stage.orders.handle(order_id).fetch_history_events()]
        started = next(it for it in events if it.event_type == EventType.EVENT_TYPE_TIMER_STARTED)
        window = started.timer_started_event_attributes.start_to_fire_timeout
        was_due = started.event_time.ToDatetime(UTC) + window.ToTimedelta()
        ends.append(events[-1].event_time.ToDatetime(UTC))
        late.append((ends[-1] - was_due).total_seconds())

    await each(look, order_ids)
    return {
        "deadlines": number / (max(ends) - due).total_seconds(),
        "late_p50": percentile(late, 0.5),
        "late_p99": percentile(late, 0.99),
    }


async def each(what: Callable[[str], Awaitable[None]], order_ids: Sequence[str]) -> None:
    """Do something with each order, with several at once."""
    turns = iter(order_ids)

    async def one_after_the_other() -> None:
        for order_id in turns:
            await what(order_id)

    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))
