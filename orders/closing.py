"""Endings: closing an order, shipping it, and where the money goes then (R14-R17, R23).

The money rule in one place: an order that is over owes the buyer ``to_buyer`` in all. What has not come
back yet, by refund or by chargeback, is refunded out of what is held; the rest is the seller's. While a
chargeback is undecided nothing is paid, so the same money never leaves twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orders.cancellations import end_cancellation
from orders.disputes import end_dispute
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import OfferKind, lapse_offers
from orders.refunds import refund_under_way, settle_money
from orders.status import CloseReason, Status
from orders.timeline import Event
from orders.values import Money

if TYPE_CHECKING:
    from orders.order import Order


def close(
    order: Order,
    at: datetime,
    trigger: str,
    reason: CloseReason,
    by: Role,
    *,
    to_buyer: Money | None = None,
    note: str = "",
) -> None:
    """Close the order (R14): all the money goes back to the buyer unless ``to_buyer`` says less.

    Whichever of cancellation and dispute ends it settles the other (R16); ``note`` is the dispute's.
    """
    order.enter(trigger, Status.CLOSED, at)
    order.close_reason = reason
    order.closed_at = at
    order.to_buyer = to_buyer if to_buyer is not None else order.amount_paid
    if order.shipment:
        order.shipment.expire()
        order.shipment.lapse_proofs()
    end_dispute(order, at, reason, order.to_buyer, note)
    end_cancellation(order, at, reason)
    lapse_offers(order, *OfferKind)
    order.happened(at, Event.CLOSED, by, reason=reason.value)
    order.notify(at, NotificationKind.ORDER_CLOSED, reason=reason.value)
    settle_money(order, at)


def finish_shipped(order: Order, trigger: str, at: datetime) -> None:
    """R11, R16b: shipped, with nothing left to decide: the money is the seller's."""
    order.enter(trigger, Status.SHIPPED, at)
    order.existing_shipment.lapse_proofs()
    order.to_buyer = order.amount_paid.of(0)
    settle_money(order, at)


def is_over(order: Order) -> bool:
    """Whether nothing about the order is left to happen: it closed or shipped, and its money is settled."""
    return not order.is_open and order.open_chargeback is None and refund_under_way(order) is None
