"""Disputes: R8, R12, R16, R16a, R16b."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from orders.disputes import DisputeOutcome, DisputeReason
from orders.errors import RefusalCode
from orders.status import CloseReason, Status
from tests.orders.builders import DUE, SHA, START, Story, books_must_balance, eur, evidence, photo

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
OPENED = START + DAY
DECIDE_BY = OPENED + 60 * DAY


@pytest.mark.parametrize(
    ("decision", "cents", "reason", "outcome"),
    [
        (
            "full_refund",
            DUE,
            CloseReason.DISPUTE_FULL_REFUND,
            DisputeOutcome.BUYER_FAVOUR,
        ),
        (
            "partial_refund",
            700,
            CloseReason.DISPUTE_PARTIAL_REFUND,
            DisputeOutcome.PAYOUT,
        ),
        (
            "no_refund",
            0,
            CloseReason.DISPUTE_NO_REFUND,
            DisputeOutcome.SELLER_FAVOUR,
        ),
    ],
)
def test_supports_decision_closes_the_order(
    decision: str, cents: int, reason: CloseReason, outcome: DisputeOutcome
) -> None:
    """R16, R16a: full, partial or no refund of goods that shipped; what does not go back is the seller's."""
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)
    money = {"money": eur(cents)} if decision == "partial_refund" else {}

    view = story.send("dispute_decision", decision=decision, **money)

    assert view.close_reason is reason
    assert view.dispute
    assert (view.dispute.status, view.dispute.outcome) == ("resolved", outcome)
    assert view.dispute.awarded == eur(cents)
    assert (view.refund.money.amount if view.refund else 0) == cents
    assert view.amount_owed_to_seller.amount == DUE - cents
    books_must_balance(story.order)


def test_a_dispute_decision_ends_the_cancellation() -> None:
    """R16: decided beside an open request, it settles that one too."""
    story = Story().until_cancellation_requested(complaint=True)

    view = story.send("dispute_decision", decision="full_refund")

    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert view.cancellation
    assert view.cancellation.status == "ended_by_dispute"
    assert view.cancellation.ended_at == story.now


_UNSHIPPED: dict[str, Callable[[Story], Story]] = {
    "disputed": Story.until_disputed,
    "beside a request": lambda story: story.until_cancellation_requested(complaint=True),
    "beside a claim": lambda story: story.until_claimed_shipped(complaint=True),
}


@pytest.mark.parametrize("arrive", _UNSHIPPED.values(), ids=_UNSHIPPED)
def test_a_claim_that_is_turned_down_leaves_goods_to_be_shipped(
    arrive: Callable[[Story], Story],
) -> None:
    """R16a, R20, case 107: the request ends, and the time to ship runs on as if nobody had asked."""
    story = arrive(Story())
    story.days_pass(10)

    view = story.send("dispute_decision", decision="no_refund", note="It is on its way.")

    assert (view.status, view.close_reason) == (Status.AWAITING_SHIPMENT, None)
    assert story.dispute.outcome is DisputeOutcome.SELLER_FAVOUR
    assert story.cancellation.ended_at
    assert view.amount_held == eur(DUE)
    assert ("shipment_expired", OPENED + 30 * DAY) in [(due.what, due.at) for due in view.next]
    told = [it for it in story.order.notifications if it.what == "dispute_resolved"]
    assert {it.details["awaits_shipment"] for it in told} == {True}
    assert len(told) == 3
    story.must_refuse("dispute_request")

    story.send("cancel_request", reason="other")
    story.send("cancel_withdrawal")
    view = story.pass_until(OPENED + 30 * DAY)
    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert story.refund.money == eur(DUE)


def test_a_claim_that_is_turned_down_leaves_evidence_to_judge() -> None:
    """R16a, R11: what was given in the dispute may still ship the order."""
    story = Story().until_disputed()
    story.send("shipment_proof", **photo())
    story.send("dispute_decision", decision="no_refund")
    assert story.shipment.status == "under_verification"

    assert story.send("proof_review", accepted=True).status is Status.SHIPPED


def test_a_claim_that_the_first_rules_turn_down_closes_the_order() -> None:
    """Its history says that the money is the seller's."""
    story = Story(rules=1).until_disputed()

    view = story.send("dispute_decision", decision="no_refund")

    assert view.close_reason is CloseReason.DISPUTE_NO_REFUND


@pytest.mark.parametrize("silent", [True, False])
def test_an_accepted_cancellation_ends_the_dispute(silent: bool) -> None:
    """R16: accepted or unanswered, the request closes the order and the dispute with it."""
    story = Story().until_cancellation_requested(complaint=True)
    if silent:
        story.days_pass(14)
    else:
        story.reply("accept")

    assert story.order.status is Status.CLOSED
    assert story.dispute.outcome is DisputeOutcome.SETTLED_BY_CANCELLATION
    assert story.refund.money == eur(DUE)
    assert (
        story.must_refuse("dispute_decision", decision="no_refund").code is RefusalCode.ORDER_CLOSED
    )


def test_a_decision_without_a_dispute_is_refused() -> None:
    """R16: a request without a complaint has nothing to decide."""
    for story in (Story().until_cancellation_requested(), Story().until_claimed_shipped()):
        refused = story.must_refuse("dispute_decision", decision="full_refund")
        assert refused.code is RefusalCode.NOT_IN_THIS_STATUS
        assert story.must_refuse("settlement_offer", money=eur(1)).code is refused.code
        assert story.must_refuse("dispute_withdrawal").code is refused.code


def test_a_dispute_outlives_good_proof() -> None:
    """R16a: the order is disputed until it is decided, though the goods are on their way."""
    story = Story().until_claimed_shipped(complaint=True)

    view = story.verdict(story.send_tracking_number(), valid=True)

    assert view.status is Status.DISPUTED
    assert view.shipment
    assert view.shipment.status == "shipped"
    assert view.cancellation
    assert view.cancellation.status == "ended_by_shipment"
    assert view.amount_held == eur(DUE)
    view = story.send("dispute_decision", decision="no_refund")
    assert view.amount_owed_to_seller.amount == DUE
    assert view.shipment
    assert view.shipment.status == "shipped"


def test_a_proof_in_a_dispute_is_evidence() -> None:
    """R16a: verified, added, and the dispute stays open."""
    story = Story().until_disputed()

    evidence = story.send_tracking_number("NOTREAL1")
    assert story.verdict(evidence, valid=False).status is Status.DISPUTED
    story.send("shipment_proof", **photo())
    story.send("proof_review", accepted=False)
    view = story.verdict(story.send_tracking_number(), valid=True)

    assert view.status is Status.DISPUTED
    assert story.dispute.is_open
    assert story.dispute.evidence == [
        "tracking_number NOTREAL1: invalid",
        "tracking_number 1Z5R89390357567127: valid",
        f"photo {photo()['sha256']}: rejected",
    ]
    assert story.shipment.status == "shipped"


def test_a_withdrawn_dispute_of_a_shipped_order_leaves_it_shipped() -> None:
    """R16a, R16b: dropped after good proof, the order has shipped and the seller is paid."""
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)

    view = story.send("dispute_withdrawal", note="It came")

    assert view.status is Status.SHIPPED
    assert view.amount_owed_to_seller.amount == DUE
    books_must_balance(story.order)


@pytest.mark.parametrize("proved", [True, False])
def test_an_undecided_dispute_ends_by_what_is_proved(proved: bool) -> None:
    """R16b, case 106: after 60 days, to the instant; it says beforehand for whom."""
    story = Story(shipment_window=None).until_disputed()
    story.send("shipment_proof", **photo())
    story.send("proof_review", accepted=proved)
    ends = "dispute_expired_shipped" if proved else "dispute_expired"
    assert {due.what for due in story.view.next} == {ends, "dispute_reminder"}
    story.pass_until(DECIDE_BY - INSTANT)
    assert story.order.status is Status.DISPUTED

    view = story.pass_until(DECIDE_BY)

    told = {it.what for it in story.order.notifications if it.to == "support"}
    if proved:
        assert view.close_reason is CloseReason.DISPUTE_NO_REFUND
        assert story.dispute.outcome is DisputeOutcome.SELLER_FAVOUR
        assert (view.refund, view.amount_owed_to_seller.amount) == (None, DUE)
        assert "dispute_reminder_shipped" in told
    else:
        assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
        assert story.dispute.outcome is DisputeOutcome.BUYER_FAVOUR
        assert story.refund.money == eur(DUE)
        assert "dispute_reminder_shipped" not in told
    books_must_balance(story.order)


def test_an_undecided_dispute_by_the_first_rules_ends_with_a_full_refund() -> None:
    """Though the shipment is proved: its history says so."""
    story = Story(rules=1).until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)

    assert story.pass_until(DECIDE_BY).close_reason is CloseReason.DISPUTE_FULL_REFUND


def test_an_unshipped_order_in_dispute_ends_with_the_time_to_ship() -> None:
    """R20, R16: everything goes back, and support was told by when to decide."""
    story = Story().until_disputed()

    view = story.pass_until(OPENED + 30 * DAY)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert story.dispute.outcome is DisputeOutcome.SETTLED_BY_CANCELLATION
    assert story.refund.money == eur(DUE)
    told = [
        it.details["due_by"] for it in story.order.notifications if it.what == "dispute_reminder"
    ]
    assert told == [(OPENED + 30 * DAY).isoformat()] * 4


def test_the_end_of_the_time_to_ship_comes_before_the_disputes_at_the_same_instant() -> None:
    """R20, R16b: either way all of it goes back, once."""
    story = Story(dispute_window=timedelta(days=30)).until_disputed()

    view = story.pass_until(OPENED + 30 * DAY)

    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert story.notified.count(("buyer", "order_closed")) == 1
    books_must_balance(story.order)


def test_a_decision_at_the_last_instant_counts() -> None:
    """R16b, R16: support's word before the timer's."""
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)
    story.pass_until_just_before(DECIDE_BY)

    view = story.send("dispute_decision", decision="no_refund")

    assert view.close_reason is CloseReason.DISPUTE_NO_REFUND


def test_support_is_reminded_every_week() -> None:
    """R16b, R21: eight times in 60 days, and never after the end."""
    story = Story(shipment_window=None).until_disputed()
    story.pass_until(DECIDE_BY + 90 * DAY)

    reminders = [e.at for e in story.order.timeline if e.what == "dispute_reminder"]
    assert reminders == [OPENED + 7 * DAY * n for n in range(1, 9)]
    assert story.notified.count(("support", "dispute_reminder")) == 8


def test_the_earlier_of_dispute_and_seller_deadline_decides() -> None:
    """R16b, R22: whichever deadline comes first decides."""
    story = Story(dispute_window=timedelta(days=5)).until_cancellation_requested(complaint=True)

    view = story.days_pass(5)

    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert view.cancellation
    assert view.cancellation.status == "ended_by_dispute"


def test_an_accepted_settlement_closes_the_order() -> None:
    """R16b: the seller offers an amount, the buyer accepts it; an offer replaces the one before."""
    story = Story().until_disputed()
    story.send("settlement_offer", money=eur(500))
    story.send("settlement_offer", money=eur(1000), note="Final")
    assert (
        story.must_refuse("settlement_acceptance", offer_id="offer-1").code
        is RefusalCode.UNKNOWN_OFFER
    )

    view = story.send("settlement_acceptance", offer_id="offer-2")

    assert view.close_reason is CloseReason.DISPUTE_SETTLED
    assert story.dispute.outcome is DisputeOutcome.SETTLED
    assert story.refund.money == eur(1000)
    assert view.amount_owed_to_seller.amount == DUE - 1000
    assert [offer.status for offer in view.offers] == ["lapsed", "accepted"]
    books_must_balance(story.order)


def test_a_settlement_may_be_the_whole_amount() -> None:
    """R16b: the seller gives in within a dispute."""
    story = Story().until_cancellation_requested(complaint=True)
    story.send("settlement_offer", money=eur(DUE))

    view = story.send("settlement_acceptance", offer_id="offer-1")

    assert view.amount_owed_to_seller.amount == 0
    assert story.refund.money == eur(DUE)


def test_in_a_dispute_each_of_the_three_writes_to_both_others() -> None:
    """R16: before it, support is told of nothing and writes to nobody."""
    story = Story().until_cancellation_requested()
    story.send("buyer_message", text="Hello?")
    assert story.notified[-1] == ("seller", "buyer_message")
    refused = story.must_refuse("support_message", text="Hello")
    assert str(refused) == "No dispute is open for this order."
    story.reply("refuse")
    before = len(story.notified)

    story.send("buyer_message", text="It never came.")
    story.send("seller_message", topic="other", text="It did.")
    view = story.send("support_message", text="Please send a photo.")

    assert story.notified[before:] == [
        ("seller", "buyer_message"),
        ("support", "buyer_message"),
        ("buyer", "seller_message"),
        ("support", "seller_message"),
        ("buyer", "support_message"),
        ("seller", "support_message"),
    ]
    assert [it.by for it in view.messages[-3:]] == ["buyer", "seller", "support"]
    story.send("dispute_decision", decision="full_refund")
    assert story.must_refuse("support_message", text="Bye").code is RefusalCode.ORDER_CLOSED


def test_the_buyers_evidence_stands_beside_the_sellers() -> None:
    """R16: seller and support are told, and a dispute that is opened again has it still."""
    story = Story().until_cancellation_requested(complaint=True)
    story.send("shipment_proof", **photo())

    view = story.send("dispute_evidence", **evidence("It came empty."))

    assert view.dispute
    assert view.dispute.evidence == [
        f"photo {SHA}: under_review",
        f"dispute_evidence {SHA}",
    ]
    assert [(it.note, it.given_at) for it in view.dispute.files] == [("It came empty.", story.now)]
    assert story.notified[-2:] == [("seller", "evidence_given"), ("support", "evidence_given")]
    story.send("proof_review", accepted=False)
    assert story.dispute.evidence[1] == f"dispute_evidence {SHA}"


def test_evidence_is_for_a_dispute_and_has_an_end() -> None:
    """R16: ten files at most; what was given stays when the dispute is opened again."""
    story = Story().until_cancellation_requested()
    assert str(story.must_refuse("dispute_evidence", **evidence())).startswith("No dispute is open")
    story.send("dispute_request")
    for _ in range(10):
        story.send("dispute_evidence", **evidence())

    refused = story.must_refuse("dispute_evidence", **evidence())

    assert refused.code is RefusalCode.TOO_MANY_MESSAGES
    story.send("dispute_withdrawal")
    story.send("dispute_request")
    assert len(story.dispute.files) == len(story.dispute.evidence) == 10


def test_a_declined_settlement_leaves_the_dispute_to_support() -> None:
    """R16b: its offer is over, the seller is told and may make another, which can be accepted."""
    story = Story().until_disputed()
    story.send("settlement_offer", money=eur(500))

    view = story.send("offer_decline", offer_id="offer-1")

    assert view.status is Status.DISPUTED
    assert story.dispute.is_open
    assert ("seller", "offer_declined") in story.notified
    for name in ("settlement_acceptance", "offer_decline"):
        refused = story.must_refuse(name, offer_id="offer-1")
        assert refused.code is RefusalCode.UNKNOWN_OFFER
    story.send("settlement_offer", money=eur(1000))
    view = story.send("settlement_acceptance", offer_id="offer-2")
    assert [offer.status for offer in view.offers] == ["declined", "accepted"]


def test_a_discount_cannot_be_accepted_as_a_settlement() -> None:
    """R4, R16b: an offer is accepted as what it was."""
    story = Story()
    story.send("seller_message", topic="discount", text="Less", discount=eur(100))
    story.until_disputed()
    story.send("settlement_offer", money=eur(500))

    refused = story.must_refuse("settlement_acceptance", offer_id="offer-1")
    assert refused.code is RefusalCode.UNKNOWN_OFFER


def test_a_settlement_offer_ends_with_its_dispute() -> None:
    """R16b: what was offered in a dispute that was dropped does not bind the seller in the next one."""
    story = Story().until_cancellation_requested(complaint=True)
    story.send("settlement_offer", money=eur(500))
    story.send("dispute_withdrawal")
    story.send("dispute_request")

    assert [offer.status for offer in story.view.offers] == ["lapsed"]
    refused = story.must_refuse("settlement_acceptance", offer_id="offer-1")
    assert refused.code is RefusalCode.UNKNOWN_OFFER


def test_a_withdrawn_dispute_leaves_the_request() -> None:
    """R16b, R8: beside the request, only the dispute ends."""
    story = Story().until_cancellation_requested(complaint=True)

    view = story.send("dispute_withdrawal")

    assert view.status is Status.CANCELLATION_REQUESTED
    assert story.dispute.outcome is DisputeOutcome.WITHDRAWN
    assert story.days_pass(14).close_reason is CloseReason.SELLER_NO_RESPONSE


def test_a_dispute_can_be_requested_beside_the_cancellation() -> None:
    """R12, R8: a buyer who did not complain may still do so while the request is open."""
    story = Story().until_cancellation_requested()
    story.send("dispute_request", note="Now I do")

    assert story.order.status is Status.CANCELLATION_REQUESTED
    assert story.dispute.reason is DisputeReason.BUYER_REQUEST
    assert story.dispute.dispute_id == "A-1001-dispute-1"


def test_a_complaint_and_a_failed_proof_are_one_dispute() -> None:
    """R12, R8: what is open already is not opened again."""
    story = Story().until_claimed_shipped(complaint=True)

    view = story.days_pass(14)

    assert view.status is Status.DISPUTED
    assert story.dispute.dispute_id == "A-1001-dispute-1"
    assert story.dispute.reason is DisputeReason.SELLER_COMPLAINT
    assert story.dispute.due_by == DECIDE_BY


def test_supports_reason_is_recorded() -> None:
    """R16: the note stands in the dispute and the timeline, and both sides are told it."""
    story = Story().until_disputed()
    view = story.send(
        "dispute_decision", decision="partial_refund", money=eur(700), note="Worn on arrival."
    )

    decided = next(entry for entry in view.timeline if entry.what == "dispute_decided")
    assert decided.details["note"] == story.dispute.outcome_note == "Worn on arrival."
    assert decided.details["money"] == {"amount": 700, "currency": "EUR"}
    told = [it for it in story.order.notifications if it.what == "dispute_resolved"]
    assert {it.details["note"] for it in told} == {"Worn on arrival."}


def test_an_earlier_dispute_is_kept_until_the_desk_knows_its_end() -> None:
    """R16b: dropped and opened anew before anybody filed it."""
    story = Story().until_cancellation_requested(complaint=True)
    story.send("dispute_withdrawal")
    story.send("dispute_request")

    assert [it.dispute_id for it in story.order.earlier_disputes] == ["A-1001-dispute-1"]
    assert story.dispute.dispute_id == "A-1001-dispute-2"
