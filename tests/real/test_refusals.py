"""A neighbour that says no for good: an order that asks it again does so at its leisure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from activities.disputes import DisputeCase
from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from adapters.local.provider import LocalProvider
from client import orders
from database.connection import Database
from database.outbox import SqlOutbox
from demo.system import ServerStory
from demo.waiting import until
from orders import messages as m
from orders.messages import CancelReason
from orders.place_order import PlaceOrder
from tests.real.conftest import Mail
from tests.real.site import Site, open_site
from workflows import options

# A step is tried three times briefly and then durably, which waits longer each time.
SOME = 10
WHILE = 3.0


class Provider(LocalProvider):
    """It never stops a refund; ``refuses``: it never makes one either."""

    def __init__(self, database: Database, *, refuses: bool = False) -> None:
        super().__init__(database)
        self.refuses = refuses
        self.asked = 0

    async def refund(self, request: RefundRequest) -> RefundState:
        if self.refuses:
            self.asked += 1
            raise ProviderRefusal("This payment is too old to be refunded.")
        return await super().refund(request)

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        self.asked += 1
        raise ProviderRefusal("A refund by card cannot be stopped.")


class Desk:
    """It takes no case."""

    def __init__(self) -> None:
        self.asked = 0

    async def file(self, case: DisputeCase) -> None:
        self.asked += 1
        raise ApplicationError("This desk is closed for good.", non_retryable=True)


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as site:
        yield site


async def _must_be_asked_with_backoff(order: ServerStory, neighbour: Provider | Desk) -> None:
    await until(lambda: neighbour.asked)
    await asyncio.sleep(WHILE)
    assert neighbour.asked <= SOME, f"asked {neighbour.asked} times in {WHILE:.0f} s"
    async with asyncio.timeout(10):
        await order.view()


async def test_a_provider_that_refuses_a_refund_is_asked_once(
    site: Site, placed: PlaceOrder
) -> None:
    """R15: it is a failed refund, which people settle."""
    provider = Provider(site.database, refuses=True)
    async with site.worker(provider=provider):
        order = await ServerStory(site.system, placed).place()
        await order.until_accepted()
        view = await order.until(lambda it: bool(it.refund and it.refund.failure_reason))
        assert view.refund
        assert view.refund.failure_reason == "This payment is too old to be refunded."
        assert provider.asked == 1


async def test_a_provider_that_cannot_stop_a_refund_is_asked_with_backoff(
    site: Site, placed: PlaceOrder
) -> None:
    """R23: a chargeback while a refund is under way that the provider will not stop."""
    provider = Provider(site.database)
    async with site.worker(provider=provider):
        order = await ServerStory(site.system, placed).place()
        payment = (await order.until_accepted()).payment
        assert payment
        taken = m.ChargebackReported(
            payment_id=payment.payment_id, money=placed.total, status=m.ChargebackStatus.OPENED
        )
        await orders.signal(site.system.server.client, placed.order_id, taken)
        await _must_be_asked_with_backoff(order, provider)


async def test_a_bug_in_a_step_is_visible_and_fixed_by_a_redeploy(
    site: Site, placed: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 35: the workflow task fails, which operators see, and nothing is dropped for it."""
    mail = Mail()
    wrong = RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(seconds=1)
    )
    monkeypatch.setitem(options.NOTIFY, "retry_policy", wrong)
    async with site.worker(channel=mail):
        handle = await orders.place(site.system.server.client, placed)
        await until(
            lambda: _kinds(handle),
            lambda kinds: EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED in kinds,
        )

    monkeypatch.undo()
    mail.down = False
    async with site.worker(channel=mail):
        entries = await until(
            lambda: SqlOutbox(site.system.database).entries(placed.order_id),
            lambda entries: bool(entries) and all(entry.delivered_at for entry in entries),
        )
        assert mail.taken == [entry.message.key for entry in entries]


async def _kinds(handle: WorkflowHandle[Any, Any]) -> list[int]:
    return [event.event_type async for event in handle.fetch_history_events()]


async def test_a_dispute_system_that_refuses_a_case_is_asked_with_backoff(
    site: Site, placed: PlaceOrder
) -> None:
    """R12: a dispute that cannot be filed holds up neither the order nor the server."""
    desk = Desk()
    async with site.worker(dispute_cases=desk):
        order = await ServerStory(site.system, placed).place()
        await order.until_awaiting_shipment()
        complaint = m.CancelRequest(reason=CancelReason.DISTRUST_SELLER, complaint=True)
        await orders.signal(site.system.server.client, placed.order_id, complaint)
        await _must_be_asked_with_backoff(order, desk)
