"""Payments: what came in, its check, and one that was declined (R5-R7)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from orders import keys
from orders import messages as m
from orders.allocation import allocate, close_if_nothing_is_left
from orders.chargebacks import not_its_payment
from orders.errors import Refusal, RefusalCode
from orders.lifecycle import Deadline
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import OfferKind, lapse_offers
from orders.sentences import sentence
from orders.shipments import Shipment
from orders.status import Status
from orders.timeline import Event
from orders.values import Instant, Money, Mutable, PaymentId

if TYPE_CHECKING:
    from orders.order import Order

# Of a buyer who tries one card after the other; a payment can't be mistaken for one that is forgotten.
_MOST_DECLINED = 200
_MOST_PENDING = 20


class PaymentStatus(StrEnum):
    """R1a, R5, R6, R23: where a payment is; ``charged_back`` when the bank has taken all of it for good."""

    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVERSED = "reversed"
    CHARGED_BACK = "charged_back"
    PENDING = "pending"


class Payment(Mutable):
    """The payment that the order took, and its check (R5, R6)."""

    payment_id: str
    money: Money
    method: str
    status: PaymentStatus
    paid_at: Instant
    received_at: Instant
    review_ends_at: Instant
    decided_at: Instant | None = None
    declined_reason: str | None = None

    @property
    def is_in_review(self) -> bool:
        """Whether it is being checked (R5)."""
        return self.status is PaymentStatus.IN_REVIEW

    @property
    def is_declined(self) -> bool:
        """Whether the provider turned it down (R6)."""
        return self.status is PaymentStatus.DECLINED

    @property
    def was_reversed(self) -> bool:
        """R6: whether it failed after its check."""
        return self.status is PaymentStatus.REVERSED

    def accept(self, at: datetime) -> None:
        """R7: its check is over."""
        self.status = PaymentStatus.ACCEPTED
        self.decided_at = at

    def decline(self, reason: str, at: datetime) -> None:
        """R6: no money of it was taken, and none can be charged back."""
        self.status = PaymentStatus.DECLINED
        self.declined_reason = reason
        self.decided_at = at

    def reverse(self, reason: str, at: datetime) -> None:
        """R6: it failed after its check, and its money has been taken back."""
        self.status = PaymentStatus.REVERSED
        self.declined_reason = reason
        self.decided_at = at

    def note_charged_back(self, all_of_it: bool) -> None:
        """R23: whether the bank has taken all of it, for good."""
        if all_of_it and self.status in (PaymentStatus.IN_REVIEW, PaymentStatus.ACCEPTED):
            self.status = PaymentStatus.CHARGED_BACK
        elif not all_of_it and self.status is PaymentStatus.CHARGED_BACK:
            self.status = PaymentStatus.ACCEPTED


class PendingPayment(Mutable):
    """R1a: a payment that is under way, and by when the provider expects it."""

    payment_id: PaymentId
    money: Money
    method: str
    status: Literal[PaymentStatus.PENDING] = PaymentStatus.PENDING
    expected_by: Instant | None
    reported_at: Instant


def payment_expires_at(order: Order) -> datetime:
    """R1, R1a: when the order closes unpaid; a payment under way at the end of the 20 days is waited for.

    Not before one that came in time was declined (R6).
    """
    if order.pending_payments:
        return order.pay_by + order.policy.payment_grace
    return max(order.pay_by, order.pending_until or order.pay_by, order.status_since)


def on_payment_pending(order: Order, message: m.PaymentPending, at: datetime) -> None:
    """R1a: a payment is under way; nobody is reminded to pay, and the 20 days' end waits for it."""
    order.pending_payments = [
        it for it in order.pending_payments if it.payment_id != message.payment_id
    ]
    order.pending_payments.append(
        PendingPayment(
            payment_id=message.payment_id,
            money=message.money,
            method=message.method,
            expected_by=message.expected_by,
            reported_at=at,
        )
    )
    del order.pending_payments[:-_MOST_PENDING]
    money = message.money.model_dump(mode="json")
    expected_by = message.expected_by.isoformat() if message.expected_by else None
    order.happened(
        at,
        Event.PAYMENT_PENDING,
        Role.PROVIDER,
        payment_id=message.payment_id,
        money=money,
        expected_by=expected_by,
    )
    order.notify(
        at,
        NotificationKind.PAYMENT_PENDING,
        money=money,
        method=message.method,
        expected_by=expected_by,
        pay_by=order.pay_by.isoformat(),
    )


def repeats_pending(order: Order, message: m.PaymentPending) -> bool:
    """Whether more is known of this payment already."""
    known = (*order.sent_back, *order.declined_payments, order.payment_id)
    under_way = {it.payment_id: it for it in order.pending_payments}
    same = under_way.get(message.payment_id)
    return message.payment_id in known or (
        same is not None and (same.money, same.expected_by) == (message.money, message.expected_by)
    )


def no_longer_pending(order: Order, payment_id: str, at: datetime) -> bool:
    """R1a: a payment under way has come in or failed; whether it was one."""
    rest = [it for it in order.pending_payments if it.payment_id != payment_id]
    was_pending = len(rest) < len(order.pending_payments)
    order.pending_payments = rest
    if was_pending and not rest:
        order.pending_until = at
    return was_pending


def on_payment(order: Order, message: m.PaymentReceived, at: datetime) -> None:
    """R5: exactly what is due has come in; it is checked for a day."""
    order.payment = Payment(
        payment_id=message.payment_id,
        money=message.money,
        method=message.method,
        status=PaymentStatus.IN_REVIEW,
        paid_at=message.paid_at,
        received_at=at,
        review_ends_at=at + order.policy.payment_review,
    )
    order.amount_paid = message.money
    no_longer_pending(order, message.payment_id, at)
    allocate(order, at, keys.payment_step(message.payment_id))
    order.enter(message.name, Status.PAYMENT_REVIEW, at)
    order.happened(
        at,
        Event.PAYMENT_RECEIVED,
        Role.PROVIDER,
        payment_id=message.payment_id,
        money=message.money.model_dump(mode="json"),
    )
    order.notify(
        at,
        NotificationKind.PAYMENT_RECEIVED,
        review_ends_at=order.payment.review_ends_at.isoformat(),
        money=message.money.model_dump(mode="json"),
    )
    # All of it may have been reported as gone before.
    close_if_nothing_is_left(order, m.ChargebackReported.name, at)


def payment_problem(order: Order, message: m.PaymentReceived) -> Refusal | None:
    """R5: a payment counts when amount and currency are exactly what is due."""
    if message.money == order.amount_due:
        return None
    return Refusal(
        RefusalCode.WRONG_AMOUNT,
        sentence(
            "The amount due is exactly {due}, but {came} arrived; it is returned in full.",
            due=order.amount_due,
            came=message.money,
        ),
    )


def contradicts(order: Order, message: m.PaymentReceived) -> bool:
    """Whether the provider said before that this payment was declined, or of another amount."""
    if message.payment_id in order.declined_unseen:
        return True
    payment = order.payment
    is_ours = payment is not None and payment.payment_id == message.payment_id
    said = payment.money if payment and is_ours else order.sent_back.get(message.payment_id)
    return said is not None and said != message.money


def on_payment_declined(order: Order, message: m.PaymentDeclined, at: datetime) -> None:
    """R6: the provider turned a payment down; the 20 days go on from where they started."""
    order.declined_payments = [*order.declined_payments, message.payment_id][-_MOST_DECLINED:]
    payment = order.payment
    if payment and payment.payment_id == message.payment_id and not payment.is_in_review:
        _reverse(order, payment, message, at)
        return
    order.happened(
        at,
        Event.PAYMENT_DECLINED,
        Role.PROVIDER,
        payment_id=message.payment_id,
        reason=message.reason,
    )
    if payment is None or payment.payment_id != message.payment_id:
        order.declined_unseen = [*order.declined_unseen, message.payment_id][-_MOST_DECLINED:]
        if no_longer_pending(order, message.payment_id, at):
            _notify_declined(order, message, at)
        return
    payment.decline(message.reason, at)
    order.amount_paid = order.amount_paid.of(0)
    allocate(order, at, keys.payment_declined_step(message.payment_id))
    order.enter(message.name, Status.AWAITING_PAYMENT, at)
    _notify_declined(order, message, at)


def payment_declined_problem(order: Order, message: m.PaymentDeclined) -> Refusal | None:
    """R6: once a payment was accepted, or the order is over, only that payment can still fail."""
    if message.payment_id in order.sent_back:
        return not_its_payment(order, message.payment_id)
    if order.status in (Status.AWAITING_PAYMENT, Status.PAYMENT_REVIEW):
        return None
    if order.payment and order.payment.payment_id == message.payment_id:
        return not_its_payment(order, message.payment_id)
    return Refusal(
        RefusalCode.NOT_IN_THIS_STATUS,
        sentence("Payment {payment_id} is not this order's.", payment_id=message.payment_id),
    )


def repeats_declined(order: Order, message: m.PaymentDeclined) -> bool:
    """Whether it is known that this payment failed: also one that was forgotten among many others."""
    payment = order.payment
    if payment and payment.payment_id == message.payment_id:
        return payment.is_declined or payment.was_reversed
    return message.payment_id in order.declined_payments


def _notify_declined(order: Order, message: m.PaymentDeclined, at: datetime) -> None:
    in_time = at < order.pay_by
    order.notify(
        at,
        NotificationKind.PAYMENT_DECLINED if in_time else NotificationKind.PAYMENT_DECLINED_LATE,
        reason=message.reason,
        amount_due=order.amount_due.model_dump(mode="json"),
        **({"pay_by": order.pay_by.isoformat()} if in_time else {}),
    )


def _reverse(order: Order, payment: Payment, message: m.PaymentDeclined, at: datetime) -> None:
    """R6: a payment that fails after its check is like a lost chargeback of all of it."""
    payment.reverse(message.reason, at)
    allocate(order, at, keys.payment_reversed_step(message.payment_id))
    money = payment.money.model_dump(mode="json")
    order.happened(
        at,
        Event.PAYMENT_REVERSED,
        Role.PROVIDER,
        payment_id=message.payment_id,
        reason=message.reason,
        money=money,
    )
    order.notify(at, NotificationKind.PAYMENT_REVERSED, reason=message.reason, money=money)
    close_if_nothing_is_left(order, message.name, at)


def accept_payment(order: Order, at: datetime) -> None:
    """R7: the check is over, whenever that is seen; the order awaits shipment."""
    if order.payment is None:
        raise AssertionError("a payment in review is there")
    checked = order.payment.review_ends_at
    order.payment.accept(checked)
    window = order.policy.shipment_window
    order.shipment = Shipment(ship_by=checked + window if window else None)
    lapse_offers(order, *OfferKind.before_payment())
    order.enter(Deadline.PAYMENT_ACCEPTED, Status.AWAITING_SHIPMENT, checked)
    order.happened(checked, Event.PAYMENT_ACCEPTED, Role.SYSTEM)
    money = order.payment.money.model_dump(mode="json")
    order.notify(at, NotificationKind.PAYMENT_ACCEPTED, Role.BUYER, money=money)
    if not order.open_chargeback:
        order.notify(at, NotificationKind.PAYMENT_ACCEPTED, Role.SELLER, money=money)
