"""The cancellation request, its answer and its proof: R7-R13, R18."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from orders.disputes import DisputeOutcome, DisputeReason
from orders.errors import RefusalCode
from orders.messages import CancelReason, Role
from orders.status import CloseReason, Status
from tests.orders.builders import DUE, START, Story, books_must_balance, eur, photo

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
ASKED = START + DAY
ANSWER_BY = ASKED + 14 * DAY


def test_cancellation_is_requested_only_before_shipping() -> None:
    """R7: not during the check, not once shipped; the request keeps its reason and its complaint."""
    story = Story()
    story.pay()
    story.must_refuse("cancel_request", reason="other")
    story.days_pass(1)

    view = story.send("cancel_request", reason="address_issues", note="Wrong street")

    assert view.status is Status.CANCELLATION_REQUESTED
    assert view.cancellation
    assert view.cancellation.reason is CancelReason.ADDRESS_ISSUES
    assert view.cancellation.note == "Wrong street"
    assert view.cancellation.complaint is False
    assert view.cancellation.due_by == ANSWER_BY
    assert view.dispute is None


def test_a_complaint_opens_a_dispute_beside_the_request() -> None:
    """R8: at once; both run."""
    view = Story().until_cancellation_requested(complaint=True, note="Rude").view

    assert view.status is Status.CANCELLATION_REQUESTED
    assert view.dispute
    assert view.dispute.status == "open"
    assert view.dispute.reason is DisputeReason.SELLER_COMPLAINT
    assert view.dispute.note == "Rude"
    assert {due.what for due in view.next} >= {"seller_no_response", "dispute_expired"}


def test_a_second_request_is_refused() -> None:
    """R7, case 8: one request, one deadline; the same message id again changes nothing."""
    story = Story().until_awaiting_shipment()
    story.send("cancel_request", reason="other", message_id="click-1")
    story.days_pass(2)

    story.must_ignore("cancel_request", reason="other", message_id="click-1")
    refused = story.must_refuse("cancel_request", reason="other", message_id="click-2")

    assert refused.code is RefusalCode.CANCELLATION_EXISTS
    assert story.cancellation.due_by == ANSWER_BY


def test_an_accepted_request_closes_the_order() -> None:
    """R9: the order closes and the money goes back."""
    story = Story().until_cancellation_requested()
    story.days_pass(3)
    view = story.reply("accept", note="Sorry")

    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.cancellation
    assert view.cancellation.status == "accepted"
    assert view.cancellation.answer_note == "Sorry"
    assert view.cancellation.answered_at == view.closed_at == story.now
    assert view.refund
    assert view.refund.money == eur(DUE)


def test_a_silent_seller_counts_as_accepting() -> None:
    """R9: silence closes after 14 days, to the instant."""
    story = Story().until_cancellation_requested()
    story.pass_until(ANSWER_BY - INSTANT)
    assert story.order.status is Status.CANCELLATION_REQUESTED

    view = story.pass_until(ANSWER_BY)

    assert view.close_reason is CloseReason.SELLER_NO_RESPONSE
    assert view.closed_at == ANSWER_BY
    assert view.cancellation
    assert view.cancellation.status == "no_response"
    assert view.refund


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        ("accept", Status.CLOSED),
        ("refuse", Status.DISPUTED),
        ("already_shipped", Status.DISPUTED),
    ],
)
def test_an_answer_at_the_last_instant_counts(decision: str, status: Status) -> None:
    """R9, case 7: before the timer; a claim without proof is then out of time at once (R10)."""
    story = Story().until_cancellation_requested()
    story.pass_until_just_before(ANSWER_BY)

    view = story.reply(decision)

    assert view.status is status
    assert view.close_reason is not CloseReason.SELLER_NO_RESPONSE
    if decision == "already_shipped":
        assert story.dispute.reason is DisputeReason.NO_PROOF


def test_an_answer_after_the_timer_is_refused() -> None:
    """R9, case 7: a second after the 14 days the order is closed."""
    story = Story().until_cancellation_requested()
    story.pass_until(ANSWER_BY)

    refused = story.must_refuse("seller_reply", decision="accept")

    assert refused.code is RefusalCode.ORDER_CLOSED


def test_claiming_shipment_buys_no_time() -> None:
    """R10: proof is asked for at once, and the 14 days run on."""
    story = Story().until_cancellation_requested()
    story.days_pass(13)

    view = story.reply("already_shipped")

    assert view.status is Status.PROOF_REQUESTED
    assert ("seller", "proof_requested") in story.notified
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.due_by) == ("shipment_claimed", ANSWER_BY)
    assert next(d.at for d in view.next if d.what == "no_proof") == ANSWER_BY
    assert story.pass_until(ANSWER_BY).status is Status.DISPUTED


def test_a_claim_with_a_number_is_verified_at_once() -> None:
    """R10, R11: the number may come with the claim."""
    story = Story().until_cancellation_requested()
    view = story.reply("already_shipped", tracking_number="1Z5R89390357567127")

    assert view.status is Status.PROOF_REQUESTED
    assert view.shipment
    assert [e.status for e in view.shipment.tracking] == ["verifying"]
    assert view.shipment.status == "under_verification"


@pytest.mark.parametrize("name", ["tracking_number", "shipment_proof"])
def test_a_proof_sent_without_a_reply_claims_shipment(name: str) -> None:
    """R10: a number or a photo in answer to the request claims shipment."""
    story = Story().until_cancellation_requested()
    fields = {"number": "1Z5R89390357567127"} if name == "tracking_number" else photo()

    view = story.send(name, **fields)

    assert view.status is Status.PROOF_REQUESTED
    assert story.cancellation.status == "shipment_claimed"
    assert story.cancellation.answered_at == story.now


def test_a_good_number_ends_the_cancellation() -> None:
    """R11: the order counts as shipped, and the money is the seller's."""
    story = Story().until_claimed_shipped()
    view = story.verdict(story.send_tracking_number(), valid=True)

    assert view.status is Status.SHIPPED
    assert view.close_reason is None
    assert view.cancellation
    assert view.cancellation.status == "ended_by_shipment"
    assert view.shipment
    assert view.shipment.shipped_at == story.now
    assert view.amount_owed_to_seller.amount == DUE
    assert (view.amount_held, view.refund, view.next) == (eur(0), None, [])
    books_must_balance(story.order)


def test_support_judges_a_photo() -> None:
    """R11: accepted, it counts as shipped."""
    story = Story().until_claimed_shipped()
    story.send("shipment_proof", **photo())
    assert ("support", "proof_to_review") in story.notified

    view = story.send("proof_review", accepted=True, note="Readable")

    assert view.status is Status.SHIPPED
    assert story.shipment.proofs[0].status == "accepted"


def test_a_repeated_verdict_changes_nothing() -> None:
    """R11: a number is judged once, also when the verifier says it again."""
    story = Story().until_claimed_shipped()
    evidence = story.send_tracking_number()
    story.verdict(evidence, valid=True)
    before = story.order.model_dump()

    story.verdict(evidence, valid=False)

    assert story.order.model_dump() == before


def test_a_verdict_after_closing_moves_no_money() -> None:
    """R11, R9: the seller gave in while the carrier was still being asked."""
    story = Story().until_claimed_shipped()
    evidence = story.send_tracking_number()
    story.reply("accept")

    view = story.verdict(evidence, valid=True)

    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.refund
    assert view.shipment
    assert view.shipment.status == "expired"


@pytest.mark.parametrize("policy", ["open", "offer"])
@pytest.mark.parametrize("failure", ["invalid_tracking", "proof_rejected", "no_proof"])
@pytest.mark.timeout(20)
def test_a_failed_proof_is_ground_for_a_dispute(failure: str, policy: str) -> None:
    """R12: opened by itself, or offered; and at the end of the 14 days the request is over."""
    story = Story(dispute_on_failed_proof=policy).until_claimed_shipped()
    if failure == "invalid_tracking":
        story.verdict(story.send_tracking_number(), valid=False)
    elif failure == "proof_rejected":
        story.send("shipment_proof", **photo())
        story.send("proof_review", accepted=False, note="Blurred")

    if policy == "offer":
        if failure != "no_proof":
            assert story.order.status is Status.PROOF_REQUESTED
            assert ("buyer", "dispute_offered") in story.notified
        view = story.pass_until(ANSWER_BY)
        assert view.status is Status.AWAITING_SHIPMENT
        assert view.cancellation
        assert view.cancellation.status == "refused"
        view = story.send("dispute_request", note="No proof")
    else:
        view = story.pass_until(ANSWER_BY)
    assert view.status is Status.DISPUTED
    assert story.dispute.reason is DisputeReason(failure)


_UNJUDGED: dict[str, Callable[[Story], object]] = {
    "photo": lambda story: story.send("shipment_proof", **photo()),
    "number": lambda story: story.send_tracking_number(),
    "unknown number": lambda story: story.verdict(story.send_tracking_number(), valid=None),
}


@pytest.mark.parametrize("complaint", [True, False])
@pytest.mark.parametrize("give", _UNJUDGED.values(), ids=_UNJUDGED)
def test_evidence_given_before_the_request_is_the_sellers_answer(
    give: Callable[[Story], object], complaint: bool
) -> None:
    """R9, R10: proof is asked for at once, and one letter says so."""
    story = Story().until_awaiting_shipment()
    give(story)

    view = story.send("cancel_request", reason="other", complaint=complaint)

    assert view.status is Status.PROOF_REQUESTED
    assert (story.cancellation.status, story.cancellation.answered_at) == (
        "shipment_claimed",
        story.now,
    )
    assert ("no_proof", ANSWER_BY) in [(due.what, due.at) for due in view.next]
    assert (view.dispute is not None) == complaint
    told = {what for role, what in story.notified if role == "seller"}
    assert "cancellation_requested_after_proof" in told
    assert not told & {"cancellation_requested", "proof_requested"}
    assert story.must_refuse("cancel_withdrawal").code is RefusalCode.ALREADY_ANSWERED
    assert story.days_pass(14).status is Status.DISPUTED


@pytest.mark.parametrize("valid", [True, False])
def test_a_verdict_on_evidence_given_before_the_request_decides_it(valid: bool) -> None:
    """R9, R11, R12: as if it had been given after."""
    story = Story().until_awaiting_shipment()
    evidence = story.send_tracking_number()
    story.send("cancel_request", reason="other")

    view = story.verdict(evidence, valid=valid)

    assert view.status is (Status.SHIPPED if valid else Status.DISPUTED)


def test_evidence_that_was_judged_before_the_request_is_no_answer() -> None:
    """R9: a wrong number says nothing of what the seller will answer."""
    story = Story().until_awaiting_shipment()
    story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)

    story.send("cancel_request", reason="other")

    assert story.order.status is Status.CANCELLATION_REQUESTED
    first = Story(rules=1).until_awaiting_shipment()
    first.send("shipment_proof", **photo())
    first.send("cancel_request", reason="other")
    assert first.order.status is Status.CANCELLATION_REQUESTED


_DISPUTED: dict[str, Callable[[Story], object]] = {
    "refused": lambda story: story.reply("refuse"),
    "wrong number": lambda story: story.verdict(
        story.send_tracking_number("NOTREAL1"), valid=False
    ),
    "silence": lambda story: (story.reply("already_shipped"), story.days_pass(14)),
}


@pytest.mark.parametrize("dispute", _DISPUTED.values(), ids=_DISPUTED)
def test_the_seller_may_accept_while_a_dispute_is_open(dispute: Callable[[Story], object]) -> None:
    """R9, R16, case 108: closed, refunded, and the dispute is settled by it."""
    story = Story().until_cancellation_requested()
    dispute(story)
    assert story.order.status is Status.DISPUTED
    actions = {a.action: a for a in story.view.actions[Role.SELLER]}
    assert actions["seller_reply"].available
    for decision in ("refuse", "already_shipped"):
        refused = story.must_refuse("seller_reply", decision=decision)
        assert refused.code is RefusalCode.ALREADY_ANSWERED

    view = story.reply("accept", note="You are right.")

    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert story.refund.money == eur(DUE)
    assert (story.cancellation.status, story.cancellation.ended_at) == ("accepted", story.now)
    assert story.dispute.outcome is DisputeOutcome.SETTLED_BY_CANCELLATION
    books_must_balance(story.order)


def test_goods_that_have_shipped_are_not_cancelled_by_accepting() -> None:
    """R9, R19: support decides the dispute about them."""
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)

    refused = story.must_refuse("seller_reply", decision="accept")

    assert refused.code is RefusalCode.ORDER_SHIPPED
    first = Story(rules=1).until_disputed()
    refused = first.must_refuse("seller_reply", decision="accept")
    assert refused.code is RefusalCode.ALREADY_ANSWERED


@pytest.mark.parametrize("ground_of", ["this request", "an earlier one"])
def test_an_offered_dispute_that_is_taken_up_ends_the_request(ground_of: str) -> None:
    """R12: it is the one that policy ``open`` would have opened."""
    story = Story(dispute_on_failed_proof="offer").until_cancellation_requested()
    if ground_of == "this request":
        story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)
        reason = DisputeReason.INVALID_TRACKING
    else:
        story.reply("refuse")
        story.send("cancel_request", reason="other")
        reason = DisputeReason.SELLER_REFUSED

    view = story.send("dispute_request", note="Taken up")

    assert view.status is Status.DISPUTED
    assert (story.dispute.reason, story.dispute.note) == (reason, "Taken up")
    assert (story.cancellation.status, story.cancellation.ended_at) == ("refused", story.now)
    assert {d.what for d in view.next} <= {
        "dispute_expired",
        "dispute_reminder",
        "shipment_expired",
        "shipment_reminder",
    }
    refused = story.must_refuse("cancel_withdrawal")
    assert "proved" not in refused.reason


def test_a_dispute_without_a_ground_runs_beside_the_request() -> None:
    """R12: the seller still has time. By the first rules an offered one did, too."""
    story = Story(dispute_on_failed_proof="offer").until_claimed_shipped()
    assert story.send("dispute_request").status is Status.PROOF_REQUESTED

    first = Story(rules=1, dispute_on_failed_proof="offer").until_claimed_shipped()
    first.verdict(first.send_tracking_number("NOTREAL1"), valid=False)
    assert first.send("dispute_request").status is Status.PROOF_REQUESTED


def test_a_better_proof_replaces_a_wrong_number() -> None:
    """R12, policy offer: the 14 days run on, and the seller may bring better proof."""
    story = Story(dispute_on_failed_proof="offer").until_claimed_shipped()
    story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)

    view = story.verdict(story.send_tracking_number(), valid=True)

    assert view.status is Status.SHIPPED
    assert story.order.ground is None


def test_an_offered_dispute_is_an_action_of_the_buyer() -> None:
    """R12: available from the failure on, and not before there is a ground."""
    story = Story(dispute_on_failed_proof="offer").until_awaiting_shipment()
    refused = story.must_refuse("dispute_request")
    assert refused.code is RefusalCode.NOT_IN_THIS_STATUS

    story.send("cancel_request", reason="other")
    story.reply("refuse")

    assert story.order.status is Status.AWAITING_SHIPMENT
    actions = {a.action: a.available for a in next(iter(story.view.actions.values()))}
    assert actions["dispute_request"]


@pytest.mark.timeout(20)
def test_the_ground_of_an_earlier_request_does_not_carry_over() -> None:
    """R12: a second request that gets no proof says so, whatever became of the first."""
    story = Story(dispute_on_failed_proof="offer").until_claimed_shipped()
    story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)
    story.pass_until(ANSWER_BY)
    story.send("cancel_request", reason="other")
    story.reply("already_shipped")

    story.days_pass(14)

    assert story.order.status is Status.AWAITING_SHIPMENT
    assert story.order.ground is DisputeReason.NO_PROOF


def test_a_proof_before_the_last_instant_counts() -> None:
    """R12, case 6: the carrier's verdict at the deadline's instant comes before its timer."""
    story = Story().until_claimed_shipped()
    evidence = story.send_tracking_number()
    story.pass_until_just_before(ANSWER_BY)

    assert story.verdict(evidence, valid=True).status is Status.SHIPPED


def test_a_refusal_without_a_claim_is_ground_for_a_dispute() -> None:
    """R13: opened by itself, or offered."""
    story = Story().until_cancellation_requested()
    assert story.reply("refuse", note="No").status is Status.DISPUTED
    assert story.dispute.reason is DisputeReason.SELLER_REFUSED
    assert ("buyer", "cancellation_refused") in story.notified

    offered = Story(dispute_on_failed_proof="offer").until_cancellation_requested()
    assert offered.reply("refuse").status is Status.AWAITING_SHIPMENT
    offered.send("dispute_request")
    assert offered.dispute.reason is DisputeReason.SELLER_REFUSED


def test_a_withdrawn_request_returns_the_order_to_shipment() -> None:
    """R18: the order awaits shipment again; a dispute that came with the request goes with it."""
    story = Story().until_cancellation_requested(complaint=True)
    story.days_pass(2)

    view = story.send("cancel_withdrawal")

    assert view.status is Status.AWAITING_SHIPMENT
    assert view.cancellation
    assert view.cancellation.status == "withdrawn"
    assert story.dispute.outcome is DisputeOutcome.WITHDRAWN
    assert {due.what for due in view.next} == {"shipment_expired", "shipment_reminder"}
    story.send("cancel_request", reason="other")


def test_an_answered_request_cannot_be_withdrawn() -> None:
    """R18, case 12: one of withdrawal and answer, and the other is told."""
    claimed = Story().until_claimed_shipped()
    assert claimed.must_refuse("cancel_withdrawal").code is RefusalCode.ALREADY_ANSWERED
    accepted = Story().until_accepted()
    assert accepted.must_refuse("cancel_withdrawal").code is RefusalCode.ORDER_CLOSED

    withdrawn = Story().until_cancellation_requested()
    withdrawn.send("cancel_withdrawal")
    refused = withdrawn.must_refuse("seller_reply", decision="accept")
    assert refused.code is RefusalCode.NOT_IN_THIS_STATUS


@pytest.mark.parametrize("how", ["refuse", "silence", "wrong number", "rejected photo"])
def test_everyone_is_notified_that_a_request_beside_a_dispute_has_ended(how: str) -> None:
    """R12, R13, R21: the dispute was open already; the step itself is still told and seen."""
    story = Story(dispute_reminder=timedelta(days=50)).until_cancellation_requested(complaint=True)
    before = story.order.revision
    match how:
        case "refuse":
            story.reply("refuse")
        case "silence":
            story.reply("already_shipped")
            story.days_pass(13.9)
            before = story.order.revision
            story.days_pass(1)
        case "wrong number":
            story.reply("already_shipped")
            story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)
        case _:
            story.send("shipment_proof", **photo())
            story.send("proof_review", accepted=False, note="Blurred")

    assert story.order.status is Status.DISPUTED
    assert story.order.revision > before
    assert "cancellation_ended" in story.happened
    assert {("buyer", "cancellation_ended"), ("seller", "cancellation_ended")} <= set(
        story.notified
    )


def test_an_offered_dispute_is_shown_and_the_seller_is_notified_that_the_request_has_ended() -> (
    None
):
    """R12, R21: policy ``offer`` puts the order back, and both are told."""
    story = Story(dispute_on_failed_proof="offer").until_claimed_shipped()
    story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)
    assert story.happened.count("dispute_offered") == 1

    story.days_pass(14)

    assert story.order.status is Status.AWAITING_SHIPMENT
    assert ("seller", "cancellation_ended") in story.notified
    assert story.notified.count(("buyer", "dispute_offered")) == 1


def test_a_request_ended_by_shipment_counts_as_unanswered() -> None:
    """R9, R16a: the sentence says what ended it, by the first rules."""
    story = Story(rules=1).until_awaiting_shipment()
    evidence = story.send_tracking_number()
    story.send("cancel_request", reason="other", complaint=True)
    story.verdict(evidence, valid=True)

    refused = story.must_refuse("cancel_withdrawal")

    assert refused.code is RefusalCode.NOT_IN_THIS_STATUS
    assert "the shipment is proved" in refused.reason


def test_evidence_that_still_waits_is_shown() -> None:
    """R11: one failed number leaves the photo that waits for support."""
    story = Story(dispute_on_failed_proof="offer").until_claimed_shipped()
    story.send("shipment_proof", **photo())
    story.verdict(story.send_tracking_number("NOTREAL1"), valid=False)
    assert story.shipment.status == "under_verification"

    story.verdict(story.send_tracking_number(), valid=True)

    assert story.order.status is Status.SHIPPED
    assert story.shipment.proofs[0].status == "lapsed"


def test_the_timeline_gives_the_role_of_each_actor() -> None:
    """R25: buyer, seller and provider act; what a deadline does, the system does."""
    story = Story().until_awaiting_shipment()
    story.send("cancel_request", reason="other")
    story.days_pass(14)

    assert {entry.what: entry.by.value for entry in story.order.timeline} == {
        "placed": "buyer",
        "payment_received": "provider",
        "payment_accepted": "system",
        "cancellation_requested": "buyer",
        "seller_reminder": "system",
        "closed": "system",
        "refund_started": "system",
    }
