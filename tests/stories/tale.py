"""One order on the time-skipping server: people tell it things, days pass, and it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from demo.waiting import PATIENCE, until
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView
from runtime.worker import build_worker
from testing.replay import replay
from tests.fakes import FakeWorld
from tests.orders.builders import eur, message, place
from workflows import calls, ids
from workflows.order import OrderWorkflow
from workflows.stray_payment import StrayPaymentWorkflow

GOOD_NUMBER = "RR123456785PL"
WRONG_NUMBER = "XX123456785PL"

_NUMBERS = count(1)


@dataclass
class Tale:
    """An order, the world around it, and the clock of the server."""

    environment: WorkflowEnvironment
    world: FakeWorld
    placed: PlaceOrder
    handle: WorkflowHandle[OrderWorkflow, OrderView] = field(init=False)
    strays: list[str] = field(default_factory=list)
    _payments: int = 0

    def __post_init__(self) -> None:
        self.handle = calls.order(self.environment.client, self.placed.order_id)

    async def begins(self, **policy: Any) -> "Tale":
        """R1: the order is placed, with the default policy but for what is given; its first task is done."""
        await self.is_placed(**policy)
        await self.view()
        return self

    async def is_placed(self, **policy: Any) -> None:
        """R1: the same, also where no worker runs."""
        self.placed = PlaceOrder.model_validate(self.placed.model_dump() | {"policy": policy})
        await calls.place(self.environment.client, self.placed)
        # Not the handle that comes from placing: waiting for its result would let the clock run on to the
        # server's next timer of any kind, which may be ten years away.
        self.handle = calls.order(self.environment.client, self.placed.order_id)

    def working(self, **options: Any) -> Worker:
        """A worker for this order; in the tests that have them come and go."""
        settings: dict[str, Any] = {
            "task_queue": ids.TASK_QUEUE,
            "graceful_shutdown": timedelta(0),
        }
        client = self.environment.client
        return build_worker(client, self.world.activities(), **(settings | options))

    async def view(self) -> OrderView:
        """The order as it is now."""
        return await calls.show(self.environment.client, self.placed.order_id)

    async def becomes(self, right: Callable[[OrderView], bool]) -> OrderView:
        """What an activity that runs beside the story brings about; fails when it does not come."""
        return await until(self.view, right)

    async def replays(self) -> None:
        """Its history leads to the same decisions again; raises when it does not."""
        await replay(await self.handle.fetch_history())

    async def now(self) -> datetime:
        """By the server's clock."""
        return await self.environment.get_current_time()

    async def days(self, days: float) -> OrderView:
        """Let days pass, and whatever happens by itself in them happen."""
        await self.environment.sleep(timedelta(days=days, seconds=2))
        return await self.view()

    async def tells(self, name: str, **fields: Any) -> OrderView:
        """Somebody tells the order something that it takes."""
        before = await self.view()
        await self.signals(name, **fields)
        after = await self.view()
        assert after.refused == before.refused
        return after

    async def signals(self, name: str, **fields: Any) -> None:
        """A signal, whether the order takes it or not, and whether a worker runs or not."""
        await self.signals_message(message(name, **fields))

    async def signals_message(self, told: Message) -> None:
        """The same with a message that is there already."""
        await calls.signal(self.environment.client, self.placed.order_id, told)

    async def updates(self, name: str, **fields: Any) -> OrderView:
        """Somebody tells the order something that it takes, and gets its view."""
        told = message(name, **fields)
        return await calls.update(self.environment.client, self.placed.order_id, told)

    async def refuses(self, name: str, **fields: Any) -> dict[str, Any]:
        """Somebody tells the order something that it cannot take; the details of the refusal."""
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await self.updates(name, **fields)
        cause = caught.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "NotAllowedNow"
        details: dict[str, Any] = cause.details[0]
        assert details["reason"].endswith(".")
        return details

    async def payment(self, money: Money | None = None, payment_id: str = "") -> dict[str, Any]:
        """The fields of a payment of what is due, or of something else."""
        self._payments += 1
        return {
            "payment_id": payment_id or f"{self.placed.order_id}-pay-{self._payments}",
            "money": money or (await self.view()).amount_due,
            "method": "card",
            "paid_at": await self.now(),
        }

    async def is_paid(self) -> OrderView:
        """R5: the provider reports a payment of what is due."""
        return await self.tells("payment", **await self.payment())

    async def is_paid_in_vain(self, money: Money | None = None) -> str:
        """R17: a payment that the order cannot take; returns its id."""
        payment = await self.payment(money)
        await self.signals("payment", **payment)
        payment_id: str = payment["payment_id"]
        self.strays.append(payment_id)
        await until(lambda: payment_id in self.world.stray_payment_starter.started)
        return payment_id

    async def awaits_shipment(self) -> OrderView:
        """Paid, and the check is over."""
        await self.is_paid()
        return await self.days(1)

    async def is_asked_to_cancel(self, **fields: Any) -> OrderView:
        """R7: paid, checked, and the buyer wants to cancel."""
        await self.awaits_shipment()
        return await self.tells("cancel_request", **({"reason": "changed_mind"} | fields))

    async def is_claimed_shipped(self, **fields: Any) -> OrderView:
        """R10: the seller says that it is shipped already."""
        await self.is_asked_to_cancel()
        return await self.tells("seller_reply", decision="already_shipped", **fields)

    async def is_disputed(self) -> OrderView:
        """R13: the seller refuses, which is a ground."""
        await self.is_asked_to_cancel()
        return await self.tells("seller_reply", decision="refuse")

    async def is_accepted(self) -> OrderView:
        """R9: the seller confirms; the refund is under way."""
        await self.is_asked_to_cancel()
        return await self.tells("seller_reply", decision="accept")

    async def ends(self) -> OrderView:
        """The workflow is over: its result, which is its last view, with the books at rest."""
        async with asyncio.timeout(PATIENCE.total_seconds()):
            result = await self.handle.result()
        assert result == await self.view()
        assert result == self.world.orders.view(self.placed.order_id)
        assert result.amount_held.amount == 0
        assert result.next == []
        self.checks_books(result)
        everything = {it.key for it in self.world.outbox.messages.values()}
        assert everything <= {it.key for it in self.world.channel.sent}
        return result

    async def sees_the_end_of(self, workflow_id: str) -> None:
        """Wait for another process of this order's; the clock stands meanwhile, as in ``ends``."""
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await self.environment.client.get_workflow_handle(workflow_id).result()

    def checks_books(self, view: OrderView) -> None:
        """Money is exact: paid = refunded + charged back + held + owed to the seller."""
        assert view.amount_paid.amount == (
            view.amount_refunded.amount
            + view.amount_charged_back.amount
            + view.amount_held.amount
            + view.amount_owed_to_seller.amount
        )
        books = self.world.ledger.books(view.order_id)
        assert sum(books.balances.values()) == 0
        assert (books.held_or_refunding, books.owed_to_seller) == (
            view.amount_held.amount,
            view.amount_owed_to_seller.amount,
        )

    def told(self, *who: str) -> list[tuple[str, str]]:
        """Who was told what, in order; of everyone unless roles are given."""
        told = self.world.outbox.told(self.placed.order_id)
        return [it for it in told if not who or it[0] in who]

    async def stray(self, payment_id: str) -> StrayPaymentState:
        """How a payment that the order could not take stands."""
        handle = self.environment.client.get_workflow_handle(ids.stray_workflow_id(payment_id))
        return await handle.query(StrayPaymentWorkflow.stray_payment)


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
async def tale(
    environment: WorkflowEnvironment, order_id: str, *, serves: bool = True, **worker: Any
) -> AsyncIterator[Tale]:
    """A tale and, unless it ``serves`` none, its worker; in the end nothing of it is left on the server."""
    told = Tale(environment, FakeWorld(environment.client), place(order_id=order_id))
    with own_task_queue():
        async with told.working(**worker) if serves else nullcontext():
            try:
                yield told
            finally:
                await forget(told)


async def forget(told: Tale) -> None:
    """End what is still running, so that its timers do not keep the clock busy."""
    for outage in told.world.outages:
        outage.hangs = False
    await _comes_to_rest(told)
    left = [told.handle.id, *map(ids.stray_workflow_id, told.world.stray_payment_starter.started)]
    for workflow_id in left:
        with suppress(RPCError):
            await told.environment.client.get_workflow_handle(workflow_id).terminate()


async def _comes_to_rest(told: Tale) -> None:
    # Terminated in the middle of a workflow task, an order leaves the server's clock locked: the next
    # test's timers would wait for a timeout in real time.
    kept = told.world.orders.latest
    with suppress(RPCError, TimeoutError):
        if told.placed.order_id in kept:
            recorded = told.world.orders.view
            await until(
                told.view, lambda view: view == recorded(view.order_id), within=timedelta(seconds=2)
            )


def half() -> Money:
    """Half of what the order costs."""
    return eur(1245)
