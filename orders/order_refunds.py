"""What becomes of an order's refund: what is booked, and who is told (R14, R15, R23)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orders import keys
from orders import messages as m
from orders.allocation import allocate
from orders.errors import Refusal, RefusalCode
from orders.notifications import NotificationKind
from orders.refunds import (
    REFUND_EVENTS,
    Refund,
    RefundChange,
    RefundReport,
    apply_report,
    find_refund,
    refund_number,
    what_is_asked,
)
from orders.sentences import sentence
from orders.timeline import Event

if TYPE_CHECKING:
    from orders.order import Order


def on_refund_update(order: Order, message: m.RefundUpdate, at: datetime) -> None:
    """R15: what the provider, or support, says of a refund."""
    if refund := find_refund(order, message.refund_id):
        order.update_refund(refund, RefundReport.of(message), at)


def refund_update_problem(order: Order, message: m.RefundUpdate) -> Refusal | None:
    """The refund must be this order's."""
    if find_refund(order, message.refund_id):
        return None
    return Refusal(
        RefusalCode.UNKNOWN_REFUND,
        sentence("This order has no refund {refund_id}.", refund_id=message.refund_id),
    )


def update_refund(order: Order, refund: Refund, report: RefundReport, at: datetime) -> None:
    """R14, R15, R23: book what became of an order's refund, and tell whom it concerns."""
    change = apply_report(order, refund, report, at)
    if change is None:
        return
    order.happened(
        at,
        Event.REFUND_RETURNED if change is RefundChange.RETURNED else REFUND_EVENTS[report.status],
        report.by,
        refund_id=refund.refund_id,
        reason=report.reason,
        **({"note": report.note} if report.note else {}),
    )
    number, money = refund_number(refund), refund.money.model_dump(mode="json")
    match change:
        case RefundChange.SUCCEEDED | RefundChange.SUCCEEDED_AFTER_STOP:
            allocate(order, at, keys.refund_settled_step(number, refund.times_settled))
            if change is RefundChange.SUCCEEDED_AFTER_STOP:
                order.notify(
                    at,
                    NotificationKind.REFUND_AFTER_CHARGEBACK,
                    refund_id=refund.refund_id,
                    money=money,
                )
            order.notify(at, NotificationKind.REFUND_SUCCEEDED, money=money)
        case RefundChange.RETURNED:
            allocate(order, at, keys.refund_returned_step(number, refund.times_settled))
            order.notify(at, NotificationKind.REFUND_RETURNED, reason=report.reason, money=money)
        case RefundChange.STOPPED:
            allocate(order, at, keys.refund_stopped_step(number))
            order.notify(at, NotificationKind.REFUND_STOPPED, money=money)
        case RefundChange.FAILED:
            order.notify(at, NotificationKind.REFUND_FAILED, reason=report.reason, money=money)
        case RefundChange.REQUIRES_ACTION:
            what = NotificationKind.REFUND_REQUIRES_ACTION
            order.notify(at, what, money=money, **what_is_asked(report))
        case RefundChange.NOTED:
            pass
