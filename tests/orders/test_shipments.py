"""Shipping in time, or not at all: R19, R20 and R20a; and unknown tracking numbers: R11."""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta

import pytest

from orders.cancellations import Fault
from orders.disputes import DisputeReason
from orders.errors import RefusalCode
from orders.messages import CancelReason, Role
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
    """R20, R7, case 104: the buyer's request wins the tie, and the window ends all the same."""
    story = Story().until_awaiting_shipment()
    story.pass_until_just_before(SHIP_BY)

    view = story.send("cancel_request", reason="other", complaint=True, note="Where is it?")

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    cancellation = story.cancellation
    assert (cancellation.reason, cancellation.complaint) == (CancelReason.OTHER, True)
    assert (cancellation.status, cancellation.fault) == ("by_itself", Fault.SELLER)
    assert story.refund.money == eur(DUE)


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


@pytest.mark.parametrize("rules", [1, 2])
def test_the_time_of_a_request_that_is_withdrawn_does_not_count(rules: int) -> None:
    """R20, R18: the seller was not asked to ship while cancellation was."""
    story = Story(rules=rules).until_awaiting_shipment()
    story.days_pass(10)
    story.send("cancel_request", reason="other")
    story.days_pass(5)
    view = story.send("cancel_withdrawal")

    assert next(d.at for d in view.next if d.what == "shipment_expired") == SHIP_BY + 5 * DAY
    assert story.shipment.paused_since is None


def test_the_time_of_an_open_dispute_counts() -> None:
    """R20, R16b: asking makes no buyer wait longer than not asking; by the first rules it stood still."""
    for rules, stood_still in ((2, 0), (1, 7)):
        story = Story(rules=rules).until_awaiting_shipment()
        story.days_pass(10)
        story.send("cancel_request", reason="other")
        story.days_pass(2)
        story.reply("refuse")
        story.days_pass(5)

        view = story.send("dispute_withdrawal")

        assert view.status is Status.AWAITING_SHIPMENT
        told = [it for it in story.order.notifications if it.what == "dispute_resolved"]
        assert {it.details["awaits_shipment"] for it in told} == {True}
        ends = next(d.at for d in view.next if d.what == "shipment_expired")
        assert ends == SHIP_BY + stood_still * DAY


_ASKED: dict[str, Callable[[Story], object]] = {
    "requested": lambda story: story.send("cancel_request", reason="wont_arrive_in_time"),
    "claimed": lambda story: (
        story.send("cancel_request", reason="wont_arrive_in_time"),
        story.reply("already_shipped"),
    ),
    "disputed": lambda story: (
        story.send("cancel_request", reason="wont_arrive_in_time"),
        story.reply("refuse"),
    ),
}


@pytest.mark.parametrize("ask", _ASKED.values(), ids=_ASKED)
def test_the_window_ends_during_a_request_and_a_dispute(ask: Callable[[Story], object]) -> None:
    """R20, R14, case 104: to the instant, with everything back; the request that was there is kept."""
    story = Story().until_awaiting_shipment()
    story.days_pass(25)
    ask(story)
    asked_at = story.cancellation.requested_at
    story.pass_until(SHIP_BY - INSTANT)
    assert story.order.is_open

    view = story.pass_until(SHIP_BY)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert story.refund.money == eur(DUE)
    cancellation = story.cancellation
    assert cancellation.reason is CancelReason.WONT_ARRIVE_IN_TIME
    assert (cancellation.requested_at, cancellation.ended_at) == (asked_at, SHIP_BY)
    assert cancellation.status == "by_itself"


def test_an_order_by_the_first_rules_waits_while_somebody_asks() -> None:
    """Its window stood still, and its history has no timer for its end."""
    story = Story(rules=1).until_awaiting_shipment()
    story.days_pass(25)
    story.send("cancel_request", reason="other")

    assert {due.what for due in story.view.next} == {"seller_no_response", "seller_reminder"}


def test_a_request_of_an_order_that_expires_later_is_kept() -> None:
    """R20, case 104: withdrawn, and then nobody shipped."""
    story = Story().until_awaiting_shipment()
    story.send("cancel_request", reason="found_cheaper_price", complaint=True, note="8 EUR less")
    story.send("cancel_withdrawal")

    story.pass_until(SHIP_BY)

    cancellation = story.cancellation
    assert (cancellation.reason, cancellation.complaint, cancellation.note) == (
        CancelReason.FOUND_CHEAPER_PRICE,
        True,
        "8 EUR less",
    )
    assert (cancellation.status, cancellation.ended_at) == ("by_itself", SHIP_BY)
    assert cancellation.fault is Fault.SELLER


_REVIEWED: dict[str, Callable[[Story], object]] = {
    "photo": lambda story: story.send("shipment_proof", **photo()),
    "unknown number": lambda story: story.verdict(story.send_tracking_number(), valid=None),
}


@pytest.mark.parametrize("ask", [None, *_ASKED.values()], ids=["nobody asked", *_ASKED])
@pytest.mark.parametrize("give", _REVIEWED.values(), ids=_REVIEWED)
def test_evidence_that_waits_for_support_holds_the_end_of_the_window(
    give: Callable[[Story], object], ask: Callable[[Story], object] | None
) -> None:
    """R20, R11: until support has judged it; rejected after the end, it closes the order at once."""
    story = Story(shipment_window=timedelta(days=10)).until_awaiting_shipment()
    ends = START + 11 * DAY
    story.days_pass(9)
    if ask:
        ask(story)
    give(story)
    story.pass_until(ends + 4 * DAY)
    assert story.order.is_open
    assert "shipment_reminder" not in [d.what for d in story.view.next]
    accepted = deepcopy(story)

    view = story.send("proof_review", accepted=False)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert view.closed_at == ends + 4 * DAY
    assert accepted.send("proof_review", accepted=True).close_reason is None
    assert accepted.shipment.is_shipped


def test_evidence_that_nobody_judges_holds_the_window_for_as_long_as_a_dispute_lasts() -> None:
    """R20, R16b: 60 days from when it was given; support is reminded of it."""
    story = Story().until_awaiting_shipment()
    story.days_pass(29)
    story.send("shipment_proof", **photo())
    given_at = story.now
    assert [d.what for d in story.view.next] == ["proof_reminder", "shipment_expired"]

    view = story.pass_until(given_at + 60 * DAY)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert view.closed_at == given_at + 60 * DAY
    assert story.shipment.proofs[0].status == "lapsed"
    reminders = [it.at for it in story.order.timeline if it.what == "proof_reminder"]
    assert reminders == [given_at + 7 * DAY * n for n in range(1, 9)]
    assert story.notified.count(("support", "proof_reminder")) == 8


def test_support_is_reminded_of_a_dispute_and_not_of_its_proof_as_well() -> None:
    """R21: one letter a week is enough."""
    story = Story().until_disputed()
    story.send("shipment_proof", **photo())

    assert "proof_reminder" not in [d.what for d in story.view.next]


def test_a_number_that_is_being_verified_holds_the_window_for_two_days() -> None:
    """R20, R11: a carrier that does not answer holds nobody's money for longer."""
    story = Story().until_awaiting_shipment()
    story.pass_until_just_before(SHIP_BY)
    evidence = story.send_tracking_number()
    story.pass_until_just_before(SHIP_BY + 2 * DAY)
    late = deepcopy(story)

    assert story.verdict(evidence, valid=True).status is Status.SHIPPED
    assert late.days_pass(0).close_reason is CloseReason.SHIPMENT_EXPIRED
    assert late.order.closed_at == SHIP_BY + 2 * DAY
    late.verdict(late.shipment.tracking[0], valid=True)
    assert late.shipment.status == "expired"


def test_a_wrong_number_ends_the_window_that_it_held() -> None:
    """R20, R11: at the instant of the verdict."""
    story = Story().until_awaiting_shipment()
    story.pass_until(SHIP_BY - INSTANT)
    evidence = story.send_tracking_number()
    story.days_pass(1)

    view = story.verdict(evidence, valid=False)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert view.closed_at == story.now


def test_evidence_that_is_given_while_other_evidence_holds_the_window_holds_it_too() -> None:
    """R20, R11: support judges the oldest first, and can reject a blurred photo and accept a good one."""
    story = Story().until_awaiting_shipment()
    story.days_pass(29)
    story.send("shipment_proof", **photo())
    story.days_pass(5)
    story.send("shipment_proof", **photo())

    story.send("proof_review", accepted=False, note="Blurred")

    assert story.send("proof_review", accepted=True).status is Status.SHIPPED


def test_an_extension_at_the_last_instant_of_a_held_window_adds_to_it() -> None:
    """R20a: the evidence that holds the window is no harm to who grants more time."""
    story = Story().until_awaiting_shipment()
    story.days_pass(29)
    story.send("shipment_proof", **photo())
    story.days_pass(5)
    story.send("shipment_extension", days=20)

    story.send("proof_review", accepted=False)

    assert story.pass_until(SHIP_BY + 20 * DAY - INSTANT).status is Status.AWAITING_SHIPMENT
    assert story.days_pass(1).close_reason is CloseReason.SHIPMENT_EXPIRED


def _reminded(story: Story) -> list[datetime]:
    return [it.at for it in story.order.timeline if it.what == "shipment_reminder"]


def test_the_seller_is_reminded_to_ship() -> None:
    """R20, R21: 7 days and 1 day before, also of an order in dispute; by policy."""
    for arrive in (Story.until_awaiting_shipment, Story.until_disputed):
        story = arrive(Story())
        story.pass_until(SHIP_BY)
        assert _reminded(story) == [SHIP_BY - 7 * DAY, SHIP_BY - DAY]
        told = [it for it in story.order.notifications if it.what == "shipment_reminder"]
        assert {(it.to, it.details["due_by"]) for it in told} == {("seller", SHIP_BY.isoformat())}

    other = Story(shipment_reminders=(2 * DAY, 60 * DAY)).until_awaiting_shipment()
    other.pass_until(SHIP_BY)
    assert _reminded(other) == [SHIP_BY - 2 * DAY]

    first = Story(rules=1).until_awaiting_shipment()
    first.pass_until(SHIP_BY)
    assert _reminded(first) == []


def _quietly(story: Story, at: datetime, looked: bool) -> None:
    """Let time pass until then, with somebody looking shortly before, or nobody."""
    if looked:
        story.pass_until(at - timedelta(hours=1))
    story.pass_until_just_before(at)


@pytest.mark.parametrize("looked", [True, False])
def test_nobody_is_reminded_to_ship_while_something_else_comes_first(looked: bool) -> None:
    """R20, R23, case 102: evidence waits, or the bank; a day that passed meanwhile does not come later."""
    story = Story().until_awaiting_shipment()
    story.days_pass(20)
    story.send("shipment_proof", **photo())
    _quietly(story, START + 25 * DAY, looked)
    story.send("proof_review", accepted=False)
    assert _reminded(story) == []
    evidence = story.send_tracking_number()
    _quietly(story, SHIP_BY - DAY / 2, looked)
    story.verdict(evidence, valid=False)
    assert _reminded(story) == []

    charged = Story().until_awaiting_shipment()
    charged.send_chargeback("opened")
    charged.days_pass(24)
    charged.send_chargeback("won")
    charged.pass_until(SHIP_BY)
    assert _reminded(charged) == [SHIP_BY - DAY]


@pytest.mark.parametrize("looked", [True, False])
def test_a_window_that_moves_reminds_only_of_days_to_come(looked: bool) -> None:
    """R20a, case 102: the new end's reminder may lie behind the day on which it was granted."""
    story = Story(shipment_reminders=(7 * DAY,)).until_awaiting_shipment()
    _quietly(story, SHIP_BY - 5 * DAY, looked)
    story.send("shipment_extension", days=1)
    story.pass_until(SHIP_BY)

    assert _reminded(story) == [SHIP_BY - 7 * DAY]


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
