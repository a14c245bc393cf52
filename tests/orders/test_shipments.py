"""Shipping in time, or not at all: R19, R20 and R20a."""

from datetime import timedelta

from orders.cancellations import Fault
from orders.errors import RefusalCode
from orders.status import CloseReason, Status
from tests.orders.builders import DUE, START, Story, eur

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
SHIP_BY = START + 31 * DAY


def test_a_shipped_order_cannot_be_cancelled() -> None:
    """R19: the answer says so, and what the buyer can do instead."""
    refused = Story().until_shipped().must_refuse("cancel_request", reason="other")

    assert refused.code is RefusalCode.ORDER_SHIPPED
    assert "return it" in refused.reason
    assert refused.available_from is None


def test_a_shipment_wins_over_a_cancellation_request() -> None:
    """R19, case 6: whichever the server took first; the other is told."""
    shipped_first = Story().until_awaiting_shipment()
    shipped_first.verdict(shipped_first.send_tracking_number(), valid=True)
    refused = shipped_first.must_refuse("cancel_request", reason="other")
    assert refused.code is RefusalCode.ORDER_SHIPPED

    asked_first = Story().until_awaiting_shipment()
    evidence = asked_first.send_tracking_number()
    asked_first.send("cancel_request", reason="other")
    view = asked_first.verdict(evidence, valid=True)
    assert view.status is Status.SHIPPED
    assert view.cancellation
    assert view.cancellation.status == "ended_by_shipment"
    assert ("buyer", "order_shipped") in asked_first.notified


def test_an_order_that_nobody_ships_closes() -> None:
    """R20: after 30 days, to the instant; the seller's fault, and all the money back."""
    story = Story().until_awaiting_shipment()
    story.pass_until(SHIP_BY - INSTANT)
    assert story.order.status is Status.AWAITING_SHIPMENT

    view = story.pass_until(SHIP_BY)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert view.refund
    assert view.refund.money == eur(DUE)
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.fault) == ("by_itself", Fault.SELLER)


def test_without_a_shipment_window_the_order_waits_for_ever() -> None:
    """R20: policy null."""
    story = Story(shipment_window=None).until_awaiting_shipment()
    assert story.view.next == []
    story.days_pass(3000)
    assert story.order.status is Status.AWAITING_SHIPMENT

    refused = story.must_refuse("shipment_extension", days=5)
    assert refused.code is RefusalCode.NOT_IN_THIS_STATUS
    story.send("cancel_request", reason="seller_unreachable")


def test_a_cancellation_at_the_last_instant_of_the_window_counts() -> None:
    """R20, R7: the buyer's request wins the tie; withdrawn, the window is over."""
    story = Story().until_awaiting_shipment()
    story.pass_until_just_before(SHIP_BY)
    story.send("cancel_request", reason="other")
    assert story.order.status is Status.CANCELLATION_REQUESTED
    story.days_pass(3)

    view = story.send("cancel_withdrawal")

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED


def test_an_extension_moves_the_deadline() -> None:
    """R20a: R20's window grows by the days given, as often as the buyer likes."""
    story = Story().until_awaiting_shipment()
    story.send("shipment_extension", days=10)
    view = story.send("shipment_extension", days=60)

    assert next(d.at for d in view.next if d.what == "shipment_expired") == SHIP_BY + 70 * DAY
    assert ("seller", "shipment_extended") in story.notified
    story.pass_until(SHIP_BY + 70 * DAY - INSTANT)
    assert story.order.status is Status.AWAITING_SHIPMENT
    assert story.days_pass(1).close_reason is CloseReason.SHIPMENT_EXPIRED


def test_an_extension_at_the_last_instant_counts() -> None:
    """R20a: before the timer."""
    story = Story().until_awaiting_shipment()
    story.pass_until_just_before(SHIP_BY)
    assert story.send("shipment_extension", days=1).status is Status.AWAITING_SHIPMENT
    assert story.days_pass(1).status is Status.CLOSED


def test_the_time_of_an_open_request_does_not_count() -> None:
    """R20, R18: the seller was not asked to ship while cancellation was."""
    story = Story().until_awaiting_shipment()
    story.days_pass(10)
    story.send("cancel_request", reason="other")
    story.days_pass(5)
    view = story.send("cancel_withdrawal")

    assert next(d.at for d in view.next if d.what == "shipment_expired") == SHIP_BY + 5 * DAY
    assert story.shipment.paused_since is None


def test_the_time_of_an_open_dispute_does_not_count() -> None:
    """R20, R16b: from the request to the end of the dispute."""
    story = Story().until_awaiting_shipment()
    story.days_pass(10)
    story.send("cancel_request", reason="other")
    story.days_pass(2)
    story.reply("refuse")
    story.days_pass(20)

    view = story.send("dispute_withdrawal")

    assert view.status is Status.AWAITING_SHIPMENT
    assert next(d.at for d in view.next if d.what == "shipment_expired") == SHIP_BY + 22 * DAY
