"""What happens automatically, and when (R1, R5, R9, R12, R15, R16b, R20, R21), from the order's state alone.

``schedule`` computes it anew each time, so a changed order needs nothing cancelled or moved. What is due
is decided by the state that ``let_time_pass`` finds: a message taken before wins the tie, whichever of
message and timer woke the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from orders.chargebacks import awaited_chargebacks
from orders.disputes import DisputeReason
from orders.lifecycle import DEADLINES, Deadline
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.payments import accept_payment, payment_expires_at
from orders.refunds import Refund, next_check
from orders.sentences import sentence
from orders.shipments import Shipment, failed_proof
from orders.status import CloseReason, Status
from orders.timeline import Event
from orders.values import Frozen, Instant, Money, next_multiple

if TYPE_CHECKING:
    from orders.order import Order

_BEFORE = timedelta(microseconds=1)


class Reminder(StrEnum):
    """R21: what somebody is reminded of, as long as it is so."""

    PAYMENT_REMINDER = "payment_reminder"
    SHIPMENT_REMINDER = "shipment_reminder"
    SELLER_REMINDER = "seller_reminder"
    PROOF_REMINDER = "proof_reminder"
    DISPUTE_REMINDER = "dispute_reminder"
    CHARGEBACK_REMINDER = "chargeback_reminder"


_REMINDERS: Final = {
    Reminder.PAYMENT_REMINDER: (Event.PAYMENT_REMINDER, NotificationKind.PAYMENT_REMINDER),
    Reminder.SHIPMENT_REMINDER: (Event.SHIPMENT_REMINDER, NotificationKind.SHIPMENT_REMINDER),
    Reminder.SELLER_REMINDER: (Event.SELLER_REMINDER, NotificationKind.SELLER_REMINDER),
    Reminder.PROOF_REMINDER: (Event.PROOF_REMINDER, NotificationKind.PROOF_REMINDER),
    Reminder.DISPUTE_REMINDER: (Event.DISPUTE_REMINDER, NotificationKind.DISPUTE_REMINDER),
    Reminder.CHARGEBACK_REMINDER: (Event.CHARGEBACK_REMINDER, NotificationKind.CHARGEBACK_REMINDER),
}

_ENDS_A_DISPUTE: Final = (
    Deadline.SHIPMENT_EXPIRED,
    Deadline.DISPUTE_EXPIRED,
    Deadline.DISPUTE_EXPIRED_SHIPPED,
)

REFUND_CHECK: Final = "refund_check"
"""R14, R15: the provider is asked what became of the refund."""

COMING_PHRASES: Final = {
    Reminder.PAYMENT_REMINDER: sentence("the buyer is reminded to pay"),
    Deadline.PAYMENT_EXPIRED: sentence("the order closes unpaid"),
    Deadline.PAYMENT_ACCEPTED: sentence("the payment check ends and the order awaits shipment"),
    Deadline.SHIPMENT_EXPIRED: sentence(
        "if it has not shipped by then, the order closes and the buyer is refunded"
    ),
    Reminder.SHIPMENT_REMINDER: sentence("the seller is reminded to ship"),
    Reminder.SELLER_REMINDER: sentence("the seller is reminded to answer"),
    Deadline.SELLER_NO_RESPONSE: sentence(
        "if the seller has not answered by then, the order closes and the buyer is refunded"
    ),
    Deadline.NO_PROOF: sentence(
        "if there is no proof of shipment by then, there is ground for a dispute"
    ),
    Reminder.PROOF_REMINDER: sentence("support is reminded of the proof of shipment"),
    Reminder.DISPUTE_REMINDER: sentence("support is reminded of the dispute"),
    Deadline.DISPUTE_EXPIRED: sentence(
        "if support has not decided by then, the buyer is refunded in full"
    ),
    Deadline.DISPUTE_EXPIRED_SHIPPED: sentence(
        "if support has not decided by then, the money goes to the seller, as the shipment is proved"
    ),
    Reminder.CHARGEBACK_REMINDER: sentence("support is reminded of the open chargeback"),
    REFUND_CHECK: sentence("we check with the payment provider whether the refund arrived"),
    Deadline.REFUND_OVERDUE: sentence("the refund becomes overdue: buyer and support are notified"),
}
"""What happens next (the view's ``next``), as sentences."""


class ScheduledEvent(Frozen):
    """Something that happens automatically: its stable key and its UTC instant.

    ``what`` is a ``Deadline``, a ``Reminder`` or ``REFUND_CHECK``.
    """

    what: str
    at: Instant


def schedule(order: Order) -> list[ScheduledEvent]:
    """All that happens next, soonest first; empty when nothing is left to happen."""
    return sorted(_upcoming(order), key=lambda due: due.at)


def let_time_pass(order: Order, now: datetime) -> None:
    """Do what is due by ``now``. A deadline that passed makes the reminders before it pointless.

    What follows from a deadline is counted from its own instant, whenever a worker sees it; people are told
    now.
    """
    told = len(order.notifications)
    while due := [d for d in schedule(order) if d.at <= now]:
        if any(d.what == REFUND_CHECK for d in due):
            # The provider is asked before its silence is called overdue.
            order.refund_check_due = True
            if order.rules == 1:
                order.handled_until = now
            continue
        if deadline := next((d for d in due if d.what in DEADLINES), None):
            _pass(order, Deadline(deadline.what), now if order.rules == 1 else deadline.at)
            continue
        for what in dict.fromkeys(d.what for d in due):
            _remind(order, Reminder(what), now)
        order.handled_until = now
    order.handled_until = max(order.handled_until, now)
    order.notifications[told:] = [
        it.model_copy(update={"at": now}) for it in order.notifications[told:]
    ]


def handle_until(order: Order, at: datetime) -> None:
    """Note that time is handled until this instant, or until just before what nobody has seen to.

    Whatever changes the order is preceded by it: a reminder whose day has passed by then does not come later
    for that, whether anybody looked in between or not.
    """
    first = [due.at - _BEFORE for due in schedule(order)[:1]]
    order.handled_until = max(order.handled_until, min([at, *first]))


def _upcoming(order: Order) -> Iterator[ScheduledEvent]:
    policy = order.policy
    if order.shipment and order.is_open and not order.shipment.is_shipped:
        yield from _shipment(order, order.shipment)
    match order.status:
        case Status.AWAITING_PAYMENT:
            yield ScheduledEvent(what=Deadline.PAYMENT_EXPIRED, at=payment_expires_at(order))
            # R1a: nobody whose payment is under way is reminded to pay.
            if not order.pending_payments:
                yield from _before(
                    order,
                    Reminder.PAYMENT_REMINDER,
                    order.status_since,
                    order.pay_by,
                    policy.payment_reminders,
                )
        case Status.PAYMENT_REVIEW if order.payment:
            yield ScheduledEvent(what=Deadline.PAYMENT_ACCEPTED, at=order.payment.review_ends_at)
        case Status.CANCELLATION_REQUESTED | Status.PROOF_REQUESTED if (
            order.cancellation and order.cancellation.due_by
        ):
            end = order.cancellation.due_by
            silent = order.status is Status.CANCELLATION_REQUESTED
            yield ScheduledEvent(
                what=Deadline.SELLER_NO_RESPONSE if silent else Deadline.NO_PROOF, at=end
            )
            since = order.cancellation.requested_at
            yield from _before(order, Reminder.SELLER_REMINDER, since, end, policy.seller_reminders)
        case Status.CLOSED if order.refund:
            yield from _refund(order, order.refund)
    every = policy.dispute_reminder
    if dispute := order.open_dispute:
        proved = order.rules > 1 and order.existing_shipment.is_shipped
        ends = Deadline.DISPUTE_EXPIRED_SHIPPED if proved else Deadline.DISPUTE_EXPIRED
        yield ScheduledEvent(what=ends, at=dispute.due_by)
        at = next_multiple(dispute.opened_at, every, order.handled_until)
        if at < dispute.due_by:
            yield ScheduledEvent(what=Reminder.DISPUTE_REMINDER, at=at)
    # By the first rules support was reminded of those of an order that is over.
    waits = order.rules > 1 or not order.is_open
    if (awaited := awaited_chargebacks(order)) and waits:
        yield ScheduledEvent(
            what=Reminder.CHARGEBACK_REMINDER,
            at=next_multiple(awaited[0].opened_at, every, order.handled_until),
        )


def _shipment(order: Order, shipment: Shipment) -> Iterator[ScheduledEvent]:
    if order.rules == 1:
        if order.status is Status.AWAITING_SHIPMENT and shipment.ship_by:
            yield ScheduledEvent(what=Deadline.SHIPMENT_EXPIRED, at=shipment.ship_by)
        return
    policy = order.policy
    if ends := shipment.expires_at(policy.dispute_window):
        yield ScheduledEvent(what=Deadline.SHIPMENT_EXPIRED, at=ends)
        # While a chargeback is open the seller is told not to ship (R23).
        if not shipment.has_evidence_to_judge and not order.open_chargeback and order.payment:
            since = order.payment.review_ends_at
            yield from _before(
                order, Reminder.SHIPMENT_REMINDER, since, ends, policy.shipment_reminders
            )
    if shipment.under_review and not order.open_dispute:
        since = shipment.under_review[0].given_at
        at = next_multiple(since, policy.dispute_reminder, order.handled_until)
        yield ScheduledEvent(what=Reminder.PROOF_REMINDER, at=at)


def _before(
    order: Order, what: str, since: datetime, end: datetime, leads: tuple[timedelta, ...]
) -> Iterator[ScheduledEvent]:
    # Time may be handled only up to before what runs now had begun.
    for lead in set(leads):
        if end - lead > max(order.handled_until, since):
            yield ScheduledEvent(what=what, at=end - lead)


def _refund(order: Order, refund: Refund) -> Iterator[ScheduledEvent]:
    if refund.is_settled or order.refund_check_due:
        return
    check = next_check(refund, order.policy, order.handled_until)
    yield ScheduledEvent(what=REFUND_CHECK, at=check)
    if not refund.overdue:
        yield ScheduledEvent(what=Deadline.REFUND_OVERDUE, at=refund.due_by)


def _pass(order: Order, deadline: Deadline, at: datetime) -> None:
    match deadline:
        case Deadline.PAYMENT_EXPIRED:
            order.close(at, deadline, CloseReason.PAYMENT_EXPIRED, Role.SYSTEM)
        case Deadline.PAYMENT_ACCEPTED:
            accept_payment(order, at)
        case Deadline.SHIPMENT_EXPIRED:
            order.close(at, deadline, CloseReason.SHIPMENT_EXPIRED, Role.SYSTEM)
        case Deadline.SELLER_NO_RESPONSE:
            order.close(at, deadline, CloseReason.SELLER_NO_RESPONSE, Role.SYSTEM)
        case Deadline.NO_PROOF:
            failed_proof(order, at, deadline, order.ground or DisputeReason.NO_PROOF)
        case Deadline.DISPUTE_EXPIRED:
            order.close(at, deadline, CloseReason.DISPUTE_FULL_REFUND, Role.SYSTEM)
        case Deadline.DISPUTE_EXPIRED_SHIPPED:
            nothing = order.amount_paid.of(0)
            order.close(at, deadline, CloseReason.DISPUTE_NO_REFUND, Role.SYSTEM, to_buyer=nothing)
        case Deadline.REFUND_OVERDUE if order.refund:
            concerned = order.refund.miss_due_date()
            order.happened(at, Event.REFUND_OVERDUE, Role.SYSTEM, refund_id=order.refund.refund_id)
            money = order.refund.money.model_dump(mode="json")
            for role in concerned:
                order.notify(at, NotificationKind.REFUND_OVERDUE, role, money=money)
        case _:
            raise AssertionError(f"no deadline {deadline}")


def _remind(order: Order, reminder: Reminder, now: datetime) -> None:
    event, what = _REMINDERS[reminder]
    due_by: datetime | None = None
    amounts: list[Money | None] = [None]
    match reminder:
        case Reminder.PAYMENT_REMINDER:
            due_by, amounts = order.pay_by, [order.amount_due]
        case Reminder.SHIPMENT_REMINDER:
            due_by, amounts = order.existing_shipment.ship_by, [order.amount_paid]
        case Reminder.SELLER_REMINDER:
            due_by = order.existing_cancellation.due_by
        case Reminder.DISPUTE_REMINDER:
            ends = next(due for due in schedule(order) if due.what in _ENDS_A_DISPUTE)
            due_by, amounts = ends.at, [order.amount_paid]
            if ends.what == Deadline.DISPUTE_EXPIRED_SHIPPED:
                what = NotificationKind.DISPUTE_REMINDER_SHIPPED
        case Reminder.CHARGEBACK_REMINDER:
            amounts = [it.money for it in awaited_chargebacks(order)]
        case _:
            pass  # there is no more to say of it
    order.happened(now, event, Role.SYSTEM)
    for money in amounts:
        order.notify(
            now,
            what,
            due_by=due_by.isoformat() if due_by else None,
            money=money.model_dump(mode="json") if money else None,
        )
