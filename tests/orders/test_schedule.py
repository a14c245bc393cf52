"""What happens automatically, whoever looks and whenever: outages and reminders (R16b, R21, R23)."""

from datetime import timedelta
from typing import Any

import pytest

from orders.notifications import NotificationKind
from orders.order import Order
from orders.reopening import reopened
from orders.schedule import let_time_pass, schedule
from orders.status import CloseReason, Status
from orders.view import is_finished
from tests.orders.builders import START, Story, chargeback, place

DAY = timedelta(days=1)


def _away(story: Story, days: float) -> Story:
    """Every worker is down for so many days; then one looks, once."""
    story.now += days * DAY
    story.settle()
    return story


def test_what_follows_from_a_deadline_is_counted_from_its_instant() -> None:
    """R9, R14, case 105: workers are down from the request's day 13 to its day 45."""
    story = Story().until_cancellation_requested()
    due_by = story.cancellation.due_by
    assert due_by
    story.days_pass(13)
    back = _away(story, 32).now

    assert story.order.close_reason is CloseReason.SELLER_NO_RESPONSE
    assert story.order.closed_at == story.order.status_since == due_by
    assert story.cancellation.ended_at == due_by
    assert story.refund.due_by == due_by + 14 * DAY
    assert story.refund.overdue
    told = {notice.at for notice in story.order.notifications if notice.what == "order_closed"}
    assert told == {back}, "mail has the date on which it is written"


def test_deadlines_that_follow_from_each_other_are_each_counted_from_the_last() -> None:
    """R7, R12, R16b, case 105: check, ground for a dispute, and its end, all while nobody looked."""
    paid = Story()
    paid.pay()
    checked = paid.payment.review_ends_at
    _away(paid, 25)
    assert paid.order.status is Status.AWAITING_SHIPMENT
    assert paid.order.status_since == paid.payment.decided_at == checked
    canceled = Story()
    canceled.pay()
    canceled.now += 5 * DAY
    canceled.send("cancel_request", reason="other")
    assert canceled.payment.decided_at == canceled.payment.review_ends_at

    claimed = Story(shipment_window=None).until_claimed_shipped()
    asked_at = claimed.now
    _away(claimed, 200)

    view = claimed.view
    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert claimed.dispute.opened_at == asked_at + 14 * DAY
    assert view.closed_at == claimed.dispute.resolved_at == asked_at + (14 + 60) * DAY
    assert claimed.refund.due_by == asked_at + (14 + 60 + 14) * DAY


def test_a_message_that_the_server_kept_counts_before_a_deadline_that_nobody_has_served() -> None:
    """R9, case 105: the seller's answer is there when a worker comes; the timeline stays in order."""
    story = Story().until_cancellation_requested()
    story.now += 20 * DAY
    assert story.reply("accept").close_reason is CloseReason.SELLER_ACCEPTED

    unpaid = Story()
    unpaid.now += 30 * DAY
    unpaid.send("buyer_message", text="I will pay tomorrow.")
    assert unpaid.order.closed_at == START + 20 * DAY
    assert unpaid.happened == ["placed", "closed", "buyer_message"]


def test_an_order_by_the_first_rules_counts_from_when_it_is_seen() -> None:
    """Its history has timers and a refund of that instant."""
    order = Order.new(place(), START, rules=1)
    let_time_pass(order, START + 30 * DAY)

    assert order.closed_at == START + 30 * DAY


@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize(("declined_on", "reminded"), [(16.9, [17, 19]), (17.5, [19])])
def test_a_reminder_does_not_depend_on_whether_anybody_looked(
    looked: bool, declined_on: float, reminded: list[float]
) -> None:
    """R21, case 102: its day has passed while the payment was checked; the decline says until when to pay."""
    story = Story(payment_review=3 * DAY)
    story.days_pass(16.7)
    story.pay()
    if looked:
        story.pass_until(START + (declined_on - 0.1) * DAY)
        story.send("buyer_message", text="Hello")
    story.now = START + declined_on * DAY
    story.send("payment_declined", payment_id="pay-1", reason="Card expired")
    story.days_pass(5)

    reminders = [it.at for it in story.order.timeline if it.what == "payment_reminder"]
    assert reminders == [START + day * DAY for day in reminded]


def _opened(story: Story, **changes: Any) -> list[timedelta]:
    story.send_chargeback("opened", **changes)
    opened_at = story.now
    story.days_pass(22)
    reminders = [it.at for it in story.order.timeline if it.what == "chargeback_reminder"]
    assert story.notified.count(("support", "chargeback_reminder")) == len(reminders)
    return [at - opened_at for at in reminders]


@pytest.mark.parametrize(
    "arrive",
    [
        Story.until_awaiting_shipment,
        Story.until_cancellation_requested,
        Story.until_disputed,
        Story.until_shipped,
        Story.until_accepted,
    ],
)
@pytest.mark.parametrize("amount", [1000, 2490])
def test_support_is_reminded_of_an_open_chargeback(arrive: Any, amount: int) -> None:
    """R23, case 65: whether money is held or not, and whether the order is open or over."""
    story = Story(shipment_window=None)
    arrive(story)

    assert _opened(story, amount=amount) == [7 * DAY, 14 * DAY, 21 * DAY]
    assert schedule(story.order), "somebody is reminded until the bank decides"


def test_support_is_reminded_of_every_open_chargeback() -> None:
    """R23, case 65: of two that are open each time of both, and then of the one that is left."""
    story = Story(shipment_window=None).until_awaiting_shipment()
    for chargeback_id, amount in (("cb-1", 1000), ("cb-2", 500)):
        story.send("chargeback", **chargeback("opened", amount) | {"chargeback_id": chargeback_id})
        story.days_pass(1)
    story.days_pass(6)
    both = _reminded(story)
    story.send("chargeback", **chargeback("won", 1000) | {"chargeback_id": "cb-1"})
    story.days_pass(7)

    assert both == [1000, 500]
    assert _reminded(story) == [1000, 500, 500]


@pytest.mark.parametrize("ends", ["never", "shipped", "closed", "shipped before"])
def test_support_is_reminded_of_an_open_chargeback_of_a_declined_payment(ends: str) -> None:
    """R6, R23, case 65: once another payment is the order's own, also of an order that has ended."""
    story = Story(shipment_window=None)
    story.pay()
    story.send("payment_declined", payment_id="pay-1", reason="")
    story.pay(payment_id="pay-2")
    story.pass_until(story.payment.review_ends_at)
    if ends == "shipped before":
        story.verdict(story.send_tracking_number(), valid=True)
        assert is_finished(story.view)
        story.order = reopened(story.view, story.now)
    story.send_chargeback("opened")
    if ends == "shipped":
        story.verdict(story.send_tracking_number(), valid=True)
    elif ends == "closed":
        story.send("cancel_request", reason="other")
        story.reply("accept")
        story.send_refund_update("succeeded")
    opened_at = story.now
    story.days_pass(15)

    assert [
        it.at - opened_at for it in story.order.timeline if it.what == "chargeback_reminder"
    ] == [
        7 * DAY,
        14 * DAY,
    ]
    assert _reminded(story) == [2490, 2490]
    assert not is_finished(story.view)
    assert is_finished(story.send_chargeback("lost")) is (ends != "never")


def test_support_is_reminded_of_an_open_chargeback_whose_payment_never_comes() -> None:
    """R23, case 65: also when the order has closed unpaid."""
    story = Story()
    story.send_chargeback("opened", 1000)

    story.days_pass(22)

    assert story.order.close_reason is CloseReason.PAYMENT_EXPIRED
    assert _reminded(story) == [1000] * 3
    assert not is_finished(story.view)


def test_an_order_by_older_rules_ends_although_a_declined_payment_is_charged_back() -> None:
    """Its history has no timer for it."""
    story = Story(rules=4)
    story.pay()
    story.send("payment_declined", payment_id="pay-1", reason="")
    story.pay(payment_id="pay-2")
    story.send_chargeback("opened")
    story.pass_until(story.payment.review_ends_at)
    view = story.verdict(story.send_tracking_number(), valid=True)

    assert view.next == []
    assert is_finished(view)


def _reminded(story: Story) -> list[int]:
    return [
        it.details["money"]["amount"]
        for it in story.order.notifications
        if it.what == NotificationKind.CHARGEBACK_REMINDER
    ]


def test_a_refund_check_at_the_same_instant_leaves_the_reminder() -> None:
    """R15, R23: the chargeback is 7 days old when the provider is asked of the refund."""
    story = Story(refund_checks=(7 * DAY,)).until_accepted()

    assert _opened(story, amount=1000) == [7 * DAY, 14 * DAY, 21 * DAY]


def test_a_message_at_the_instant_of_a_reminder_leaves_it() -> None:
    """R21, case 102: also of one that nobody has seen to for an hour."""
    for late in (timedelta(0), timedelta(hours=1)):
        story = Story()
        story.pass_until_just_before(START + 17 * DAY)
        story.now += late
        story.send("buyer_message", text="Hello")

        assert story.happened == ["placed", "buyer_message", "payment_reminder"]
