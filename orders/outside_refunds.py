"""Refunds that the provider makes without our asking (R24): by hand in its dashboard, or by itself.

Each is known by the provider's id and counts from when it is made: what is pending has left the balance. One
that fails, or is canceled, counts no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from orders import keys
from orders import messages as m
from orders.allocation import allocate, close_if_nothing_is_left
from orders.chargebacks import Chargeback, not_its_payment, whom_it_concerns
from orders.errors import Refusal
from orders.messages import RefundStatus, Role
from orders.notifications import NotificationKind
from orders.timeline import Event
from orders.values import Instant, Money, Mutable, said_before

if TYPE_CHECKING:
    from orders.order import Order


class OutsideRefund(Mutable):
    """R24: money that went back to the buyer without our asking, and where it is."""

    provider_refund_id: str
    payment_id: str
    money: Money
    status: RefundStatus
    reason: str
    reported_at: Instant
    changed_at: Instant
    said_at: Instant | None = None

    @property
    def counts(self) -> bool:
        """Whether the money is with the buyer, or on its way."""
        return self.status not in RefundStatus.failed()


def on_outside_refund(order: Order, message: m.OutsideRefundReported, at: datetime) -> None:
    """R24: it is booked; the order's own refund is only of the rest, and one with nothing left closes."""
    counted, refund = note_outside_refund(order.outside_refunds, message, at)
    allocate(
        order,
        at,
        keys.outside_refund_step(message.payment_id, order.count("outside refund posting")),
    )
    if refund.counts != counted:
        order.happened(
            at,
            Event.OUTSIDE_REFUND if refund.counts else Event.OUTSIDE_REFUND_FAILED,
            Role.PROVIDER,
            **outside_refund_details(message),
        )
        order.notify(
            at,
            NotificationKind.OUTSIDE_REFUND
            if refund.counts
            else NotificationKind.OUTSIDE_REFUND_FAILED,
            *whom_it_concerns(order, message.payment_id),
            **outside_refund_details(message),
        )
    order.revision += 1
    close_if_nothing_is_left(order, message.name, at)


def outside_refund_problem(order: Order, message: m.OutsideRefundReported) -> Refusal | None:
    """It must be of a payment of this order's, also a declined one, or come before any."""
    return not_its_payment(order, message.payment_id)


def hand_over(
    order: Order, payment_id: str, at: datetime
) -> tuple[tuple[Chargeback, ...], tuple[OutsideRefund, ...]]:
    """R17: give up what was taken of a payment before it came in, and was sent back; the order sets none of
    it aside any more.
    """
    chargebacks = tuple(it for it in order.chargebacks if it.payment_id == payment_id)
    refunds = tuple(it for it in order.outside_refunds if it.payment_id == payment_id)
    if chargebacks or refunds:
        order.chargebacks = [it for it in order.chargebacks if it not in chargebacks]
        order.outside_refunds = [it for it in order.outside_refunds if it not in refunds]
        allocate(order, at, keys.payment_sent_back_step(payment_id))
    return chargebacks, refunds


def note_outside_refund(
    refunds: list[OutsideRefund], message: m.OutsideRefundReported, at: datetime
) -> tuple[bool, OutsideRefund]:
    """Note how a refund stands; returns whether it counted before, and the refund."""
    known = find_outside_refund(refunds, message)
    now = OutsideRefund(
        provider_refund_id=message.provider_refund_id,
        payment_id=message.payment_id,
        money=message.money,
        status=message.status,
        reason=message.reason,
        reported_at=known.reported_at if known else at,
        changed_at=at,
        said_at=message.said_at or (known.said_at if known else None),
    )
    if known is None:
        refunds.append(now)
        return False, now
    refunds[refunds.index(known)] = now
    return known.counts, now


def repeats_outside_refund(refunds: list[OutsideRefund], message: m.OutsideRefundReported) -> bool:
    """Whether this says nothing new: it is known already, or older than what is known."""
    known = find_outside_refund(refunds, message)
    if known is None:
        return False
    is_same = (message.status, message.money) == (known.status, known.money)
    return is_same or said_before(message.said_at, known.said_at)


def find_outside_refund(
    refunds: list[OutsideRefund], message: m.OutsideRefundReported
) -> OutsideRefund | None:
    """The refund that a report is about; None for a new one."""
    mine = (it for it in refunds if it.payment_id == message.payment_id)
    return next((it for it in mine if it.provider_refund_id == message.provider_refund_id), None)


def outside_refund_details(message: m.OutsideRefundReported) -> dict[str, Any]:
    """What timeline and notifications say of a report, as JSON values."""
    return {
        "money": message.money.model_dump(mode="json"),
        "provider_refund_id": message.provider_refund_id,
        "reason": message.reason,
    }
