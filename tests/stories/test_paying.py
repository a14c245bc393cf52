"""Until it is paid: twenty days, messages, discounts, payments turned down (R1-R6)."""

from datetime import timedelta

from orders.messages import Role
from orders.status import CloseReason, Status
from tests.orders.builders import eur
from tests.stories.tale import GOOD_NUMBER, Tale


async def test_payment_expired(order: Tale) -> None:
    """R1, R3, R21: not paying is enough; the buyer is reminded 3 days and 1 day before."""
    await order.begins()
    await order.days(20)

    view = await order.ends()
    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.closed_at
    assert view.closed_at - view.placed_at >= timedelta(days=20)
    assert view.amount_paid.amount == 0
    assert view.refund is None
    assert order.told("buyer") == [
        ("buyer", "order_placed"),
        ("buyer", "payment_reminder"),
        ("buyer", "payment_reminder"),
        ("buyer", "order_closed"),
    ]
    assert order.told("seller") == [("seller", "order_placed"), ("seller", "order_closed")]
    assert [action.action for action in view.actions[Role.BUYER] if action.available] == ["reorder"]


async def test_buyer_canceled_unpaid(order: Tale) -> None:
    """R2: at once, without the seller's consent."""
    await order.begins()
    await order.days(3)
    await order.signals("cancel_request", reason="found_cheaper_price")

    view = await order.ends()
    assert view.close_reason is CloseReason.BUYER_CANCELED_UNPAID
    assert view.cancellation
    assert (view.cancellation.status, view.cancellation.fault) == ("accepted", "buyer")
    assert view.cancellation.fine.amount == 0
    assert {("buyer", "order_closed"), ("seller", "order_closed")} <= set(order.told())


async def test_discount_accepted(order: Tale) -> None:
    """R4, R5: what is due changes; from then on exactly that is a payment."""
    await order.begins()
    await order.tells("seller_message", topic="payment_question", text="Why not pay?")
    await order.tells("buyer_message", text="It is cheaper elsewhere.")
    offered = await order.tells(
        "seller_message", topic="discount", text="2.90 off?", discount=eur(290)
    )
    await order.tells("offer_acceptance", offer_id=offered.offers[0].offer_id)
    await order.awaits_shipment()
    await order.tells("tracking_number", number=GOOD_NUMBER)

    view = await order.ends()
    assert view.amount_due == view.amount_paid == eur(2200)
    assert view.amount_owed_to_seller.amount == 2200
    assert [it.by for it in view.messages] == ["seller", "buyer", "seller"]
    assert ("seller", "offer_accepted") in order.told()


async def test_declined_then_paid_again(order: Tale) -> None:
    """R6: the 20 days go on from where they started."""
    placed = await (await order.begins()).view()
    await order.days(5)
    paid = await order.is_paid()
    assert paid.payment
    declined = await order.tells(
        "payment_declined", payment_id=paid.payment.payment_id, reason="stolen"
    )
    assert declined.status is Status.AWAITING_PAYMENT
    assert [it.at for it in declined.next if it.what == "payment_expired"] == [
        placed.placed_at + timedelta(days=20)
    ]
    await order.awaits_shipment()
    await order.tells("tracking_number", number=GOOD_NUMBER)

    view = await order.ends()
    assert view.status is Status.SHIPPED
    assert view.amount_paid == eur(2490)
    assert ("buyer", "payment_declined") in order.told()


async def test_declined_and_never_paid_expires_on_the_first_day_20(order: Tale) -> None:
    """R1, R6: a declined payment buys no time."""
    await order.begins()
    await order.days(18)
    paid = await order.is_paid()
    assert paid.payment
    await order.tells("payment_declined", payment_id=paid.payment.payment_id, reason="stolen")
    await order.days(2)

    view = await order.ends()
    assert view.close_reason is CloseReason.PAYMENT_EXPIRED
    assert view.closed_at
    assert view.closed_at - view.placed_at < timedelta(days=20, minutes=1)
    assert view.amount_paid.amount == 0


async def test_cancel_during_the_check_is_refused_until_the_day_is_over(order: Tale) -> None:
    """R5, case 5: the button is there, inactive, with the instant at which it becomes active."""
    await order.begins()
    paid = await order.is_paid()
    assert paid.payment
    refused = await order.refuses("cancel_request", reason="changed_mind")
    button = next(a for a in paid.actions[Role.BUYER] if a.action == "cancel_request")
    assert not button.available
    assert button.available_from == paid.payment.review_ends_at
    await order.days(1)

    view = await order.tells("cancel_request", reason="changed_mind")
    assert refused["code"] == "payment_review_in_progress"
    assert refused["available_from"] == paid.payment.review_ends_at.isoformat().replace(
        "+00:00", "Z"
    )
    assert view.status is Status.CANCELLATION_REQUESTED
    assert view.refused == []
