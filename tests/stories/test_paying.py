"""Until it is paid: twenty days, messages, discounts, payments turned down (R1-R6)."""

from datetime import timedelta

from orders.errors import RefusalCode
from orders.messages import Role
from orders.payments import Payment
from orders.status import CloseReason, Status
from tests.orders.builders import eur
from tests.stories.time_skipping import GOOD_NUMBER, TimeSkippingStory


async def test_an_unpaid_order_expires_after_20_days(order: TimeSkippingStory) -> None:
    """R1, R3, R21: not paying is enough; the buyer is reminded 3 days and 1 day before."""
    await order.place()
    await order.days_pass(20)

    view = await order.must_end()
    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.closed_at
    assert view.closed_at - view.placed_at >= timedelta(days=20)
    assert view.amount_paid.amount == 0
    assert view.refund is None
    assert order.notified("buyer") == [
        ("buyer", "order_placed"),
        ("buyer", "payment_reminder"),
        ("buyer", "payment_reminder"),
        ("buyer", "order_closed"),
    ]
    assert order.notified("seller") == [("seller", "order_placed"), ("seller", "order_closed")]
    assert [action.action for action in view.actions[Role.BUYER] if action.available] == ["reorder"]


async def test_a_buyer_cancels_an_unpaid_order_at_once(order: TimeSkippingStory) -> None:
    """R2: at once, without the seller's consent."""
    await order.place()
    await order.days_pass(3)
    await order.signal("cancel_request", reason="found_cheaper_price")

    view = await order.must_end()
    assert view.close_reason is CloseReason.BUYER_CANCELED_UNPAID
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.fault) == ("accepted", "buyer")
    assert view.cancellation.fine.amount == 0
    assert {("buyer", "order_closed"), ("seller", "order_closed")} <= set(order.notified())


async def test_an_accepted_discount_changes_what_is_due(order: TimeSkippingStory) -> None:
    """R4, R5: what is due changes; from then on exactly that is a payment."""
    await order.place()
    await order.send("seller_message", topic="payment_question", text="Why not pay?")
    await order.send("buyer_message", text="It is cheaper elsewhere.")
    offered = await order.send(
        "seller_message", topic="discount", text="2.90 off?", discount=eur(290)
    )
    await order.send("offer_acceptance", offer_id=offered.offers[0].offer_id)
    await order.until_awaiting_shipment()
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert view.amount_due == view.amount_paid == eur(2200)
    assert view.amount_owed_to_seller.amount == 2200
    assert [it.by for it in view.messages] == ["seller", "buyer", "seller"]
    assert ("seller", "offer_accepted") in order.notified()


async def test_a_declined_payment_can_be_paid_again(order: TimeSkippingStory) -> None:
    """R6: the 20 days go on from where they started."""
    placed = await (await order.place()).view()
    await order.days_pass(5)
    payment_id = await order.pay()
    declined = await order.send("payment_declined", payment_id=payment_id, reason="stolen")
    assert declined.status is Status.AWAITING_PAYMENT
    assert [it.at for it in declined.next if it.what == "payment_expired"] == [
        placed.placed_at + timedelta(days=20)
    ]
    await order.until_awaiting_shipment()
    await order.send("tracking_number", number=GOOD_NUMBER)

    view = await order.must_end()
    assert view.status is Status.SHIPPED
    assert view.amount_paid == eur(2490)
    assert ("buyer", "payment_declined") in order.notified()


async def test_a_declined_payment_does_not_extend_the_20_days(
    order: TimeSkippingStory,
) -> None:
    """R1, R6: a declined payment buys no time."""
    await order.place()
    await order.days_pass(18)
    payment_id = await order.pay()
    await order.send("payment_declined", payment_id=payment_id, reason="stolen")
    await order.days_pass(2)

    view = await order.must_end()
    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.closed_at
    assert view.closed_at - view.placed_at < timedelta(days=20, minutes=1)
    assert view.amount_paid.amount == 0


async def test_a_cancellation_during_the_check_is_refused_until_it_ends(
    order: TimeSkippingStory,
) -> None:
    """R5, case 5: the button is there, inactive, with the instant at which it becomes active."""
    await order.place()
    await order.pay()
    paid = await order.view()
    assert isinstance(paid.payment, Payment)
    refused = await order.must_refuse(
        "cancel_request", RefusalCode.PAYMENT_REVIEW_IN_PROGRESS, reason="changed_mind"
    )
    button = next(a for a in paid.actions[Role.BUYER] if a.action == "cancel_request")
    assert not button.available
    assert button.available_from == paid.payment.review_ends_at
    await order.days_pass(1)

    view = await order.send("cancel_request", reason="changed_mind")
    assert refused.available_from == paid.payment.review_ends_at
    assert view.status is Status.CANCELLATION_REQUESTED
    assert view.refused == []
