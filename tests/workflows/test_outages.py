"""With everything around it out of order, deadlines fire and refunds go on; then all is told, once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment

from activities.tracking import NOBODY_TO_ASK
from demo.waiting import until
from orders.disputes import DisputeReason
from orders.status import CloseReason, Status
from orders.view import OrderView
from tests.orders.builders import eur
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import GOOD_NUMBER, TimeSkippingStory, time_skipping_story
from workflows import options

# What fails is tried every five minutes, by the clock that is skipped: windows of hours instead of days
# keep an outage of a whole window short.
HOURS = timedelta(hours=6)
REPLY = {"seller_reply_window": HOURS, "seller_reminders": (timedelta(hours=1),)}


@pytest_asyncio.fixture(loop_scope="session")
async def order(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[TimeSkippingStory]:
    async with time_skipping_story(environment, order_id_of(request)) as order:
        yield order


def _is_told_once(order: TimeSkippingStory) -> None:
    letters = [it.key for it in order.world.outbox.messages.values()]
    assert sorted(order.world.outbox.delivered) == sorted(letters)
    assert order.world.channel.keys(order.placed.order_id) == dict.fromkeys(letters, 1)


async def test_a_database_outage_of_hours_holds_up_no_money(order: TimeSkippingStory) -> None:
    """R9, R14: the seller's time ends and the refund is asked for; then everything is recorded once."""
    await order.place(**REPLY)
    await order.until_awaiting_shipment()
    order.world.database.down = True
    await order.send("cancel_request", reason="changed_mind")
    closed = await order.days_pass(0.25)
    await until(lambda: order.world.provider.asked_for)
    known = order.world.orders.view(order.placed.order_id)
    order.world.database.down = False
    await order.days_pass(3)

    view = await order.must_end()
    assert closed.close_reason is CloseReason.SELLER_NO_RESPONSE
    assert known.status is Status.AWAITING_SHIPMENT
    assert view.amount_refunded == eur(2490)
    assert len(order.world.provider.asked_for) == 1
    assert order.notified("seller").count(("seller", "seller_reminder")) == 1
    _is_told_once(order)


async def test_an_unpaid_order_expires_during_a_database_outage(order: TimeSkippingStory) -> None:
    """R1: the deadline fires on its day; the workflow ends only when that is recorded."""
    await order.place(payment_window=HOURS)
    order.world.database.down = True
    closed = await order.days_pass(0.25)
    order.world.database.down = False
    await order.days_pass(0.01)

    view = await order.must_end()
    assert closed.close_reason is CloseReason.PAYMENT_EXPIRED
    assert closed.closed_at == view.closed_at
    _is_told_once(order)


async def test_a_channel_outage_of_two_days_holds_up_no_money(order: TimeSkippingStory) -> None:
    """R21, case 46: the money path does not notice, and each notice is told once when it is back."""
    order.world.channel.state.down = True
    await order.place()
    await order.until_accepted()
    await until(lambda: order.world.provider.asked_for)
    sent_before = len(order.world.channel.sent)
    await order.days_pass(1)
    order.world.channel.state.down = False
    await order.days_pass(2)

    view = await order.must_end()
    assert sent_before == 0
    assert view.amount_refunded == eur(2490)
    _is_told_once(order)


async def test_an_order_ends_though_its_notifications_cannot_be_delivered(
    order: TimeSkippingStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21: each letter has its week; then the order ends, and the outbox keeps what it could not tell."""
    seldom = RetryPolicy(maximum_interval=timedelta(hours=6))
    monkeypatch.setitem(options.NOTIFY, "retry_policy", seldom)
    order.world.channel.state.down = True
    await order.place(payment_window=HOURS)
    closed = await order.days_pass(0.25)
    # The week that began with the first letter, and the one that the last letter has of its own.
    await order.days_pass(7)
    await order.days_pass(7)

    result: OrderView = await order.handle.result()
    assert closed.close_reason is result.close_reason is CloseReason.PAYMENT_EXPIRED
    assert order.world.outbox.delivered == []
    assert ("buyer", "order_closed") in order.notified()


async def test_the_deadline_fires_during_a_carrier_outage(order: TimeSkippingStory) -> None:
    """R9, R11, R12: a number that nobody can verify buys no time; its verdict is evidence later."""
    await order.place(**REPLY)
    order.world.carrier.state.down = True
    await order.until_claimed_shipped(tracking_number=GOOD_NUMBER)
    late = await order.days_pass(0.25)
    order.world.carrier.state.down = False
    await order.days_pass(0.1)
    verified = await order.until(lambda view: bool(view.shipment and view.shipment.shipped_at))

    assert late.status is verified.status is Status.DISPUTED
    assert late.dispute
    assert late.dispute.reason is DisputeReason.NO_PROOF
    assert late.shipment
    assert [it.status for it in late.shipment.tracking] == ["verifying"]
    assert verified.dispute
    assert f"tracking_number {GOOD_NUMBER}: valid" in verified.dispute.evidence


async def test_a_carrier_down_for_days_keeps_no_order_from_being_shipped(
    order: TimeSkippingStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R11: then the number counts by its form alone, and the order says so. (Hours, as above.)"""
    monkeypatch.setattr("activities.tracking.LONGEST_OUTAGE", HOURS)
    await order.place()
    await order.until_awaiting_shipment()
    order.world.carrier.state.down = True
    await order.signal("tracking_number", number=GOOD_NUMBER)
    early = await order.days_pass(0.24)
    late = await order.days_pass(0.05)
    shipped = await order.until(lambda view: view.status is Status.SHIPPED)

    assert early.status is Status.AWAITING_SHIPMENT
    assert late.shipment
    assert shipped.shipment
    assert shipped.shipment.tracking[0].reason == NOBODY_TO_ASK


async def test_an_order_answers_while_the_carrier_hangs(order: TimeSkippingStory) -> None:
    """R11: a carrier that never answers does not keep the order from its people."""
    await order.place()
    await order.until_cancellation_requested()
    order.world.carrier.state.hangs = True
    await order.signal("tracking_number", number=GOOD_NUMBER)
    await order.send("seller_reply", decision="accept")

    view = await order.view()
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    await until(lambda: order.world.provider.asked_for)
    order.world.carrier.state.hangs = False
    await order.until(
        lambda view: bool(view.shipment and view.shipment.tracking[0].status == "valid")
    )
    # A local activity's timeout is another error on replay than when it happens.
    await order.must_replay()


async def test_a_refund_update_that_overtakes_the_providers_answer_is_recorded(
    order: TimeSkippingStory,
) -> None:
    """R15, case 25: the refund's webhook comes before the answer; what is kept is what the order ends as."""
    await order.place()
    order.world.provider.state.hangs = True
    accepted = await order.until_accepted()
    assert accepted.refund
    await until(lambda: order.world.provider.asked_for)
    await order.signal("refund_update", refund_id=accepted.refund.refund_id, status="succeeded")
    await order.until(lambda view: bool(view.refund and view.refund.settled_at))
    await until(lambda: order.world.orders.view(accepted.order_id).amount_refunded == eur(2490))
    order.world.provider.state.hangs = False

    ended = await order.must_end()
    assert ended.refund
    assert ended.refund.asked_at


async def test_a_provider_outage_of_16_days_delays_the_refund_only(
    order: TimeSkippingStory,
) -> None:
    """R14, R15: asked with the same key until it answers; escalated when the 2 weeks are over."""
    await order.place()
    order.world.provider.state.down = True
    await order.until_accepted()
    overdue = await order.days_pass(16)
    asked = list(order.world.provider.asked_for)
    order.world.provider.state.down = False
    await order.days_pass(1)
    await order.days_pass(7)

    view = await order.must_end()
    assert overdue.refund
    assert overdue.refund.overdue
    assert len(asked) > 100
    assert set(asked) == set(order.world.provider.refunds) == {overdue.refund.refund_id}
    assert view.amount_refunded == eur(2490)
    assert {("support", "refund_overdue"), ("buyer", "refund_overdue")} <= set(order.notified())
    _is_told_once(order)


async def test_a_provider_outage_delays_the_refund_of_a_stray_payment_only(
    order: TimeSkippingStory,
) -> None:
    """R15, R17: the same for money that no order can take; support hears when it is overdue."""
    await order.place(payment_window=timedelta(days=60))
    order.world.provider.state.down = True
    payment_id = await order.send_stray_payment(eur(5))
    await order.days_pass(15)
    overdue = await order.stray_payment(payment_id)
    order.world.provider.state.down = False
    await order.days_pass(1)
    await order.days_pass(7)

    stray = await order.stray_payment(payment_id)
    assert overdue.refund
    assert overdue.refund.overdue
    assert stray.refund
    assert stray.refund.is_settled
    assert list(order.world.provider.refunds) == [stray.refund.refund_id]
    assert ("support", "stray_refund_overdue") in order.notified()


async def test_a_dispute_is_filed_after_an_outage_of_the_dispute_system(
    order: TimeSkippingStory,
) -> None:
    """R8: the dispute is open all the same, and filed when the desk is back."""
    await order.place()
    order.world.dispute_cases.state.down = True
    disputed = await order.until_disputed()
    await order.days_pass(0.25)
    order.world.dispute_cases.state.down = False
    await order.days_pass(0.1)
    filed = await order.until(lambda view: bool(view.dispute and view.dispute.status != "open"))
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)

    view = await order.must_end()
    assert disputed.status is filed.status is Status.DISPUTED
    cases = order.world.dispute_cases.cases(view.order_id)
    assert [case.status for case in cases.values()] == ["resolved"]


async def test_a_dispute_is_decided_during_an_outage_of_the_dispute_system(
    order: TimeSkippingStory,
) -> None:
    """R16: support decides by other means; the refund does not wait for the desk."""
    await order.place()
    order.world.dispute_cases.state.down = True
    await order.until_disputed()
    await order.send("dispute_decision", decision="full_refund")
    await order.until(lambda view: bool(view.refund and view.refund.asked_at))
    refund = f"{order.placed.order_id}-refund-1"
    back = await order.send("refund_update", refund_id=refund, status="succeeded")
    order.world.dispute_cases.state.down = False
    await order.days_pass(0.1)

    view = await order.must_end()
    assert back.amount_refunded == eur(2490)
    cases = order.world.dispute_cases.cases(view.order_id)
    assert [case.status for case in cases.values()] == ["resolved"]


async def test_an_order_waits_until_its_stray_payment_can_be_started(
    order: TimeSkippingStory,
) -> None:
    """R17: it is started when it can be; an order that is otherwise over waits for that."""
    await order.place()
    order.world.stray_payment_starter.state.down = True
    payment = await order.payment(eur(5))
    await order.signal(payment)
    await order.signal("cancel_request", reason="changed_mind")
    await order.days_pass(0.1)
    described = await order.handle.describe()
    order.world.stray_payment_starter.state.down = False
    await order.days_pass(0.1)
    await order.must_end()
    await order.environment.sleep(timedelta(days=4))

    assert described.close_time is None
    assert (await order.stray_payment(payment.payment_id)).is_over


async def test_an_order_survives_an_outage_of_everything(order: TimeSkippingStory) -> None:
    """R9, R14: the seller's time with nothing but the server, and then a week in order."""
    await order.place(**REPLY)
    await order.until_awaiting_shipment()
    for outage in order.world.outages:
        outage.down = True
    await order.send("cancel_request", reason="other", complaint=True)
    closed = await order.days_pass(0.25)
    for outage in order.world.outages:
        outage.down = False
    await order.days_pass(1)
    await order.days_pass(7)

    view = await order.must_end()
    assert closed.close_reason is CloseReason.SELLER_NO_RESPONSE
    assert view.amount_refunded == eur(2490)
    assert len(order.world.provider.refunds) == 1
    _is_told_once(order)
