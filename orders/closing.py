"""Endings: closing an order, shipping it, and when an order is over (R14-R17, R23).

``Status.ended`` is a closed or shipped order; it ``is_settled`` when its refund, if it has one, is paid as
well, and ``is_over`` when no bank is deciding either. ``orders.view.is_finished`` is whether its workflow
has ended. Where the money goes is ``orders.allocation``'s to say.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from orders import keys
from orders.allocation import allocate, refund_due
from orders.cancellations import end_cancellation
from orders.chargebacks import Chargeback, awaited_chargebacks
from orders.disputes import end_dispute
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import OfferKind, lapse_offers
from orders.refunds import Refund
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
    if order.payment and order.payment.is_in_review:
        order.payment.accept(at)
    if order.shipment:
        order.shipment.expire()
        order.shipment.lapse_proofs()
    end_dispute(order, at, reason, order.to_buyer, note)
    end_cancellation(order, at, reason)
    lapse_offers(order, *OfferKind)
    order.happened(at, Event.CLOSED, by, reason=reason.value)
    order.notify(at, NotificationKind.ORDER_CLOSED, reason=reason.value, money=refund_due(order))
    allocate(order, at, keys.seller_credited_step(order.count("credit")))


def finish_shipped(order: Order, trigger: str, at: datetime) -> None:
    """R11, R16b: shipped, with nothing left to decide: the money is the seller's."""
    order.enter(trigger, Status.SHIPPED, at)
    order.existing_shipment.lapse_proofs()
    order.to_buyer = order.amount_paid.of(0)
    allocate(order, at, keys.seller_credited_step(order.count("credit")))


class _AnyOrder(Protocol):
    """An order, or its view."""

    @property
    def rules(self) -> int: ...
    @property
    def status(self) -> Status: ...
    @property
    def payment_id(self) -> str | None: ...
    @property
    def chargebacks(self) -> list[Chargeback]: ...
    @property
    def refund(self) -> Refund | None: ...


def is_settled(order: _AnyOrder) -> bool:
    """Whether an order's status has ended, and its refund, if it has one, is paid."""
    return order.status in Status.ended() and (order.refund is None or order.refund.is_settled)


def is_over(order: _AnyOrder) -> bool:
    """Whether nothing about an order is left to happen: it is settled, and no bank is deciding (R23)."""
    return is_settled(order) and not awaited_chargebacks(order)
