"""A real server and orders whose deadlines are moments, told things while workers come and go."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from adapters.local.provider import LocalProvider
from client import orders
from database.connection import Database
from demo.stage import has_nothing_to_do
from demo.waiting import until
from deploy.embedded import EmbeddedServer
from orders.messages import Message, PaymentReceived
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.status import Status
from orders.view import OrderView
from runtime.wiring import Adapters
from runtime.worker import build_worker
from tests.orders.builders import eur, message, place
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


@dataclass
class Backstage:
    """One order, told things while workers come and go."""

    client: Client
    world: Adapters
    database: Database
    placed: PlaceOrder

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
            **options,
        ):
            yield
            await self.rests()

    async def rests(self) -> None:
        """Wait until the order has nothing to do."""
        order = orders.handle(self.client, self.placed.order_id)
        await until(order.describe, has_nothing_to_do)

    async def place(self) -> None:
        """R1: place the order, and let its first task be done."""
        await orders.place(self.client, self.placed)
        await self.view()

    async def tell(self, name: str, **fields: Any) -> None:
        """A signal, which is recorded whether a worker runs or not."""
        await self.say(message(name, **fields))

    async def say(self, what: Message) -> None:
        await orders.signal(self.client, self.placed.order_id, what)

    async def pay(self, payment_id: str = "pay-1", amount: int = 2490) -> None:
        await self.say(
            PaymentReceived(
                payment_id=f"{self.placed.order_id}-{payment_id}",
                money=eur(amount),
                method="card",
                paid_at=datetime.now(UTC),
            )
        )

    async def deadline_passes(self) -> None:
        """Let the deadline that the order waits for pass, on the server's own clock."""
        await until(self._events, _last_timer_fired)

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
        order = orders.handle(self.client, self.placed.order_id)
        return [event async for event in order.fetch_history_events()]

    async def view(self) -> OrderView:
        return await orders.show(self.client, self.placed.order_id)

    async def becomes(self, status: Status) -> OrderView:
        return await until(self.view, lambda view: view.status is status)

    async def is_paid_and_checked(self) -> None:
        await self.pay()
        await self.becomes(Status.AWAITING_SHIPMENT)

    async def is_asked_to_cancel(self) -> None:
        await self.is_paid_and_checked()
        await self.tell("cancel_request", reason="changed_mind")
        await self.becomes(Status.CANCELLATION_REQUESTED)


def _last_timer_fired(events: list[HistoryEvent]) -> bool:
    started = fired = ""
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            started = event.timer_started_event_attributes.timer_id
        elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            fired = event.timer_fired_event_attributes.timer_id
    return bool(started) and started == fired


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    dev_server: EmbeddedServer, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[Backstage]:
    client = dev_server.client
    order_id = "".join(char if char.isalnum() else "-" for char in request.node.name)[-60:]
    world = dataclasses.replace(
        Adapters.local(database, client),
        provider=LocalProvider(database, settles_after=timedelta(0)),
    )
    # What the orders of other tests have left to do must not be done with this test's database.
    with own_task_queue():
        yield Backstage(client, world, database, place(order_id=order_id, policy=POLICY))
