"""Queries at the worst instant: an order that somebody looks at replays like any other (decision 21)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from database.connection import Database
from demo.story import as_message
from demo.system import DemoSystem, ServerStory, has_nothing_to_do
from demo.waiting import until
from deploy.embedded import embedded_server
from orders.place_order import PlaceOrder
from orders.view import OrderView
from runtime.worker import build_worker
from testing.replay import replay
from tests.fakes import FakeWorld
from tests.orders.builders import eur
from workflows import ids
from workflows.order import OrderWorkflow

ORDERS = 4
# R15: a refund is checked three days after it was requested.
UNTIL_THE_CHECK = timedelta(days=3, seconds=1)
WRONG, GOOD = "XX123456785PL", "RR123456785PL"

LIVES = {
    "ships": [
        as_message("tracking_number", number=WRONG),
        as_message("buyer_message", text="Is it on its way?"),
        as_message("tracking_number", number=GOOD),
    ],
    "answers by a number": [
        as_message("cancel_request", reason="changed_mind"),
        as_message("seller_reply", decision="already_shipped", tracking_number=WRONG),
        as_message("tracking_number", number=GOOD),
    ],
    "disputes": [
        as_message("cancel_request", reason="changed_mind", complaint=True),
        as_message("dispute_withdrawal"),
        as_message("dispute_request"),
        as_message("seller_reply", decision="accept"),
    ],
}


@dataclass(frozen=True)
class FastSystem(DemoSystem):
    """Its steps take no time, so that they end while a query is answered."""

    world: FakeWorld

    def working(self) -> Worker:
        """A worker for all its orders."""
        return build_worker(self.server.client, self.world.activities())


@pytest_asyncio.fixture(loop_scope="session")
async def fast_system(tmp_path: Path) -> AsyncIterator[FastSystem]:
    async with embedded_server(database=tmp_path / "temporal.db") as server:
        url = f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}"
        database = await Database.open(url)
        try:
            system = DemoSystem.on(server, database, url)
            yield FastSystem(**vars(system), world=FakeWorld(server.client))
        finally:
            await database.close()


@pytest.mark.parametrize("life", LIVES)
async def test_an_order_that_is_queried_all_the_time_replays(
    fast_system: FastSystem, placed: PlaceOrder, life: str
) -> None:
    """What steps change does not depend on whether they end before or after a query."""

    async def live(number: int) -> WorkflowHandle[OrderWorkflow, OrderView]:
        one = placed.model_copy(update={"order_id": f"{placed.order_id}-{number}"})
        order = await ServerStory(fast_system, one).place()
        await order.until_awaiting_shipment()
        for message in LIVES[life]:
            await order.signal(message)
            await order.view()
        return order.handle

    async with fast_system.working():
        handles = await asyncio.gather(*(live(number) for number in range(ORDERS)))
    for handle in handles:
        await replay(await handle.fetch_history())


async def test_refunds_that_are_checked_while_somebody_looks_replay(
    fast_system: FastSystem, placed: PlaceOrder
) -> None:
    """R14, R17: an order's, and a stray payment's; a query waits with the check for a worker."""
    client = fast_system.server.client
    handles: list[WorkflowHandle[Any, Any]] = []

    async def live(number: int) -> None:
        one = placed.model_copy(update={"order_id": f"{placed.order_id}-{number}"})
        order = await ServerStory(fast_system, one).place(dispute_reminder=timedelta(days=10))
        await order.until_awaiting_shipment()
        # Of a chargeback support is reminded, after the next check of the refund of the rest.
        paid = f"{one.order_id}-pay-1"
        await order.send("chargeback", payment_id=paid, money=eur(500), status="opened")
        await order.send("cancel_request", reason="changed_mind")
        await order.send("seller_reply", decision="accept")
        payment_id = await order.send_stray_payment(eur(5))
        stray = ids.stray_workflow_id(payment_id)
        await order.driver.rest(stray)
        refund = (await order.stray_payment(payment_id)).refund
        assert refund
        fast_system.world.provider.settles(refund.refund_id)
        handles.extend([order.handle, client.get_workflow_handle(stray)])

    fast_system.world.provider.settles_after = timedelta(days=5)
    async with fast_system.working():
        await asyncio.gather(*(live(number) for number in range(ORDERS)))
    waiting = []
    for handle in handles:
        waiting.append(
            asyncio.ensure_future(fast_system.skipper.fast_forward(handle, UNTIL_THE_CHECK))
        )
        await until(handle.describe, lambda it: not has_nothing_to_do(it))
        waiting.append(asyncio.ensure_future(handle.query("__stack_trace")))
    async with fast_system.working():
        await asyncio.gather(*waiting)
        await asyncio.gather(*(until(handle.describe, has_nothing_to_do) for handle in handles))
    for handle in handles:
        await replay(await handle.fetch_history())
