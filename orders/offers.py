"""Offers that wait to be accepted: discounts and bonuses (R4), settlements (R16b)."""

from collections.abc import Callable
from typing import Any

from orders import messages as m
from orders.errors import RefusalCode
from orders.lifecycle import Problem
from orders.order import Offer, Order
from orders.sentences import sentence


def open_offer(order: Order, offer_id: str, *kinds: str) -> Offer:
    """The open offer that ``acceptance_problem`` has found to be there."""
    if offer := _find(order, offer_id, *kinds):
        return offer
    raise AssertionError("an acceptance is checked before it is applied")


def _find(order: Order, offer_id: str, *kinds: str) -> Offer | None:
    return next(
        (
            offer
            for offer in order.offers
            if offer.offer_id == offer_id and offer.kind in kinds and offer.status == "open"
        ),
        None,
    )


def acceptance_problem(*kinds: str) -> Callable[[Order, Any], Problem]:
    """A check that the offer which is accepted stands open."""

    def look(order: Order, message: m.OfferAcceptance | m.SettlementAcceptance) -> Problem:
        if _find(order, message.offer_id, *kinds):
            return None
        return (
            RefusalCode.UNKNOWN_OFFER,
            sentence("There is no open offer of that id; it may have been accepted or replaced."),
        )

    return look
