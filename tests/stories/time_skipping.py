"""Orders on the time-skipping server, with fakes for all that is outside: days pass in milliseconds."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from client import orders, stray_payments
from demo.story import OrderStory
from demo.transports import TemporalTransport
from demo.waiting import until
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView
from runtime.worker import build_worker
from testing.replay import replay
from tests.fakes import FakeWorld
from tests.orders.builders import eur, place
from workflows import ids
from workflows.order import OrderWorkflow

GOOD_NUMBER = "RR123456785PL"
WRONG_NUMBER = "XX123456785PL"

_NUMBERS = count(1)
_QUICK = ("verify_tracking", "file_dispute", "start_stray")
_WORKFLOW_TASKS = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
)


@dataclass(frozen=True)
class TimeSkippingDriver:
    """See ``Driver``: one clock for all workflows."""

    environment: WorkflowEnvironment
    world: FakeWorld

    @property
    def _transport(self) -> TemporalTransport:
        return TemporalTransport(self.environment.client)

    async def place(self, placed: PlaceOrder) -> None:
        # Its handle is dropped: waiting for the result by that one would let the clock run on to the
        # server's next timer of any kind, which may be ten years away.
        await self._transport.place(placed)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        await self._transport.tell(placed, message)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        return await self._transport.ask(placed, message)

    async def view(self, placed: PlaceOrder) -> OrderView:
        return await self._transport.view(placed)

    async def now(self, workflow_id: str) -> datetime:
        return await self.environment.get_current_time()

    async def pass_time(self, workflow_id: str, by: timedelta) -> None:
        await self.environment.sleep(by)

    async def rest(self, workflow_id: str) -> None:
        """See ``Driver``; outages and the provider are not waited for."""
        handle = self._handle(workflow_id)

        async def is_at_rest() -> bool:
            # This server's description does not say that a workflow task is pending.
            async for event in handle.fetch_history_events():
                if event.event_type in _WORKFLOW_TASKS:
                    last = event.event_type
            if last != EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                return False
            pending = (await handle.describe()).raw_description.pending_activities
            return all(it.attempt > 1 or it.activity_type.name not in _QUICK for it in pending)

        await until(is_at_rest)

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        return await stray_payments.show(self.environment.client, payment_id)

    async def end(self, workflow_id: str) -> None:
        await self._handle(workflow_id).result()

    async def fail_refunds_of(self, payment_id: str, reason: str) -> None:
        self.world.provider.fails(payment_id, reason)

    async def settle_refund(self, refund_id: str) -> None:
        self.world.provider.settles(refund_id)

    def _handle(self, workflow_id: str) -> WorkflowHandle[Any, Any]:
        return self.environment.client.get_workflow_handle(workflow_id)


class TimeSkippingStory(OrderStory):
    """An order on the time-skipping server, and the fakes around it."""

    def __init__(self, environment: WorkflowEnvironment, placed: PlaceOrder) -> None:
        self.environment = environment
        self.world = FakeWorld(environment.client)
        super().__init__(TimeSkippingDriver(environment, self.world), placed)

    @property
    def handle(self) -> WorkflowHandle[OrderWorkflow, OrderView]:
        """The order's own workflow."""
        return orders.handle(self.environment.client, self.placed.order_id)

    def working(self, **options: Any) -> Worker:
        """A worker for this order; in the tests that have them come and go."""
        settings: dict[str, Any] = {
            "task_queue": ids.TASK_QUEUE,
            "graceful_shutdown": timedelta(0),
            "sandboxed": False,
        }
        client = self.environment.client
        return build_worker(client, self.world.activities(), **(settings | options))

    def notified(self, *roles: str) -> list[tuple[str, str]]:
        """Who was notified of what, in order; of everyone unless roles are given."""
        notified = self.world.outbox.told(self.placed.order_id)
        return [it for it in notified if not roles or it[0] in roles]

    async def must_end(self) -> OrderView:
        """The workflow is over: its result is its last view, the books are at rest, and all are notified."""
        view = await super().must_end()
        assert view.model_dump() == (await self.handle.result()).model_dump()
        assert view == self.world.orders.view(self.placed.order_id)
        assert view.amount_held.amount == 0
        assert view.next == []
        self.books_must_agree(view)
        everything = {it.key for it in self.world.outbox.messages.values()}
        assert everything <= {it.key for it in self.world.channel.sent}
        return view

    def books_must_agree(self, view: OrderView) -> None:
        """Money is exact: paid = refunded + charged back + held + owed to the seller."""
        assert view.amount_paid.amount == (
            view.amount_refunded.amount
            + view.amount_charged_back.amount
            + view.amount_held.amount
            + view.amount_owed_to_seller.amount
        )
        books = self.world.ledger.balances_of(view.order_id)
        assert sum(books.balances.values()) == 0
        assert (books.held_or_refunding, books.owed_to_seller) == (
            view.amount_held.amount,
            view.amount_owed_to_seller.amount,
        )

    async def must_replay(self) -> None:
        """Its history leads to the same decisions again."""
        await replay(await self.handle.fetch_history())


@contextmanager
def own_task_queue() -> Iterator[None]:
    """A task queue that no other test's worker has polled.

    The test server may still give a task to a worker that has stopped: then it is lost until it times out,
    and the clock stands meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "TASK_QUEUE", f"{ids.TASK_QUEUE}-{next(_NUMBERS)}")
        yield


@asynccontextmanager
async def time_skipping_story(
    environment: WorkflowEnvironment, order_id: str, *, serves: bool = True, **worker: Any
) -> AsyncIterator[TimeSkippingStory]:
    """An order that is not placed yet and, unless it ``serves`` none, its worker.

    In the end nothing of it is left on the server.
    """
    story = TimeSkippingStory(environment, place(order_id=order_id))
    with own_task_queue():
        async with story.working(**worker) if serves else nullcontext():
            try:
                yield story
            finally:
                await forget(story)


async def forget(story: TimeSkippingStory) -> None:
    """End what is still running, so that its timers do not keep the clock busy."""
    for outage in story.world.outages:
        outage.hangs = False
    await _come_to_rest(story)
    strays = {*story.stray_payments, *story.world.stray_payment_starter.started}
    for workflow_id in (story.workflow_id, *map(ids.stray_workflow_id, strays)):
        with suppress(RPCError):
            await story.environment.client.get_workflow_handle(workflow_id).terminate()


async def _come_to_rest(story: TimeSkippingStory) -> None:
    # Terminated in the middle of a workflow task, an order leaves the server's clock locked: the next
    # test's timers would wait for a timeout in real time.
    recorded = story.world.orders
    with suppress(RPCError, TimeoutError):
        is_running = (await story.handle.describe()).status is WorkflowExecutionStatus.RUNNING
        if is_running and story.placed.order_id in recorded.latest:
            await until(
                story.view,
                lambda view: view == recorded.view(view.order_id),
                within=timedelta(seconds=2),
            )


def half() -> Money:
    """Half of what the order costs."""
    return eur(1245)
