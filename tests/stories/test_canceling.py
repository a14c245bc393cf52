"""Paid, and then the buyer thinks again: requests, answers, proof, shipment (R7-R11, R14, R18-R20a)."""

from datetime import timedelta

from activities.tracking import USED_FOR_ANOTHER_BUYER, NumberUse
from orders.errors import RefusalCode
from orders.status import CloseReason, Status
from tests.orders.builders import eur, photo
from tests.stories.time_skipping import GOOD_NUMBER, WRONG_NUMBER, TimeSkippingStory


async def test_an_accepted_request_closes_and_refunds_the_order(order: TimeSkippingStory) -> None:
    """R7, R9, R14: the whole amount is back within the 2 weeks, by the same method, without a fine."""
    await order.place()
    closed = await order.until_accepted()
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_refunded == eur(2490)
    assert closed.refund
    assert closed.closed_at
    assert (closed.refund.method, closed.refund.money) == ("card", eur(2490))
    assert closed.refund.due_by == closed.closed_at + timedelta(days=14)
    assert closed.cancellation
    assert (closed.cancellation.fault, closed.cancellation.fine) == ("buyer", eur(0))
    assert order.world.provider.asked_for == [closed.refund.refund_id]
    assert order.notified("buyer") == [
        ("buyer", "order_placed"),
        ("buyer", "payment_received"),
        ("buyer", "payment_accepted"),
        ("buyer", "cancellation_requested"),
        ("buyer", "order_closed"),
        ("buyer", "refund_started"),
        ("buyer", "refund_succeeded"),
    ]
    assert ("seller", "refund_succeeded") in order.notified()


async def test_a_silent_seller_counts_as_accepting(order: TimeSkippingStory) -> None:
    """R9, R21: silence closes it; the seller was reminded 7 days and 1 day before."""
    await order.place()
    asked = await order.until_cancellation_requested(reason="wont_arrive_in_time")
    await order.days_pass(14)
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.SELLER_NO_RESPONSE
    assert view.amount_refunded == eur(2490)
    assert asked.cancellation
    assert asked.cancellation.due_by
    assert view.closed_at
    assert timedelta(0) <= view.closed_at - asked.cancellation.due_by < timedelta(minutes=1)
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.fault) == ("no_response", "seller")
    assert order.notified("seller").count(("seller", "seller_reminder")) == 2


async def test_an_order_that_is_not_shipped_closes_after_30_days(order: TimeSkippingStory) -> None:
    """R20: a paid order does not wait for ever."""
    await order.place()
    await order.until_awaiting_shipment()
    await order.days_pass(30)
    await order.days_pass(3)

    view = await order.must_end()
    assert view.close_reason is CloseReason.SHIPMENT_EXPIRED
    assert view.amount_refunded == eur(2490)
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.fault) == ("by_itself", "seller")
    assert {("buyer", "order_closed"), ("buyer", "refund_succeeded")} <= set(order.notified())


async def test_without_a_shipment_window_the_order_waits(order: TimeSkippingStory) -> None:
    """R20, R22: with ``null`` it waits for ever."""
    await order.place(shipment_window=None)
    await order.until_awaiting_shipment()

    view = await order.days_pass(300)

    assert view.status is Status.AWAITING_SHIPMENT
    assert view.next == []


async def test_an_extension_gives_a_late_seller_more_time(order: TimeSkippingStory) -> None:
    """R20a: the window grows by the days given."""
    await order.place()
    await order.until_awaiting_shipment()
    await order.send("shipment_extension", days=10)
    late = await order.days_pass(35)
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert late.status is Status.AWAITING_SHIPMENT
    assert view.status is Status.SHIPPED
    assert ("seller", "shipment_extended") in order.notified()


async def test_a_shipped_order_ends_and_cannot_be_cancelled(order: TimeSkippingStory) -> None:
    """R11, R19: shipped is the end; cancelling is refused before it, and the money is the seller's."""
    await order.place()
    await order.until_awaiting_shipment()
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert view.status is Status.SHIPPED
    assert view.close_reason is None
    assert view.amount_owed_to_seller.amount == 2490
    assert view.refund is None
    button = next(a for role in view.actions.values() for a in role if a.action == "cancel_request")
    assert button.reason
    assert "return it" in button.reason
    assert order.notified()[-2:] == [("buyer", "order_shipped"), ("seller", "order_shipped")]


async def test_a_wrong_number_without_a_request_changes_nothing(order: TimeSkippingStory) -> None:
    """R11: the seller is told why, and may give a better one; a number serves one buyer only."""
    await order.place()
    other = NumberUse(order_id="other", seller_id=order.placed.seller.id, buyer_id="somebody")
    order.world.registry.used[GOOD_NUMBER] = other
    await order.until_awaiting_shipment()
    await order.send("tracking_number", number=WRONG_NUMBER)
    view = await order.send("tracking_number", number=GOOD_NUMBER)
    await order.send("tracking_number", number="RR000000015PL")

    assert view.status is Status.AWAITING_SHIPMENT
    assert view.shipment
    assert [(it.status, it.reason) for it in view.shipment.tracking] == [
        ("invalid", "The check digit is wrong."),
        ("invalid", USED_FOR_ANOTHER_BUYER),
    ]
    assert (await order.must_end()).status is Status.SHIPPED
    assert order.notified("seller").count(("seller", "tracking_invalid")) == 2


async def test_a_tracking_number_after_a_claim_ends_the_cancellation(
    order: TimeSkippingStory,
) -> None:
    """R10, R11: good proof ends the cancellation."""
    await order.place()
    claimed = await order.until_claimed_shipped()
    await order.days_pass(2)
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert claimed.status is Status.PROOF_REQUESTED
    assert claimed.cancellation
    assert [it.at for it in claimed.next if it.what == "no_proof"] == [claimed.cancellation.due_by]
    assert view.status is Status.SHIPPED
    assert view.cancellation
    assert view.cancellation.status == "ended_by_shipment"
    assert {("seller", "proof_requested"), ("buyer", "order_shipped")} <= set(order.notified())


async def test_an_accepted_photo_ends_the_cancellation(order: TimeSkippingStory) -> None:
    """R10, R11: support judges photos."""
    await order.place()
    await order.until_claimed_shipped()
    await order.send("shipment_proof", **photo())
    await order.days_pass(1)
    await order.send("proof_review", accepted=True)

    view = await order.must_end()
    assert view.status is Status.SHIPPED
    assert view.shipment
    assert [proof.status for proof in view.shipment.proofs] == ["accepted"]
    assert ("support", "proof_to_review") in order.notified()


async def test_a_withdrawn_request_returns_the_order_to_shipment(order: TimeSkippingStory) -> None:
    """R18, R20: it awaits shipment again; the days of the request don't count against the seller."""
    await order.place()
    before = await order.until_awaiting_shipment()
    await order.send("cancel_request", reason="changed_mind")
    await order.days_pass(5)
    after = await order.send("cancel_withdrawal")
    again = await order.send("cancel_request", reason="order_mistake")
    await order.send("seller_reply", decision="accept")
    await order.days_pass(3)

    view = await order.must_end()
    assert after.status is Status.AWAITING_SHIPMENT
    assert before.shipment
    assert before.shipment.ship_by
    assert after.shipment
    assert after.shipment.ship_by
    assert after.shipment.ship_by - before.shipment.ship_by >= timedelta(days=5)
    assert again.cancellation
    assert again.cancellation.reason == "order_mistake"
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert ("seller", "cancellation_withdrawn") in order.notified()


async def test_a_seller_who_claimed_may_still_give_in(order: TimeSkippingStory) -> None:
    """R9, R10: accepting closes it also after the claim; a second claim is refused."""
    await order.place()
    await order.until_claimed_shipped()
    await order.must_refuse(
        "seller_reply", RefusalCode.ALREADY_ANSWERED, decision="already_shipped"
    )
    await order.send("seller_reply", decision="accept")
    await order.days_pass(3)

    assert (await order.must_end()).close_reason is CloseReason.SELLER_ACCEPTED


async def test_a_number_that_another_seller_has_is_judged_by_support(
    order: TimeSkippingStory,
) -> None:
    """R11, case 71: no dispute by itself, and whose it is nobody else is told."""
    await order.place()
    other = NumberUse(order_id="A-strangers", seller_id="stranger", buyer_id="somebody")
    order.world.registry.used[GOOD_NUMBER] = other

    waiting = await order.until_claimed_shipped(tracking_number=GOOD_NUMBER)
    told = [it for it in order.world.outbox.messages.values() if it.what == "proof_to_review"]
    await order.send("proof_review", accepted=True)

    assert waiting.status is Status.PROOF_REQUESTED
    assert waiting.dispute is None
    assert [(it.to, it.details["other_order_id"]) for it in told] == [("support", "A-strangers")]
    assert (await order.must_end()).status is Status.SHIPPED
