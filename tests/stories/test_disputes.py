"""Disputes: their grounds, and every way in which they end (R8, R12, R13, R16-R16b)."""

from orders.disputes import DisputeOutcome, DisputeReason
from orders.errors import RefusalCode
from orders.status import CloseReason, Status
from tests.orders.builders import eur, photo
from tests.stories.time_skipping import GOOD_NUMBER, WRONG_NUMBER, TimeSkippingStory, half

EVERYONE = ("buyer", "seller", "support")


async def test_a_dispute_ends_with_a_full_refund(order: TimeSkippingStory) -> None:
    """R13, R16: the seller refuses, and support gives it all back."""
    await order.place()
    disputed = await order.until_disputed()
    await order.days_pass(6)
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)

    view = await order.must_end()
    assert disputed.status is Status.DISPUTED
    assert disputed.dispute
    assert disputed.dispute.reason is DisputeReason.SELLER_REFUSED
    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert view.amount_refunded == eur(2490)
    assert view.dispute
    assert view.dispute.outcome is DisputeOutcome.BUYER_FAVOUR
    for what in ("dispute_opened", "dispute_resolved"):
        assert {(who, what) for who in EVERYONE} <= set(order.notified())
    assert {("buyer", "order_closed"), ("seller", "order_closed")} <= set(order.notified())


async def test_a_dispute_ends_with_a_partial_refund(order: TimeSkippingStory) -> None:
    """R16: the amount goes back, the rest is the seller's."""
    await order.place()
    await order.until_disputed()
    await order.send("dispute_decision", decision="partial_refund", money=half())
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.DISPUTE_PARTIAL_REFUND
    assert (view.amount_refunded, view.amount_owed_to_seller.amount) == (half(), 1245)
    assert ("buyer", "refund_succeeded") in order.notified()


async def test_a_dispute_ends_without_a_refund(order: TimeSkippingStory) -> None:
    """R16a: goods that shipped leave the money to the seller, and nothing is left to wait for."""
    await order.place()
    await order.until_disputed()
    await order.send("tracking_number", number=GOOD_NUMBER)
    await order.until(lambda view: bool(view.shipment and view.shipment.is_shipped))
    await order.send("dispute_decision", decision="no_refund")

    view = await order.must_end()
    assert view.close_reason is CloseReason.DISPUTE_NO_REFUND
    assert (view.refund, view.amount_owed_to_seller.amount) == (None, 2490)
    assert order.world.provider.asked_for == []
    assert {("buyer", "order_closed"), ("seller", "order_closed")} <= set(order.notified())


async def test_a_dispute_ends_with_a_settlement(order: TimeSkippingStory) -> None:
    """R16b: the seller offers an amount, the buyer accepts it; a newer offer replaces an older one."""
    await order.place()
    await order.until_disputed()
    await order.send("settlement_offer", money=eur(100))
    offered = await order.send("settlement_offer", money=half())
    await order.must_refuse(
        "settlement_acceptance", RefusalCode.UNKNOWN_OFFER, offer_id=offered.offers[0].offer_id
    )
    await order.send("settlement_acceptance", offer_id=offered.offers[1].offer_id)
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.DISPUTE_SETTLED
    assert (view.amount_refunded, view.amount_owed_to_seller.amount) == (half(), 1245)
    assert view.dispute
    assert view.dispute.outcome is DisputeOutcome.SETTLED
    assert ("buyer", "settlement_offered") in order.notified()


async def test_a_lost_chargeback_closes_the_order(order: TimeSkippingStory) -> None:
    """R23: the bank took the money back, so nothing is refunded."""
    await order.place()
    paid = await order.until_awaiting_shipment()
    assert paid.payment
    bank = {"payment_id": paid.payment.payment_id, "money": eur(2490)}
    await order.send("chargeback", status="opened", **bank)
    await order.days_pass(10)
    await order.send("chargeback", status="lost", **bank)

    view = await order.must_end()
    assert view.close_reason is CloseReason.CHARGED_BACK
    assert (view.amount_charged_back, view.amount_refunded) == (eur(2490), eur(0))
    assert order.world.provider.asked_for == []
    assert {("support", "chargeback_opened"), ("buyer", "order_closed")} <= set(order.notified())


async def test_a_chargeback_during_a_refund_pays_once(order: TimeSkippingStory) -> None:
    """R23, case 27: the refund is stopped; won by the seller, it starts again."""
    await order.place()
    closed = await order.until_accepted()
    assert closed.payment
    bank = {"payment_id": closed.payment.payment_id, "money": eur(2490)}
    await order.days_pass(1)
    await order.send("chargeback", status="opened", **bank)
    stopped = await order.until(lambda view: view.refund is None)
    await order.days_pass(20)
    await order.send("chargeback", status="won", **bank)
    await order.days_pass(8)

    view = await order.must_end()
    assert stopped.amount_held.amount + stopped.amount_owed_to_seller.amount == 0
    assert (view.amount_charged_back, view.amount_refunded) == (eur(0), eur(2490))
    assert len(order.world.provider.stopped) == 1
    assert len(set(order.world.provider.asked_for)) == 2


async def test_a_complaint_opens_a_dispute_beside_the_request(order: TimeSkippingStory) -> None:
    """R8, R16: both run; the seller's consent, which comes first, settles the dispute too."""
    await order.place()
    asked = await order.until_cancellation_requested(
        reason="distrust_seller", complaint=True, note="New name"
    )
    await order.days_pass(2)
    await order.send("seller_reply", decision="accept")
    await order.days_pass(3)

    view = await order.must_end()
    assert asked.status is Status.CANCELLATION_REQUESTED
    assert asked.dispute
    assert asked.dispute.reason is DisputeReason.SELLER_COMPLAINT
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.dispute
    assert view.dispute.outcome is DisputeOutcome.SETTLED_BY_CANCELLATION
    cases = order.world.dispute_cases.cases(view.order_id)
    assert [case.status for case in cases.values()] == ["resolved"]


async def test_a_decision_settles_the_request_beside_it(order: TimeSkippingStory) -> None:
    """R16: the dispute ends the order first."""
    await order.place()
    await order.until_cancellation_requested(complaint=True)
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert view.cancellation
    assert view.cancellation.status == "ended_by_dispute"


async def test_a_wrong_tracking_number_opens_a_dispute(order: TimeSkippingStory) -> None:
    """R11, R12: a wrong number is ground; a right one given in the dispute is evidence (R16a)."""
    await order.place()
    disputed = await order.until_claimed_shipped(tracking_number=WRONG_NUMBER)
    await order.send("tracking_number", number=GOOD_NUMBER)
    evidence = await order.until(lambda view: bool(view.shipment and view.shipment.is_shipped))
    await order.send("dispute_decision", decision="no_refund")

    assert disputed.status is evidence.status is Status.DISPUTED
    assert disputed.dispute
    assert disputed.dispute.reason is DisputeReason.INVALID_TRACKING
    assert evidence.dispute
    assert evidence.dispute.evidence[-1] == f"tracking_number {GOOD_NUMBER}: valid"
    assert (await order.must_end()).close_reason is CloseReason.DISPUTE_NO_REFUND


async def test_a_number_that_the_carrier_does_not_know_opens_a_dispute(
    order: TimeSkippingStory,
) -> None:
    """R11: where a carrier service is configured, it is asked."""
    order.world.carrier.unknown.add(GOOD_NUMBER)
    await order.place()

    view = await order.until_claimed_shipped(tracking_number=GOOD_NUMBER)

    assert view.status is Status.DISPUTED
    assert view.dispute
    assert view.dispute.reason is DisputeReason.INVALID_TRACKING


async def test_a_missing_proof_opens_a_dispute_after_14_days(order: TimeSkippingStory) -> None:
    """R10, R12: claiming buys the seller no extra time."""
    await order.place()
    await order.until_cancellation_requested()
    await order.days_pass(10)
    await order.send("seller_reply", decision="already_shipped")
    view = await order.days_pass(4)

    assert view.status is Status.DISPUTED
    assert view.dispute
    assert view.dispute.reason is DisputeReason.NO_PROOF
    assert order.notified("seller").count(("seller", "seller_reminder")) == 2


async def test_a_rejected_proof_opens_a_dispute(order: TimeSkippingStory) -> None:
    """R12: support rejects the photo."""
    await order.place()
    await order.until_claimed_shipped()
    await order.send("shipment_proof", **photo())

    view = await order.send("proof_review", accepted=False, note="It shows a cat.")

    assert view.status is Status.DISPUTED
    assert view.dispute
    assert view.dispute.reason is DisputeReason.PROOF_REJECTED


async def test_the_offer_policy_leaves_the_dispute_to_the_buyer(order: TimeSkippingStory) -> None:
    """R12: with policy ``offer`` it is an action of the buyer's."""
    await order.place(dispute_on_failed_proof="offer")
    refused = await order.until_disputed()
    opened = await order.send("dispute_request", note="I want my money back.")
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)

    assert refused.status is Status.AWAITING_SHIPMENT
    assert refused.dispute is None
    assert opened.dispute
    assert opened.dispute.reason is DisputeReason.SELLER_REFUSED
    assert (await order.must_end()).close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert ("buyer", "dispute_offered") in order.notified()


async def test_after_a_withdrawn_dispute_the_order_can_ship(order: TimeSkippingStory) -> None:
    """R16b: the buyer drops it; the order awaits shipment, and ships."""
    await order.place()
    await order.until_disputed()
    dropped = await order.send("dispute_withdrawal")
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert dropped.status is Status.AWAITING_SHIPMENT
    assert view.status is Status.SHIPPED
    assert view.dispute
    assert view.dispute.outcome is DisputeOutcome.WITHDRAWN


async def test_a_dispute_outlives_good_proof(order: TimeSkippingStory) -> None:
    """R16a: shipped, yet disputed until it is decided or dropped."""
    await order.place()
    await order.until_cancellation_requested(complaint=True)
    shipped = await order.send("tracking_number", number=GOOD_NUMBER)
    await order.send("dispute_withdrawal")

    assert shipped.status is Status.DISPUTED
    assert shipped.shipment
    assert shipped.shipment.status == "shipped"
    assert (await order.must_end()).status is Status.SHIPPED


async def test_an_undecided_dispute_is_refunded_after_60_days(order: TimeSkippingStory) -> None:
    """R16b: support is reminded every 7 days, and its silence ends with a full refund."""
    await order.place(shipment_window=None)
    await order.until_disputed()
    await order.days_pass(60)
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.DISPUTE_FULL_REFUND
    assert view.amount_refunded == eur(2490)
    assert order.notified("support").count(("support", "dispute_reminder")) == 8
