"""What operators see of an order: lists by search attributes, why it waits, few events."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata

from demo.scenarios import canceled_and_refunded
from demo.system import Cost, DemoSystem, ServerDriver, ServerStory
from demo.waiting import until
from orders import messages as m
from orders.errors import RefusalCode
from orders.messages import CancelReason, RefundStatus
from orders.payments import Payment
from orders.place_order import PlaceOrder
from orders.status import Status
from workflows import ids

# Two events say which rules it lives by. An update is one more than a signal, and its answer is the view.
BY_SIGNALS = Cost(events=48, workflow_tasks=7, history_bytes=20_000)
BY_UPDATES = Cost(events=51, workflow_tasks=7, history_bytes=56_000)

QUERIES: dict[str, Callable[[ServerStory], str]] = {
    "status": lambda order: (
        f"OrderStatus = 'awaiting_payment' AND BuyerId = '{order.placed.buyer.id}'"
    ),
    "buyer": lambda order: f"BuyerId = '{order.placed.buyer.id}'",
    "seller": lambda order: f"SellerId = '{order.placed.seller.id}'",
    "type": lambda order: (
        f"WorkflowType = 'OrderWorkflow' AND SellerId = '{order.placed.seller.id}'"
    ),
}


async def _listed(order: ServerStory, query: str) -> list[str]:
    return [it.id async for it in order.system.server.client.list_workflows(query)]


async def _must_list(order: ServerStory, query: str) -> None:
    await until(lambda: _listed(order, query), lambda found: found == [order.handle.id])


async def _must_list_nothing(order: ServerStory, query: str) -> None:
    await until(lambda: _listed(order, query), lambda found: found == [])


async def _why_it_waits(order: ServerStory) -> str:
    metadata: WorkflowMetadata = await order.handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return metadata.current_details


async def _assert_deadline_is_what_comes_next(order: ServerStory) -> None:
    coming = (await order.view()).next[0].at
    described = await order.handle.describe()
    kept = described.typed_search_attributes[ids.ORDER_DEADLINE]
    assert abs(kept - coming) < timedelta(minutes=1)


async def _asked_to_cancel(
    order: ServerStory, reason: CancelReason = CancelReason.CHANGED_MIND
) -> str:
    payment = await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=reason))
    return payment


@pytest.mark.parametrize("query", QUERIES)
async def test_a_new_order_is_listed(order: ServerStory, query: str) -> None:
    """Contract, R1: one query finds it by each of its search attributes."""
    await _must_list(order, QUERIES[query](order))


async def test_an_order_is_listed_under_its_present_status_only(order: ServerStory) -> None:
    """Contract, R5: the status of the list follows the order."""
    await order.pay()

    mine = f"BuyerId = '{order.placed.buyer.id}'"
    await _must_list(order, f"OrderStatus = 'payment_review' AND {mine}")
    await _must_list_nothing(order, f"OrderStatus = 'awaiting_payment' AND {mine}")


async def test_orders_are_listed_by_their_deadline(order: ServerStory) -> None:
    """Contract, R21: what is due within a span is one query."""
    coming = (await order.view()).next[0].at
    mine = f"BuyerId = '{order.placed.buyer.id}'"

    after = (coming + timedelta(minutes=1)).isoformat()
    before = (coming - timedelta(minutes=1)).isoformat()
    await _must_list(order, f"OrderDeadline < '{after}' AND OrderDeadline > '{before}' AND {mine}")
    await _must_list_nothing(order, f"OrderDeadline < '{before}' AND {mine}")


async def test_the_deadline_is_what_happens_next_by_itself(order: ServerStory) -> None:
    """Contract: OrderDeadline follows the order through payment, check and cancellation."""
    await _assert_deadline_is_what_comes_next(order)
    await order.pay()
    await _assert_deadline_is_what_comes_next(order)
    await order.days_pass(1)
    await _assert_deadline_is_what_comes_next(order)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await _assert_deadline_is_what_comes_next(order)
    await order.send(m.SellerReply(decision="accept"))
    assert (await order.view()).status is Status.CLOSED
    await _assert_deadline_is_what_comes_next(order)


async def test_an_overdue_refund_stays_on_the_overdue_list(order: ServerStory) -> None:
    """R15, case 9: its deadline stays at the day that was missed until the money is back."""
    payment = await _asked_to_cancel(order, CancelReason.ADDRESS_ISSUES)
    await order.system.provider.fail_refunds_of(payment, "The card was closed.")
    await order.send(m.SellerReply(decision="accept"))
    await order.days_pass(40)

    refund = (await order.view()).refund
    assert refund
    assert refund.overdue
    described = await order.handle.describe()
    assert described.typed_search_attributes[ids.ORDER_DEADLINE] == refund.due_by
    now = await order.now()
    assert refund.due_by < now
    running = f"ExecutionStatus = 'Running' AND BuyerId = '{order.placed.buyer.id}'"
    await _must_list(order, f"OrderDeadline < '{now.isoformat()}' AND {running}")
    assert "**overdue**" in await _why_it_waits(order)

    await order.system.provider.settle(refund.refund_id)
    await order.send(m.RefundUpdate(refund_id=refund.refund_id, status=RefundStatus.SUCCEEDED))
    await order.must_end()
    await _must_list_nothing(order, f"OrderDeadline < '{now.isoformat()}' AND {running}")


async def test_the_web_ui_says_why_an_order_waits(order: ServerStory) -> None:
    """Contract, R9: state, what comes next, who can do what, and where the money is."""
    unpaid = await _why_it_waits(order)
    assert unpaid.startswith("**awaiting_payment** since ")
    assert "UTC: the order closes unpaid" in unpaid

    await _asked_to_cancel(order)
    asked = await _why_it_waits(order)
    assert asked.startswith("**cancellation_requested** since ")
    assert "a cancellation request awaits the seller's answer." in asked
    due = (await order.view()).cancellation
    assert due
    assert due.due_by
    assert (
        f"- {due.due_by:%Y-%m-%d %H:%M} UTC: if the seller has not answered by then, the order closes"
        in asked
    )
    assert "- seller: seller_reply" in asked
    assert "held 24.90" in asked


async def test_the_web_ui_shows_the_order_without_personal_data(order: ServerStory) -> None:
    """R1, case 54: summary and details are there from the start, without people's names."""
    described = await order.handle.describe()

    assert (
        await described.static_summary() == f"Order `{order.placed.order_id}`: {order.placed.total}"
    )
    details = await described.static_details()
    assert details
    assert f"Buyer `{order.placed.buyer.id}`" in details
    assert order.placed.lines[0].title in details
    assert order.placed.buyer.name not in details


async def test_timers_and_activities_have_summaries(order: ServerStory) -> None:
    """R5, R14: in the history, each timer and each activity carries its purpose."""
    await canceled_and_refunded.happens(order)
    await order.must_end()

    convert = order.system.server.client.data_converter.payload_converter
    said: dict[int, list[str]] = {}
    async for event in order.handle.fetch_history_events():
        if event.user_metadata.HasField("summary"):
            text = convert.from_payload(event.user_metadata.summary, str)
            said.setdefault(event.event_type, []).append(text)
    assert said[EventType.EVENT_TYPE_TIMER_STARTED] == [
        "payment_reminder",
        "payment_accepted",
        "seller_reminder",
        "refund_check",
    ]
    refunds = said[EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    assert refunds == [f"refund {order.placed.total}"]


async def test_a_refused_update_leaves_no_event(order: ServerStory) -> None:
    """R5, case 5: cancel during the check is refused with an instant, and nothing is written."""
    await order.pay()
    before = (await order.handle.describe()).history_length

    refused = await order.must_refuse(
        m.CancelRequest(reason=CancelReason.CHANGED_MIND), RefusalCode.PAYMENT_REVIEW_IN_PROGRESS
    )

    view = await order.view()
    assert isinstance(view.payment, Payment)
    assert refused.available_from == view.payment.review_ends_at
    assert view.refused == []
    assert (await order.handle.describe()).history_length == before


class _ByUpdates(ServerDriver):
    """Whose people all wait for an answer."""

    async def tell(self, placed: PlaceOrder, message: m.Message) -> None:
        await self.ask(placed, message)


@pytest.mark.parametrize(("driver", "most"), [(ServerDriver, BY_SIGNALS), (_ByUpdates, BY_UPDATES)])
async def test_a_cancelled_and_refunded_order_needs_few_events(
    system: DemoSystem, placed: PlaceOrder, driver: type[ServerDriver], most: Cost
) -> None:
    """R7, R9, R14: the whole order, from placed to the last cent, in few events, tasks and bytes.

    A busy machine cuts a task in two and so adds events: the cheapest of three lives counts.
    """
    costs: list[Cost] = []
    for number in range(3):
        one = placed.model_copy(update={"order_id": f"{placed.order_id}-{number}"})
        order = ServerStory(system, one)
        order.driver = driver(system)
        await order.place()
        await canceled_and_refunded.happens(order)
        await order.must_end()
        costs.append(await order.cost())
        if all(
            cost <= limit for cost, limit in zip(astuple(costs[-1]), astuple(most), strict=True)
        ):
            return
    pytest.fail(f"it costs {costs}")
