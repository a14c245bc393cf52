"""What seller and buyer say to each other, and the offers of it (R4)."""

from datetime import datetime
from typing import Any

from orders import messages as m
from orders.errors import RefusalCode
from orders.lifecycle import Problem
from orders.messages import Role
from orders.offers import open_offer
from orders.order import (
    ChatMessage,
    Offer,
    Order,
    Status,
)
from orders.sentences import sentence


def on_seller_message(order: Order, message: m.SellerMessage, at: datetime) -> None:
    """R4: the seller writes; a discount or a bonus becomes an offer."""
    order.messages.append(
        ChatMessage(at=at, by=Role.SELLER, topic=message.topic, text=message.text)
    )
    details: dict[str, Any] = {"topic": message.topic}
    if message.topic in ("discount", "bonus"):
        offer = Offer(
            offer_id=f"offer-{order.count('offer')}",
            kind="discount" if message.discount else "bonus",
            money=message.discount,
            bonus=message.bonus,
            text=message.text,
            offered_at=at,
        )
        order.offers.append(offer)
        details["offer_id"] = offer.offer_id
    order.happened(at, "seller_message", Role.SELLER, **details)
    order.tell(at, "seller_message", Role.BUYER, text=message.text, **details)


def seller_message_problem(order: Order, message: m.SellerMessage) -> Problem:
    """R4: offers are for an unpaid order, and a discount leaves something to pay."""
    if message.topic not in ("discount", "bonus"):
        return None
    if order.status is not Status.AWAITING_PAYMENT:
        return (
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence("A discount or a bonus can be offered only while the order awaits payment."),
        )
    if message.discount and not (
        message.discount.currency == order.amount_due.currency
        and message.discount.amount < order.amount_due.amount
    ):
        return (
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
    order.happened(at, "buyer_message", Role.BUYER)
    order.tell(at, "buyer_message", Role.SELLER, text=message.text)


def on_offer_acceptance(order: Order, message: m.OfferAcceptance, at: datetime) -> None:
    """R4: the amount due changes from now on."""
    offer = open_offer(order, message.offer_id, "discount", "bonus")
    offer.status = "accepted"
    if offer.money:
        order.amount_due = order.amount_due.of(order.amount_due.amount - offer.money.amount)
        for other in order.offers:
            # What stands open was offered on the old price; the seller can offer anew on this one.
            if other.kind == "discount" and other.status == "open":
                other.status = "lapsed"
    order.happened(at, "offer_accepted", Role.BUYER, offer_id=offer.offer_id)
    order.tell(
        at,
        "offer_accepted",
        Role.SELLER,
        offer_id=offer.offer_id,
        amount_due=order.amount_due.model_dump(mode="json"),
    )
