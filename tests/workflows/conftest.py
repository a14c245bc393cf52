"""A real server and orders whose deadlines are moments, told things while workers come and go."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from adapters.local.provider import LocalProvider
from database.connection import Database
from database.orders import SqlOrders
from demo.system import DemoSystem, ServerStory
from demo.waiting import until
from deploy.embedded import EmbeddedServer
from orders.messages import PaymentReceived
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.status import Status
from orders.view import OrderView
from runtime.wiring import Adapters
from runtime.worker import build_worker
from tests.orders.builders import eur, place
from tests.stories.time_skipping import own_task_queue
from workflows import ids

MOMENT = timedelta(milliseconds=300)
"""The check of a payment, and when the provider is asked for a refund."""

WINDOW = timedelta(seconds=3)
"""How long the buyer has to pay and the seller to answer: the worker that sees one begin is gone before
it ends, on a busy machine, too."""

POLICY = Policy(
    payment_window=WINDOW,
    payment_review=MOMENT,
    seller_reply_window=WINDOW,
    payment_reminders=(),
    seller_reminders=(),
    refund_checks=(MOMENT,),
)


class RealTimeStory(ServerStory):
    """An order whose worker comes and goes, while time runs as it does for us."""

    def __init__(self, system: DemoSystem, placed: PlaceOrder) -> None:
        super().__init__(system, placed)
        self.client = system.server.client
        self.database = system.database
        self.world = dataclasses.replace(
            Adapters.local(system.database, self.client), provider=system.provider
        )

    @asynccontextmanager
    async def working(self, **options: Any) -> AsyncIterator[None]:
        """A worker, for as long as the context lasts; it goes when the order has nothing to do."""
        # The next worker's turn comes when the order has waited this long for this one.
        sticky = timedelta(milliseconds=200)
        async with build_worker(
            self.client,
            self.world.activities(),
            task_queue=ids.TASK_QUEUE,
            sticky_timeout=sticky,
            **({"sandboxed": False} | options),
        ):
            yield
            await self.driver.rest(self.workflow_id)

    async def place(self, **policy: Any) -> Self:
        """R1: as ever, but without waiting until it has nothing to do: somebody may be down."""
        assert not policy, "what it lives by, it was made with"
        await self.driver.place(self.placed)
        await self.view()
        return self

    async def signal_payment(self, payment_id: str = "pay-1", amount: int = 2490) -> None:
        """R5: a payment, whether a worker runs or not."""
        await self.signal(
            PaymentReceived(
                payment_id=f"{self.placed.order_id}-{payment_id}",
                money=eur(amount),
                method="card",
                paid_at=datetime.now(UTC),
            )
        )

    async def until_awaiting_shipment(self) -> OrderView:
        """Paid, and the check, which takes a moment, is over."""
        await self.signal_payment()
        return await self.until(Status.AWAITING_SHIPMENT)

    async def deadline_passes(self) -> None:
        """Let the deadline that the order waits for pass, and the timers that fire by then."""
        stored = await SqlOrders(self.database).find(self.placed.order_id)
        assert stored
        deadline = stored.next[0].at
        await until(lambda: datetime.now(UTC), lambda now: now > deadline)
        # The deadline's own timer starts a moment after its time is reckoned.
        by = deadline + WINDOW / 2
        await until(self._events, lambda events: not _running_timers(events, by))

    async def kinds_for_the_next_task(self) -> set[EventType.ValueType]:
        """What has come in since a worker last had its say."""
        kinds = [event.event_type for event in await self._events()]
        last = max(
            at
            for at, kind in enumerate(kinds)
            if kind == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        )
        return set(kinds[last:])

    async def _events(self) -> list[HistoryEvent]:
        return [event async for event in self.handle.fetch_history_events()]


def _running_timers(events: list[HistoryEvent], until: datetime) -> set[str]:
    """Those that fire by an instant (UTC), and have not."""
    running = set()
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            started = event.timer_started_event_attributes
            lasts = started.start_to_fire_timeout.ToTimedelta()
            if event.event_time.ToDatetime(UTC) + lasts <= until:
                running.add(started.timer_id)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            running.discard(event.timer_fired_event_attributes.timer_id)
    return running


@pytest_asyncio.fixture(loop_scope="session")
async def order(
    dev_server: EmbeddedServer, database: Database, url: str, request: pytest.FixtureRequest
) -> AsyncIterator[RealTimeStory]:
    order_id = "".join(char if char.isalnum() else "-" for char in request.node.name)[-60:].lstrip(
        "-"
    )
    provider = LocalProvider(database, settles_after=timedelta(0))
    system = DemoSystem.on(dev_server, database, url, provider)
    # What the orders of other tests have left to do must not be done with this test's database.
    with own_task_queue():
        yield RealTimeStory(system, place(order_id=order_id, policy=POLICY))
