"""What seller and buyer write to each other (R4), in a dispute with support (R16)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from orders import keys
from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import Offer, OfferKind
from orders.sentences import sentence
from orders.status import Status
from orders.timeline import Event
from orders.values import Frozen, Instant

if TYPE_CHECKING:
    from orders.order import Order


class ChatMessage(Frozen):
    """R4, R16: what a buyer, a seller or support wrote."""

    at: Instant
    by: Role
    topic: str
    text: str


def on_seller_message(order: Order, message: m.SellerMessage, at: datetime) -> None:
    """R4: the seller writes; a discount or a bonus becomes an offer."""
    order.messages.append(
        ChatMessage(at=at, by=Role.SELLER, topic=message.topic, text=message.text)
    )
    details: dict[str, Any] = {"topic": message.topic}
    if message.topic in OfferKind.before_payment():
        offer = Offer(
            offer_id=keys.offer_id(order.count("offer")),
            kind=OfferKind.DISCOUNT if message.discount else OfferKind.BONUS,
            money=message.discount,
            bonus=message.bonus,
            text=message.text,
            offered_at=at,
        )
        order.offers.append(offer)
        details["offer_id"] = offer.offer_id
    order.happened(at, Event.SELLER_MESSAGE, Role.SELLER, **details)
    if message.discount:
        details["money"] = message.discount.model_dump(mode="json")
        new_amount = order.amount_due.amount - message.discount.amount
        details["amount_due"] = order.amount_due.of(new_amount).model_dump(mode="json")
    told = _readers(order, Role.BUYER)
    order.notify(at, NotificationKind.SELLER_MESSAGE, *told, text=message.text, **details)


def seller_message_problem(order: Order, message: m.SellerMessage) -> Refusal | None:
    """R4: offers are for an unpaid order, and a discount leaves something to pay."""
    if message.topic not in OfferKind.before_payment():
        return None
    if order.status is not Status.AWAITING_PAYMENT:
        return Refusal(
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence("A discount or a bonus can be offered only while the order awaits payment."),
        )
    if message.discount and not (
        message.discount.currency == order.amount_due.currency
        and message.discount.amount < order.amount_due.amount
    ):
        return Refusal(
            RefusalCode.WRONG_AMOUNT,
            sentence(
                "A discount must be in {currency} and less than the amount due ({due}).",
                currency=order.amount_due.currency,
                due=order.amount_due,
            ),
        )
    return None


def on_buyer_message(order: Order, message: m.BuyerMessage, at: datetime) -> None:
    """R4: the buyer writes."""
    order.messages.append(ChatMessage(at=at, by=Role.BUYER, topic="other", text=message.text))
    order.happened(at, Event.BUYER_MESSAGE, Role.BUYER)
    told = _readers(order, Role.SELLER)
    order.notify(at, NotificationKind.BUYER_MESSAGE, *told, text=message.text)


def on_support_message(order: Order, message: m.SupportMessage, at: datetime) -> None:
    """R16: support writes to both."""
    order.messages.append(ChatMessage(at=at, by=Role.SUPPORT, topic="other", text=message.text))
    order.happened(at, Event.SUPPORT_MESSAGE, Role.SUPPORT)
    order.notify(at, NotificationKind.SUPPORT_MESSAGE, text=message.text)


def _readers(order: Order, other: Role) -> tuple[Role, ...]:
    """R16: the other party, and support while it has a dispute to decide."""
    return (other, Role.SUPPORT) if order.open_dispute else (other,)
