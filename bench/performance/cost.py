"""What one order costs, how long an update takes, and how many orders a second are too many."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from statistics import median

from temporalio.api.enums.v1 import EventType

from bench.performance.stage import Stage
from bench.performance.subjects import Step, TooEarly

_WARM_UP = 10
_HISTORIES = 10
_SOON = 0.05
_HURRIED = timedelta(seconds=0.25)
_BY_SIGNALS = 3


@dataclass
class Lives:
    """Lives of orders, one after the other or at once; ``updates`` has each round trip in seconds.

    ``pause`` is how long nobody does anything before each message.
    """

    stage: Stage
    pause: timedelta
    prefix: str = "P"
    updates: list[float] = field(default_factory=list)
    too_early: int = 0
    """Updates that were refused because the order was not that far yet, and sent again."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def live(self) -> str:
        """Live one order's life, and return its id."""
        orders, order_id = self.stage.orders, f"{self.prefix}-{next(self._numbers)}"
        await orders.place(order_id, payment_review=self.pause / 2)
        for step in Step:
            await asyncio.sleep(self.pause.total_seconds())
            await self._update(order_id, step)
        await orders.handle(order_id).result()
        return order_id

    async def _update(self, order_id: str, step: Step) -> None:
        while True:
            began = time.perf_counter()
            try:
                await self.stage.orders.update(order_id, step)
            except TooEarly:
                self.too_early += 1
                await asyncio.sleep(_SOON)
            else:
                self.updates.append(time.perf_counter() - began)
                return

    async def warm_up(self, number: int) -> None:
        """Live some that do not count."""
        await asyncio.gather(*(self.live() for _ in range(number)))
        self.updates.clear()
        self.too_early = 0

    async def live_by_signals(self) -> str:
        """The same with signals, each when the order has nothing to do but to wait for it."""
        orders, order_id = self.stage.orders, f"{self.prefix}-{next(self._numbers)}"
        await orders.place(order_id, payment_review=_HURRIED)
        for step in Step:
            if step is Step.CANCEL_REQUEST:
                await self.stage.until_checked(order_id)
            await self.stage.until_it_rests(order_id)
            await orders.signal(order_id, step)
        await orders.handle(order_id).result()
        return order_id

    async def at_once(self, number: int, seconds: float) -> float:
        """Live so many at once for so long; return how many orders a second that makes.

        The first of each do not count, nor does what nobody waits for in the end.
        """

        async def one_after_the_other() -> None:
            await self.live()
            while time.perf_counter() < end:
                await self.live()

        end = math.inf
        running = [asyncio.create_task(one_after_the_other()) for _ in range(number)]
        while len(self.updates) < number * len(Step):
            await asyncio.sleep(_SOON)
        before, began = len(self.updates), time.perf_counter()
        while time.perf_counter() < began + seconds or len(self.updates) == before:
            await asyncio.sleep(_SOON)
        updates = len(self.updates) - before
        end = time.perf_counter()
        await asyncio.gather(*running)
        return updates / len(Step) / (end - began)

    async def at_rate(self, number: int, per_second: float) -> list[str]:
        """Begin so many at this rate, whatever becomes of the earlier ones; return their ids."""
        began = time.perf_counter()

        async def one(turn: int) -> str:
            await asyncio.sleep(began + turn / per_second - time.perf_counter())
            return await self.live()

        return await asyncio.gather(*(one(turn) for turn in range(number)))


async def order_cost(
    stage: Stage,
    number: int,
    per_second: float,
    pause: timedelta,
    *,
    among: int = 0,
    prefix: str = "P",
) -> dict[str, float]:
    """Live so many orders, ``among`` others that are open; the cost of one, by the names of ``METRICS``."""
    lives = Lives(stage, pause, prefix)
    await lives.warm_up(min(number, _WARM_UP))
    await stage.until_running(among)
    before = stage.cpu()
    order_ids = await lives.at_rate(number, per_second)
    await stage.until_running(among)
    cpu = stage.cpu().since(before)
    by_signals = await asyncio.gather(*(lives.live_by_signals() for _ in range(_BY_SIGNALS)))
    signalled = await _history_size(stage, by_signals)
    return {
        "cpu": sum(cpu) * 1000 / number,
        **{f"cpu_{name}": it * 1000 / number for name, it in cpu._asdict().items() if it},
        **{f"update_p{at}": percentile(lives.updates, at / 100) * 1000 for at in (50, 95, 99)},
        **await _history_size(stage, order_ids[-_HISTORIES:]),
        **{f"{name}_by_signals": value for name, value in signalled.items()},
        "too_early": lives.too_early / number,
    }


async def saturation(stage: Stage, at_once: int, seconds: float) -> float:
    """How many orders a second it makes when there are always so many."""
    return await Lives(stage, _HURRIED, prefix="H").at_once(at_once, seconds)


async def _history_size(stage: Stage, order_ids: Sequence[str]) -> dict[str, float]:
    """Events, workflow tasks and bytes of the median order: a busy machine joins or cuts tasks of some."""
    events, tasks, sizes = [], [], []
    for order_id in order_ids:
        handle = stage.orders.handle(order_id)
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        events.append(len(kinds))
        tasks.append(kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED))
        described = await handle.describe()
        sizes.append(described.raw_description.workflow_execution_info.history_size_bytes)
    return {
        "events": median(events),
        "tasks": median(tasks),
        "history_bytes": median(sizes),
    }


def percentile(latencies: list[float], share: float) -> float:
    """What this share of them stays under."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
