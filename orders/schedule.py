"""What happens by itself and when (R1, R5, R9, R12, R15, R16b, R20, R21), from the order's state alone.

``schedule`` computes it anew each time, so a changed order needs nothing cancelled or moved. What is due
is decided by the state that ``let_time_pass`` finds: a message taken before wins the tie, whichever of
message and timer woke the workflow.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from orders.disputes import DisputeReason
from orders.lifecycle import DEADLINES
from orders.messages import Role
from orders.order import Order
from orders.payments import accept_payment
from orders.refunds import Refund, next_check
from orders.sentences import sentence
from orders.shipments import failed_proof
from orders.status import CloseReason, Status
from orders.values import Frozen, Instant, next_multiple

COMING_PHRASES: Final = {
    "payment_reminder": sentence("the buyer is reminded to pay"),
    "payment_expired": sentence("the order closes, unpaid"),
    "payment_accepted": sentence("the check of the payment ends, and the order awaits shipment"),
    "shipment_expired": sentence(
        "the order closes, as it was not shipped, and the money goes back"
    ),
    "seller_reminder": sentence("the seller is reminded to answer"),
    "seller_no_response": sentence(
        "the order closes, as the seller did not answer, and the money goes back"
    ),
    "no_proof": sentence("a dispute becomes due, as the seller gave no proof of shipment"),
    "dispute_reminder": sentence("support is reminded of the dispute"),
    "dispute_expired": sentence("the dispute ends with a full refund"),
    "chargeback_reminder": sentence("support is reminded of the money that waits for the bank"),
    "refund_check": sentence("the provider is asked what became of the refund"),
    "refund_overdue": sentence("the refund is overdue: buyer and support are told"),
}
"""What happens next by itself (the view's ``next``), as sentences."""


class ScheduledEvent(Frozen):
    """Something that happens by itself: its stable key and its UTC instant."""

    what: str
    at: Instant


def schedule(order: Order) -> list[ScheduledEvent]:
    """All that happens next by itself, soonest first; empty when nothing is left to happen."""
    return sorted(_upcoming(order), key=lambda due: due.at)


def let_time_pass(order: Order, now: datetime) -> None:
    """Do what is due by ``now``. A deadline that passed makes the reminders before it pointless."""
    while due := [d for d in schedule(order) if d.at <= now]:
        if any(d.what == "refund_check" for d in due):
            # The provider is asked before its silence is called overdue.
            order.refund_check_due = True
            order.clock = now
            continue
        if deadline := next((d for d in due if d.what in DEADLINES), None):
            _pass(order, deadline.what, now)
            continue
        for what in dict.fromkeys(d.what for d in due):
            _remind(order, what, now)
        order.clock = now
    order.clock = max(order.clock, now)


def _upcoming(order: Order) -> Iterator[ScheduledEvent]:
    policy = order.policy
    match order.status:
        case Status.AWAITING_PAYMENT:
            yield ScheduledEvent(what="payment_expired", at=order.pay_by)
            yield from _before(
                order, "payment_reminder", order.placed_at, order.pay_by, policy.payment_reminders
            )
        case Status.PAYMENT_REVIEW if order.payment:
            yield ScheduledEvent(what="payment_accepted", at=order.payment.review_ends_at)
        case Status.AWAITING_SHIPMENT if order.shipment and order.shipment.ship_by:
            yield ScheduledEvent(what="shipment_expired", at=order.shipment.ship_by)
        case Status.CANCELLATION_REQUESTED | Status.PROOF_REQUESTED if (
            order.cancellation and order.cancellation.due_by
        ):
            end = order.cancellation.due_by
            silent = order.status is Status.CANCELLATION_REQUESTED
            yield ScheduledEvent(what="seller_no_response" if silent else "no_proof", at=end)
            since = order.cancellation.requested_at
            yield from _before(order, "seller_reminder", since, end, policy.seller_reminders)
        case Status.CLOSED if order.refund:
            yield from _refund(order, order.refund)
    every = policy.dispute_reminder
    if dispute := order.open_dispute:
        yield ScheduledEvent(what="dispute_expired", at=dispute.due_by)
        at = next_multiple(dispute.opened_at, every, order.clock)
        if at < dispute.due_by:
            yield ScheduledEvent(what="dispute_reminder", at=at)
    if (chargeback := order.open_chargeback) and not order.is_open and order.books.balance("held"):
        yield ScheduledEvent(
            what="chargeback_reminder", at=next_multiple(chargeback.opened_at, every, order.clock)
        )


def _before(
    order: Order, what: str, since: datetime, end: datetime, leads: tuple[timedelta, ...]
) -> Iterator[ScheduledEvent]:
    # The clock may stand where the order last woke up, before what runs now had begun.
    for lead in set(leads):
        if end - lead > max(order.clock, since):
            yield ScheduledEvent(what=what, at=end - lead)


def _refund(order: Order, refund: Refund) -> Iterator[ScheduledEvent]:
    if refund.is_settled or order.refund_check_due:
        return
    check = next_check(refund, order.policy, order.clock)
    yield ScheduledEvent(what="refund_check", at=check)
    if not refund.overdue:
        yield ScheduledEvent(what="refund_overdue", at=refund.due_by)


def _pass(order: Order, deadline: str, now: datetime) -> None:
    match deadline:
        case "payment_expired":
            order.close(now, deadline, CloseReason.PAYMENT_EXPIRED, Role.SYSTEM)
        case "payment_accepted":
            accept_payment(order, now)
        case "shipment_expired":
            order.close(now, deadline, CloseReason.SHIPMENT_EXPIRED, Role.SYSTEM)
        case "seller_no_response":
            order.close(now, deadline, CloseReason.SELLER_NO_RESPONSE, Role.SYSTEM)
        case "no_proof":
            failed_proof(order, now, deadline, order.ground or DisputeReason.NO_PROOF)
        case "dispute_expired":
            order.close(now, deadline, CloseReason.DISPUTE_FULL_REFUND, Role.SYSTEM)
        case "refund_overdue" if order.refund:
            concerned = order.refund.miss_due_date()
            order.happened(now, deadline, Role.SYSTEM, refund_id=order.refund.refund_id)
            for role in concerned:
                order.notify(now, deadline, role)
        case _:
            raise AssertionError(f"no deadline {deadline}")


def _remind(order: Order, what: str, now: datetime) -> None:
    to, due_by = {
        "payment_reminder": (Role.BUYER, order.pay_by),
        "seller_reminder": (
            Role.SELLER,
            order.cancellation.due_by if order.cancellation else None,
        ),
        "dispute_reminder": (Role.SUPPORT, order.dispute.due_by if order.dispute else None),
        "chargeback_reminder": (Role.SUPPORT, None),
    }[what]
    order.happened(now, what, Role.SYSTEM)
    order.notify(now, what, to, due_by=due_by.isoformat() if due_by else None)
