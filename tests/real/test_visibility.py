"""What operators see of an order: lists by search attributes, why it waits, few events."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata

from demo.stage import Cost, Life, Stage
from demo.stories import canceled_and_refunded
from demo.waiting import until
from orders import messages as m
from orders.errors import RefusalCode
from orders.messages import CancelReason, RefundStatus
from orders.place_order import PlaceOrder
from orders.status import Status
from workflows import ids

MOST_EVENTS = 50
MOST_WORKFLOW_TASKS = 7

QUERIES: dict[str, Callable[[Life], str]] = {
    "status": lambda life: (
        f"OrderStatus = 'awaiting_payment' AND BuyerId = '{life.placed.buyer.id}'"
    ),
    "buyer": lambda life: f"BuyerId = '{life.placed.buyer.id}'",
    "seller": lambda life: f"SellerId = '{life.placed.seller.id}'",
    "type": lambda life: f"WorkflowType = 'OrderWorkflow' AND SellerId = '{life.placed.seller.id}'",
}


async def _listed(life: Life, query: str) -> list[str]:
    return [it.id async for it in life.stage.server.client.list_workflows(query)]


async def _finds(life: Life, query: str) -> None:
    await until(lambda: _listed(life, query), lambda found: found == [life.handle.id])


async def _finds_nothing(life: Life, query: str) -> None:
    await until(lambda: _listed(life, query), lambda found: found == [])


async def _why_it_waits(life: Life) -> str:
    metadata: WorkflowMetadata = await life.handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return metadata.current_details


async def _assert_deadline_is_what_comes_next(life: Life) -> None:
    coming = (await life.view()).next[0].at
    described = await life.handle.describe()
    kept = described.typed_search_attributes[ids.ORDER_DEADLINE]
    assert abs(kept - coming) < timedelta(minutes=1)


async def _asked_to_cancel(life: Life, reason: CancelReason = CancelReason.CHANGED_MIND) -> str:
    payment = await life.is_paid()
    await life.days(1)
    await life.tells(m.CancelRequest(reason=reason))
    return payment


@pytest.mark.parametrize("query", QUERIES)
async def test_a_new_order_is_listed(life: Life, query: str) -> None:
    """Contract, R1: one query finds it by each of its search attributes."""
    await _finds(life, QUERIES[query](life))


async def test_an_order_is_listed_under_its_present_status_only(life: Life) -> None:
    """Contract, R5: the status of the list follows the order."""
    await life.is_paid()

    mine = f"BuyerId = '{life.placed.buyer.id}'"
    await _finds(life, f"OrderStatus = 'payment_review' AND {mine}")
    await _finds_nothing(life, f"OrderStatus = 'awaiting_payment' AND {mine}")


async def test_orders_are_listed_by_their_deadline(life: Life) -> None:
    """Contract, R21: what is due within a span is one query."""
    coming = (await life.view()).next[0].at
    mine = f"BuyerId = '{life.placed.buyer.id}'"

    after = (coming + timedelta(minutes=1)).isoformat()
    before = (coming - timedelta(minutes=1)).isoformat()
    await _finds(life, f"OrderDeadline < '{after}' AND OrderDeadline > '{before}' AND {mine}")
    await _finds_nothing(life, f"OrderDeadline < '{before}' AND {mine}")


async def test_the_deadline_is_what_happens_next_by_itself(life: Life) -> None:
    """Contract: OrderDeadline follows the order through payment, check and cancellation."""
    await _assert_deadline_is_what_comes_next(life)
    await life.is_paid()
    await _assert_deadline_is_what_comes_next(life)
    await life.days(1)
    await _assert_deadline_is_what_comes_next(life)
    await life.tells(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await _assert_deadline_is_what_comes_next(life)
    await life.tells(m.SellerReply(decision="accept"))
    assert (await life.view()).status is Status.CLOSED
    await _assert_deadline_is_what_comes_next(life)


async def test_an_overdue_refund_stays_on_the_list_of_what_is_late(life: Life) -> None:
    """R15, case 9: its deadline stays at the day that was missed until the money is back."""
    payment = await _asked_to_cancel(life, CancelReason.ADDRESS_ISSUES)
    await life.stage.provider.fail_refunds_of(payment, "The card was closed.")
    await life.tells(m.SellerReply(decision="accept"))
    await life.days(40)

    refund = (await life.view()).refund
    assert refund
    assert refund.overdue
    described = await life.handle.describe()
    assert described.typed_search_attributes[ids.ORDER_DEADLINE] == refund.due_by
    now = await life.now()
    assert refund.due_by < now
    running = f"ExecutionStatus = 'Running' AND BuyerId = '{life.placed.buyer.id}'"
    await _finds(life, f"OrderDeadline < '{now.isoformat()}' AND {running}")
    assert "**overdue**" in await _why_it_waits(life)

    await life.stage.provider.settle(refund.refund_id)
    await life.tells(m.RefundUpdate(refund_id=refund.refund_id, status=RefundStatus.SUCCEEDED))
    await life.ends()
    await _finds_nothing(life, f"OrderDeadline < '{now.isoformat()}' AND {running}")


async def test_the_web_ui_says_why_an_order_waits(life: Life) -> None:
    """Contract, R9: state, what comes next, who can do what, and where the money is."""
    unpaid = await _why_it_waits(life)
    assert unpaid.startswith("**awaiting_payment** since ")
    assert "UTC: the order closes, unpaid" in unpaid

    await _asked_to_cancel(life)
    asked = await _why_it_waits(life)
    assert asked.startswith("**cancellation_requested** since ")
    assert "a cancellation request awaits the seller's answer." in asked
    due = (await life.view()).cancellation
    assert due
    assert due.due_by
    assert (
        f"- {due.due_by:%Y-%m-%d %H:%M} UTC: the order closes, as the seller did not answer"
        in asked
    )
    assert "- seller: seller_reply" in asked
    assert "held 24.90" in asked


async def test_the_web_ui_names_what_was_placed_and_nobody(life: Life) -> None:
    """R1, case 54: summary and details are there from the start, without people's names."""
    described = await life.handle.describe()

    assert await described.static_summary() == f"Order {life.placed.order_id}: {life.placed.total}"
    details = await described.static_details()
    assert details
    assert f"Buyer `{life.placed.buyer.id}`" in details
    assert life.placed.lines[0].title in details
    assert life.placed.buyer.name not in details


async def test_timers_and_steps_say_what_they_are_for(life: Life) -> None:
    """R5, R14: in the history, each timer and each activity carries its purpose."""
    await canceled_and_refunded.happens(life)
    await life.ends()

    convert = life.stage.server.client.data_converter.payload_converter
    said: dict[int, list[str]] = {}
    async for event in life.handle.fetch_history_events():
        if event.user_metadata.HasField("summary"):
            text = convert.from_payload(event.user_metadata.summary, str)
            said.setdefault(event.event_type, []).append(text)
    assert said[EventType.EVENT_TYPE_TIMER_STARTED] == [
        "payment_reminder",
        "payment_accepted",
        "shipment_expired",
        "seller_reminder",
        "refund_check",
    ]
    refunds = said[EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    assert refunds == [f"refund {life.placed.total}"]


async def test_a_refused_update_leaves_no_event(life: Life) -> None:
    """R5, case 5: cancel during the check is refused with an instant, and nothing is written."""
    await life.is_paid()
    before = (await life.handle.describe()).history_length

    refused = await life.refuses(
        m.CancelRequest(reason=CancelReason.CHANGED_MIND), RefusalCode.PAYMENT_REVIEW_IN_PROGRESS
    )

    view = await life.view()
    assert view.payment
    assert refused.available_from == view.payment.review_ends_at
    assert view.refused == []
    assert (await life.handle.describe()).history_length == before


async def test_the_cancelled_and_refunded_order_costs_little(
    stage: Stage, placed: PlaceOrder
) -> None:
    """R7, R9, R14: the whole life, from placed to the last cent, in few events and tasks.

    A busy machine cuts a task in two and so adds events: the cheapest of three lives counts.
    """
    costs: list[Cost] = []
    for number in range(3):
        one = placed.model_copy(update={"order_id": f"{placed.order_id}-{number}"})
        life = await Life.begin(stage, one)
        await canceled_and_refunded.happens(life)
        await life.ends()
        costs.append(await life.cost())
        if costs[-1].events <= MOST_EVENTS and costs[-1].workflow_tasks <= MOST_WORKFLOW_TASKS:
            return
    pytest.fail(f"it costs {costs}")
