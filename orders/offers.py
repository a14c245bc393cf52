"""Offers that wait to be accepted: discounts and bonuses (R4), settlements (R16b)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.sentences import sentence
from orders.timeline import Event
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order


class OfferKind(StrEnum):
    """What an offer gives: money off, a thing beside, or an amount back that ends a dispute."""

    DISCOUNT = "discount"
    BONUS = "bonus"
    SETTLEMENT = "settlement"

    @classmethod
    def before_payment(cls) -> frozenset[OfferKind]:
        """R4: those that make the buyer pay."""
        return frozenset({cls.DISCOUNT, cls.BONUS})


class OfferStatus(StrEnum):
    """Where an offer is; one that was replaced or came to nothing has lapsed."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class Offer(Mutable):
    """A discount, bonus or settlement that the seller offered."""

    offer_id: str
    kind: OfferKind
    money: Money | None = None
    bonus: str | None = None
    text: str
    offered_at: Instant
    status: OfferStatus = OfferStatus.OPEN

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.status is OfferStatus.OPEN


def on_offer_acceptance(order: Order, message: m.OfferAcceptance, at: datetime) -> None:
    """R4: the amount due changes from now on."""
    offer = open_offer(order, message.offer_id, OfferKind.before_payment())
    offer.status = OfferStatus.ACCEPTED
    if offer.money:
        order.amount_due = order.amount_due.of(order.amount_due.amount - offer.money.amount)
        # What stands open was offered on the old price; the seller can offer anew on this one.
        lapse_offers(order, OfferKind.DISCOUNT)
    order.happened(at, Event.OFFER_ACCEPTED, Role.BUYER, offer_id=offer.offer_id)
    order.notify(
        at,
        NotificationKind.OFFER_ACCEPTED,
        offer_id=offer.offer_id,
        amount_due=order.amount_due.model_dump(mode="json"),
    )


def on_offer_decline(order: Order, message: m.OfferDecline, at: datetime) -> None:
    """R4, R16b: the offer is over; the amount due, or the dispute, stays as it is."""
    offer = open_offer(order, message.offer_id, frozenset(OfferKind))
    offer.status = OfferStatus.DECLINED
    order.happened(at, Event.OFFER_DECLINED, Role.BUYER, offer_id=offer.offer_id)
    order.notify(
        at,
        NotificationKind.OFFER_DECLINED,
        offer_id=offer.offer_id,
        money=offer.money.model_dump(mode="json") if offer.money else None,
    )


def open_offer(order: Order, offer_id: str, kinds: Collection[OfferKind]) -> Offer:
    """The open offer that ``offer_problem`` has found to be there."""
    if offer := _find(order, offer_id, kinds):
        return offer
    raise AssertionError("an answer is checked before it is applied")


def _find(order: Order, offer_id: str, kinds: Collection[OfferKind]) -> Offer | None:
    return next(
        (
            offer
            for offer in order.offers
            if offer.offer_id == offer_id and offer.kind in kinds and offer.is_open
        ),
        None,
    )


def offer_problem(kinds: Collection[OfferKind]) -> Callable[[Order, Any], Refusal | None]:
    """A check that the offer which is answered stands open."""

    def look(
        order: Order, message: m.OfferAcceptance | m.SettlementAcceptance | m.OfferDecline
    ) -> Refusal | None:
        if _find(order, message.offer_id, kinds):
            return None
        return Refusal(
            RefusalCode.UNKNOWN_OFFER,
            sentence("There is no open offer of that id; it may have been answered or replaced."),
        )

    return look


def lapse_offers(order: Order, *kinds: OfferKind) -> None:
    """Close the offers of these kinds that nobody has accepted."""
    for offer in order.offers:
        if offer.kind in kinds and offer.is_open:
            offer.status = OfferStatus.LAPSED
