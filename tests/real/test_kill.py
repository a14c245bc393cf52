"""Workers are killed and stopped at the worst moments: money moves once, and nothing said is lost."""

import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from client import orders
from database.ledger import SqlLedger
from database.outbox import SqlOutbox
from demo.system import ServerStory
from orders import messages as m
from orders.place_order import PlaceOrder
from orders.status import CloseReason, Status
from orders.view import OrderView
from tests.real.doomed_worker import AFTER, ANSWERED, BEFORE, NEVER, WAITS
from tests.real.site import ATTEMPT, Site, open_site
from workflows import ids
from workflows.options import MOVE_MONEY
from workflows.order import OrderWorkflow


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    # Read when the workflow schedules: a worker that died is noticed in seconds.
    monkeypatch.setitem(MOVE_MONEY, "start_to_close_timeout", ATTEMPT)
    async with open_site(tmp_path) as site:
        yield site


def _asked(view: OrderView) -> bool:
    return view.refund is not None and view.refund.asked_at is not None


async def _must_be_refunded_once(site: Site, order: ServerStory) -> None:
    await order.days_pass(3)
    view = await order.must_end()
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_refunded == order.placed.total
    assert view.refund
    assert await site.refunds() == [(view.refund.refund_id, order.placed.total.amount)]
    balances = await SqlLedger(site.system.database).balances(order.placed.order_id)
    assert balances
    assert not any(balances.values())
    told = [
        it.message.what
        for it in await SqlOutbox(site.system.database).entries(order.placed.order_id)
    ]
    assert told.count("refund_succeeded") == 2  # the buyer and the seller


async def test_a_worker_killed_after_the_provider_booked_pays_once(
    site: Site, placed: PlaceOrder
) -> None:
    """R14, case 19: `kill -9` between the provider's answer and the activity's completion."""
    async with site.doomed(AFTER) as doomed:
        order = await ServerStory(site.system, placed).place()
        await order.until_cancellation_requested()
        await order.signal(m.SellerReply(decision="accept"))
        await doomed.has(WAITS)
        assert len(await site.refunds()) == 1
        await doomed.is_killed()

    async with site.worker():
        await order.until(_asked)
        await _must_be_refunded_once(site, order)


async def test_a_worker_that_was_stopped_and_goes_on_pays_once(
    site: Site, placed: PlaceOrder
) -> None:
    """R14, case 22: SIGSTOP past its time, then SIGCONT: it asks the provider as well, to no effect."""
    async with site.doomed(BEFORE) as doomed:
        async with site.thinker():
            order = await ServerStory(site.system, placed).place()
            await order.until_cancellation_requested()
            await order.signal(m.SellerReply(decision="accept"))
            await doomed.has(WAITS)
            doomed.is_sent(signal.SIGSTOP)
            doomed.goes_on()

        async with site.worker():
            await order.until(_asked)
            doomed.is_sent(signal.SIGCONT)
            await doomed.has(ANSWERED)
            await doomed.is_killed()
            await _must_be_refunded_once(site, order)


async def test_messages_to_killed_workers_are_known_to_the_next(
    site: Site, placed: PlaceOrder
) -> None:
    """Case 28: three workers are killed with messages half handled; nothing is lost, nothing doubled."""
    said: list[str] = []
    await site.system.server.client.start_workflow(
        OrderWorkflow.run,
        args=[placed],
        id=ids.order_workflow_id(placed.order_id),
        task_queue=ids.TASK_QUEUE,
        # So soon another worker gets the task that a killed one had begun.
        task_timeout=timedelta(seconds=1),
    )
    order = ServerStory(site.system, placed)
    for _ in range(3):
        async with site.doomed(NEVER) as doomed:
            await order.view()
            for _ in range(5):
                said.append(f"{len(said) + 1}")
                await order.signal(m.BuyerMessage(text=said[-1]))
            await doomed.is_killed()
        said.append(f"{len(said) + 1}")
        await order.signal(m.BuyerMessage(text=said[-1]))

    async with site.worker():
        view = await order.send(m.BuyerMessage(text="the last"))
    said.append("the last")
    assert [message.text for message in view.messages] == said
    letters = [it.message for it in await SqlOutbox(site.system.database).entries(placed.order_id)]
    told = [letter.details["text"] for letter in letters if letter.what == "buyer_message"]
    assert sorted(told) == sorted(said)
    assert view.refused == []


async def test_a_payment_sent_while_no_worker_runs_counts(site: Site, placed: PlaceOrder) -> None:
    """R5, case 11: the server keeps it for whoever comes next."""
    async with site.doomed(NEVER):
        order = await ServerStory(site.system, placed).place()
    await order.signal(
        m.PaymentReceived(
            payment_id=f"pay-{placed.order_id}",
            money=placed.total,
            method="card",
            paid_at=await order.now(),
        ),
    )

    async with site.worker():
        view = await order.until(Status.PAYMENT_REVIEW)
        assert view.amount_paid == placed.total
        await order.days_pass(1)
        await order.until(Status.AWAITING_SHIPMENT)


async def test_an_update_that_timed_out_and_is_sent_again_has_one_effect(
    site: Site, placed: PlaceOrder
) -> None:
    """R21, case 40: the caller does not know what became of it and sends it again with its id."""
    message = m.BuyerMessage(text="Still there?", message_id="once")
    async with site.worker():
        order = await ServerStory(site.system, placed).place()
    for _ in range(2):
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await order.handle.execute_update(
                message.name,
                message,
                id=message.message_id,
                rpc_timeout=timedelta(seconds=0.5),
            )

    async with site.worker():
        first = await orders.update(site.system.server.client, placed.order_id, message)
        again = await orders.update(site.system.server.client, placed.order_id, message)
        # As a signal, and as an update of another id: the message's own id says it is the same.
        await order.send(message)
        other = await order.handle.execute_update(
            message.name, message, id="another", result_type=OrderView
        )
    assert [it.text for it in first.messages] == ["Still there?"]
    assert again.messages == first.messages == other.messages
