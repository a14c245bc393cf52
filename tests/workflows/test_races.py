"""Messages and deadlines in one workflow task, in both orders: the order's state decides, and it says how.

No worker runs while the two come in, so both are in the task that the next worker gets.
"""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from client import orders
from database.ledger import SqlLedger
from database.outbox import SqlOutbox
from orders.status import CloseReason, Status
from testing.replay import replay
from tests.orders.builders import place
from tests.workflows.conftest import POLICY, WINDOW, Backstage
from workflows import ids

MESSAGE_AND_TIMER = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_FIRED,
}


async def _must_replay(stage: Backstage) -> None:
    await replay(await orders.handle(stage.client, stage.placed.order_id).fetch_history())


@pytest.mark.parametrize("payment_first", [True, False])
async def test_a_payment_at_the_end_of_the_20_days_counts(
    stage: Backstage, payment_first: bool
) -> None:
    """R1, case 1: payment and timer in one task, both orders; the payment counts."""
    async with stage.working():
        await stage.place()
    if payment_first:
        await stage.pay()
        await stage.deadline_passes()
    else:
        await stage.deadline_passes()
        await stage.pay()
    assert await stage.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with stage.working():
        assert (await stage.view()).status is Status.PAYMENT_REVIEW
        await _must_replay(stage)


@pytest.mark.parametrize("decline_first", [True, False])
async def test_a_decline_at_the_end_of_the_check_counts(
    stage: Backstage, decline_first: bool
) -> None:
    """R6, case 4: decline and timer in one task, both orders; one outcome, the same on replay."""
    checked = {"payment_window": timedelta(days=20), "payment_review": WINDOW}
    stage.placed = place(order_id=stage.placed.order_id, policy=POLICY.model_copy(update=checked))
    async with stage.working():
        await stage.place()
        await stage.pay()
        payment = (await stage.view()).payment
    assert payment
    if not decline_first:
        await stage.deadline_passes()
    await stage.tell("payment_declined", payment_id=payment.payment_id, reason="stolen card")
    if decline_first:
        await stage.deadline_passes()
    assert await stage.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with stage.working():
        assert (await stage.view()).status is Status.AWAITING_PAYMENT
        await _must_replay(stage)


@pytest.mark.parametrize("number_first", [True, False])
async def test_good_shipping_evidence_wins_over_a_cancellation_request(
    stage: Backstage, number_first: bool
) -> None:
    """R11, case 6: shipment and request in one task, both orders; both are told."""
    async with stage.working():
        await stage.place()
        await stage.is_paid_and_checked()
    if number_first:
        await stage.tell("tracking_number", number="1Z5R89390357567127")
        await stage.tell("cancel_request", reason="changed_mind")
    else:
        await stage.tell("cancel_request", reason="changed_mind")
        await stage.tell("tracking_number", number="1Z5R89390357567127")

    async with stage.working():
        view = await orders.handle(stage.client, stage.placed.order_id).result()
        assert view.status is Status.SHIPPED
        assert view.cancellation
        assert view.cancellation.status == "ended_by_shipment"
        told = {
            (e.message.to, e.message.what)
            for e in await SqlOutbox(stage.database).entries(view.order_id)
        }
        assert {("buyer", "order_shipped"), ("seller", "order_shipped")} <= told


@pytest.mark.parametrize("accept_first", [True, False])
async def test_withdrawal_and_acceptance_at_once_give_one_of_them(
    stage: Backstage, accept_first: bool
) -> None:
    """R9, R18, case 12: the one that came first holds; the other is listed with its reason."""
    async with stage.working():
        await stage.place()
        await stage.is_asked_to_cancel()
    replies = [("seller_reply", {"decision": "accept"}), ("cancel_withdrawal", {})]
    for name, fields in replies if accept_first else reversed(replies):
        await stage.tell(name, **fields)

    async with stage.working():
        view = await stage.view()
        late = "cancel_withdrawal" if accept_first else "seller_reply"
        assert view.status is (Status.CLOSED if accept_first else Status.AWAITING_SHIPMENT)
        assert [it.name for it in view.refused] == [late]


async def test_two_cancel_requests_at_once_are_one(stage: Backstage) -> None:
    """R7, case 8: one request, one deadline."""
    async with stage.working():
        await stage.place()
        await stage.is_paid_and_checked()
    await stage.tell("cancel_request", reason="changed_mind")
    await stage.tell("cancel_request", reason="out_of_stock")

    async with stage.working():
        view = await stage.view()
        assert view.cancellation
        assert view.cancellation.reason == "changed_mind"
        assert len([it for it in view.next if it.what == "seller_no_response"]) == 1
        assert [it.name for it in view.refused] == ["cancel_request"]


async def test_silence_without_workers_ends_as_with_them(stage: Backstage) -> None:
    """R9, R14, case 11: all workers are down past the end of the seller's time."""
    async with stage.working():
        await stage.place()
        await stage.is_asked_to_cancel()
    await stage.deadline_passes()

    async with stage.working():
        view = await orders.handle(stage.client, stage.placed.order_id).result()
        assert view.close_reason is CloseReason.SELLER_NO_RESPONSE
        assert view.amount_refunded == view.amount_paid


async def test_an_answer_given_in_time_counts_after_an_outage(stage: Backstage) -> None:
    """R9, case 11: the server took the answer before the deadline's timer; nobody worked then."""
    async with stage.working():
        await stage.place()
        await stage.is_asked_to_cancel()
    await stage.tell("seller_reply", decision="refuse")
    await stage.deadline_passes()
    assert await stage.kinds_for_the_next_task() >= MESSAGE_AND_TIMER

    async with stage.working():
        assert (await stage.view()).status is Status.DISPUTED


async def test_a_payment_after_closing_goes_back_once(stage: Backstage) -> None:
    """R17, case 3: however often it is reported."""
    async with stage.working():
        await stage.place()
        await stage.is_asked_to_cancel()
    await stage.tell("seller_reply", decision="accept")
    for _ in range(3):
        await stage.pay("pay-2")

    async with stage.working():
        view = await orders.handle(stage.client, stage.placed.order_id).result()
        payment_id = f"{view.order_id}-pay-2"
        await stage.client.get_workflow_handle(ids.stray_workflow_id(payment_id)).result()
        assert view.amount_paid == view.amount_refunded
        assert await SqlLedger(stage.database).balances(f"stray/{payment_id}") == {
            "cash": 0,
            "stray": 0,
        }
        assert [it.name for it in view.refused] == ["payment"]


async def test_a_worker_that_replays_every_task_sees_the_money_back(stage: Backstage) -> None:
    """R14, case 43: every task is replayed from history."""
    async with stage.working(max_cached_workflows=0):
        await stage.place()
        await stage.is_asked_to_cancel()
        await stage.tell("seller_reply", decision="accept")

        view = await orders.handle(stage.client, stage.placed.order_id).result()
        assert view.close_reason is CloseReason.SELLER_ACCEPTED
        assert view.amount_refunded.amount == 2490
