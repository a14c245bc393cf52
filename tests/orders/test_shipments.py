"""Shipping in time, or not at all: R19, R20 and R20a; and unknown tracking numbers: R11."""

from datetime import timedelta

import pytest

from orders.cancellations import Fault
from orders.disputes import DisputeReason
from orders.errors import RefusalCode
from orders.messages import Role
from orders.status import CloseReason, Status
from orders.support_queue import Need, waits_for_support
from tests.orders.builders import DUE, START, Story, eur, photo

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


def test_an_unknown_number_waits_for_support() -> None:
    """R11, R21, case 69: no dispute by itself; support is told, once, and has it in its queue."""
    story = Story().until_claimed_shipped()
    story.days_pass(1)
    evidence = story.send_tracking_number("4PX3000123456CN")
    given_at = evidence.given_at
    story.days_pass(1)

    view = story.verdict(evidence, valid=None, other_order_id="A-7")

    assert (view.status, view.dispute) == (Status.PROOF_REQUESTED, None)
    assert (evidence.status, story.shipment.status) == ("under_review", "under_verification")
    waiting = waits_for_support(view)
    assert waiting
    assert (waiting.need, waiting.since) == (Need.PROOF, given_at)
    told = [it for it in story.order.notifications if it.what == "proof_to_review"]
    assert [it.to for it in told] == [Role.SUPPORT]
    assert told[0].details["number"] == "4PX3000123456CN"
    assert told[0].details["other_order_id"] == "A-7"


def test_an_unknown_number_that_support_accepts_ships_the_order() -> None:
    """R11, case 69."""
    story = Story().until_claimed_shipped()
    evidence = story.send_tracking_number()
    story.verdict(evidence, valid=None)

    view = story.send("proof_review", accepted=True, note="The carrier's page shows it.")

    assert view.status is Status.SHIPPED
    assert (evidence.status, evidence.note) == ("accepted", "The carrier's page shows it.")
    assert view.timeline[-2].details["number"] == evidence.number


@pytest.mark.parametrize("policy", ["open", "offer"])
def test_an_unknown_number_that_support_rejects_is_like_a_rejected_photo(policy: str) -> None:
    """R11, R12."""
    story = Story(dispute_on_failed_proof=policy).until_claimed_shipped()
    evidence = story.send_tracking_number()
    story.verdict(evidence, valid=None)

    view = story.send("proof_review", accepted=False, note="Nobody's number.")

    assert evidence.status == "rejected"
    assert ("seller", "proof_rejected") in story.notified
    if policy == "open":
        assert view.dispute
        assert view.dispute.reason is DisputeReason.PROOF_REJECTED
        assert view.dispute.evidence == [f"tracking_number {evidence.number}: rejected"]
    else:
        assert ("buyer", "dispute_offered") in story.notified


@pytest.mark.parametrize("first", ["number", "photo"])
def test_support_judges_what_waits_longest_of_numbers_and_photos(first: str) -> None:
    """R11: by when it was given, whenever it came to be unknown."""
    story = Story().until_awaiting_shipment()
    if first == "photo":
        story.send("shipment_proof", **photo())
        story.days_pass(1)
    evidence = story.send_tracking_number()
    if first == "number":
        story.days_pass(1)
        story.send("shipment_proof", **photo())
    story.verdict(evidence, valid=None)

    story.send("proof_review", accepted=False)

    statuses = {"number": evidence.status.value, "photo": story.shipment.proofs[0].status.value}
    other = "photo" if first == "number" else "number"
    assert statuses == {first: "rejected", other: "under_review"}


def test_nobody_judges_an_unknown_number_of_an_order_that_is_over() -> None:
    """R11: whether it came to be unknown before or after the order's end."""
    story = Story().until_cancellation_requested()
    before, after = story.send_tracking_number("ABCD1"), story.send_tracking_number("ABCD2")
    story.verdict(before, valid=None)
    story.reply("accept")

    view = story.verdict(after, valid=None)

    assert {before.status, after.status} == {"lapsed"}
    assert waits_for_support(view) is None
