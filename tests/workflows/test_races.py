"""Messages and deadlines in one workflow task, in both orders: the order's state decides, and it says how.

No worker runs while the two come in, so both are in the task that the next worker gets.
"""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from database.ledger import SqlLedger
from database.outbox import SqlOutbox
from orders.status import CloseReason, Status
from testing.replay import replay
from tests.orders.builders import place
from tests.workflows.conftest import POLICY, WINDOW, RealTimeStory
from workflows import ids

MESSAGE_AND_TIMER = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_FIRED,
}


async def _must_replay(order: RealTimeStory) -> None:
    await replay(await order.handle.fetch_history())


@pytest.mark.parametrize("payment_first", [True, False])
async def test_a_payment_at_the_end_of_the_20_days_counts(
    order: RealTimeStory, payment_first: bool
) -> None:
    """R1, case 1: payment and timer in one task, both orders; the payment counts."""
    async with order.working():
        await order.place()
    if payment_first:
        await order.signal_payment()
        await order.deadline_passes()
    else:
        await order.deadline_passes()
        await order.signal_payment()
    assert await order.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with order.working():
        assert (await order.view()).status is Status.PAYMENT_REVIEW
        await _must_replay(order)


@pytest.mark.parametrize("decline_first", [True, False])
async def test_a_decline_at_the_end_of_the_check_counts(
    order: RealTimeStory, decline_first: bool
) -> None:
    """R6, case 4: decline and timer in one task, both orders; one outcome, the same on replay."""
    checked = {"payment_window": timedelta(days=20), "payment_review": WINDOW}
    order.placed = place(order_id=order.placed.order_id, policy=POLICY.model_copy(update=checked))
    async with order.working():
        await order.place()
        await order.signal_payment()
        payment = (await order.view()).payment
    assert payment
    if not decline_first:
        await order.deadline_passes()
    await order.signal("payment_declined", payment_id=payment.payment_id, reason="stolen card")
    if decline_first:
        await order.deadline_passes()
    assert await order.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with order.working():
        assert (await order.view()).status is Status.AWAITING_PAYMENT
        await _must_replay(order)


@pytest.mark.parametrize("number_first", [True, False])
async def test_good_shipping_evidence_wins_over_a_cancellation_request(
    order: RealTimeStory, number_first: bool
) -> None:
    """R11, case 6: shipment and request in one task, both orders; both are told."""
    async with order.working():
        await order.place()
        await order.until_awaiting_shipment()
    if number_first:
        await order.signal("tracking_number", number="1Z5R89390357567127")
        await order.signal("cancel_request", reason="changed_mind")
    else:
        await order.signal("cancel_request", reason="changed_mind")
        await order.signal("tracking_number", number="1Z5R89390357567127")

    async with order.working():
        view = await order.handle.result()
        assert view.status is Status.SHIPPED
        assert view.cancellation
        assert view.cancellation.status == "ended_by_shipment"
        told = {
            (e.message.to, e.message.what)
            for e in await SqlOutbox(order.database).entries(view.order_id)
        }
        assert {("buyer", "order_shipped"), ("seller", "order_shipped")} <= told


@pytest.mark.parametrize("accept_first", [True, False])
async def test_withdrawal_and_acceptance_at_once_give_the_first_of_them(
    order: RealTimeStory, accept_first: bool
) -> None:
    """R9, R18, case 12: the one that came first holds; the other is listed with its reason."""
    async with order.working():
        await order.place()
        await order.until_cancellation_requested()
    replies = [("seller_reply", {"decision": "accept"}), ("cancel_withdrawal", {})]
    for name, fields in replies if accept_first else reversed(replies):
        await order.signal(name, **fields)

    async with order.working():
        view = await order.view()
        late = "cancel_withdrawal" if accept_first else "seller_reply"
        assert view.status is (Status.CLOSED if accept_first else Status.AWAITING_SHIPMENT)
        assert [it.name for it in view.refused] == [late]


async def test_two_cancel_requests_at_once_count_as_one(order: RealTimeStory) -> None:
    """R7, case 8: one request, one deadline."""
    async with order.working():
        await order.place()
        await order.until_awaiting_shipment()
    await order.signal("cancel_request", reason="changed_mind")
    await order.signal("cancel_request", reason="out_of_stock")

    async with order.working():
        view = await order.view()
        assert view.cancellation
        assert view.cancellation.reason == "changed_mind"
        assert len([it for it in view.next if it.what == "seller_no_response"]) == 1
        assert [it.name for it in view.refused] == ["cancel_request"]


async def test_the_sellers_silence_counts_without_workers_as_well(order: RealTimeStory) -> None:
    """R9, R14, case 11: all workers are down past the end of the seller's time."""
    async with order.working():
        await order.place()
        await order.until_cancellation_requested()
    await order.deadline_passes()

    async with order.working():
        view = await order.handle.result()
        assert view.close_reason is CloseReason.SELLER_NO_RESPONSE
        assert view.amount_refunded == view.amount_paid


async def test_an_answer_given_in_time_counts_after_an_outage(order: RealTimeStory) -> None:
    """R9, case 11: the server took the answer before the deadline's timer; nobody worked then."""
    async with order.working():
        await order.place()
        await order.until_cancellation_requested()
    await order.signal("seller_reply", decision="refuse")
    await order.deadline_passes()
    assert await order.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with order.working():
        assert (await order.view()).status is Status.DISPUTED


async def test_a_payment_after_closing_is_refunded_once(order: RealTimeStory) -> None:
    """R17, case 3: however often it is reported."""
    async with order.working():
        await order.place()
        await order.until_cancellation_requested()
    await order.signal("seller_reply", decision="accept")
    for _ in range(3):
        await order.signal_payment("pay-2")

    async with order.working():
        view = await order.handle.result()
        payment_id = f"{view.order_id}-pay-2"
        await order.client.get_workflow_handle(ids.stray_workflow_id(payment_id)).result()
        assert view.amount_paid == view.amount_refunded
        assert await SqlLedger(order.database).balances(f"stray/{payment_id}") == {
            "cash": 0,
            "stray": 0,
        }
        assert [it.name for it in view.refused] == ["payment"]


async def test_a_worker_that_replays_every_task_sees_the_money_back(order: RealTimeStory) -> None:
    """R14, case 43: every task is replayed from history."""
    async with order.working(max_cached_workflows=0):
        await order.place()
        await order.until_cancellation_requested()
        await order.signal("seller_reply", decision="accept")

        view = await order.handle.result()
        assert view.close_reason is CloseReason.SELLER_ACCEPTED
        assert view.amount_refunded.amount == 2490
