"""Payments: what came in, its check, and one that was declined (R5-R7)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from orders import keys
from orders import messages as m
from orders.chargebacks import Chargeback
from orders.errors import Refusal, RefusalCode
from orders.lifecycle import Deadline
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import OfferKind, lapse_offers
from orders.sentences import sentence
from orders.shipments import Shipment
from orders.status import Status
from orders.timeline import Event
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order

# Of a buyer who tries one card after the other; a payment can't be mistaken for one that is forgotten.
_MOST_DECLINED = 200


class PaymentStatus(StrEnum):
    """R5, R6, R23: where the payment that the order took is."""

    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CHARGED_BACK = "charged_back"


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
    chargeback: Chargeback | None = None

    @property
    def is_in_review(self) -> bool:
        """Whether it is being checked (R5)."""
        return self.status is PaymentStatus.IN_REVIEW

    @property
    def is_declined(self) -> bool:
        """Whether the provider turned it down (R6)."""
        return self.status is PaymentStatus.DECLINED

    @property
    def open_chargeback(self) -> Chargeback | None:
        """The chargeback, while the bank has not decided (R23)."""
        return self.chargeback if self.chargeback and self.chargeback.is_open else None

    def accept(self, at: datetime) -> None:
        """R7: its check is over."""
        self.status = PaymentStatus.ACCEPTED
        self.decided_at = at

    def decline(self, reason: str, at: datetime) -> None:
        """R6: no money of it was taken, and none can be charged back."""
        self.status = PaymentStatus.DECLINED
        self.declined_reason = reason
        self.decided_at = at
        self.chargeback = None

    def charge_back(self, at: datetime) -> None:
        """R23: the bank took it back while it was checked."""
        self.status = PaymentStatus.CHARGED_BACK
        self.decided_at = at


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
    amount = message.money.amount
    order.book(at, keys.payment_step(message.payment_id), cash=amount, held=-amount)
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
    payment = order.payment
    is_ours = payment is not None and payment.payment_id == message.payment_id
    return message.payment_id in order.declined_unseen or (
        is_ours and payment is not None and payment.money != message.money
    )


def on_payment_declined(order: Order, message: m.PaymentDeclined, at: datetime) -> None:
    """R6: the provider turned a payment down; the 20 days go on from where they started."""
    order.declined_payments = [*order.declined_payments, message.payment_id][-_MOST_DECLINED:]
    payment = order.payment
    order.happened(
        at,
        Event.PAYMENT_DECLINED,
        Role.PROVIDER,
        payment_id=message.payment_id,
        reason=message.reason,
    )
    if payment is None or payment.payment_id != message.payment_id:
        order.declined_unseen = [*order.declined_unseen, message.payment_id][-_MOST_DECLINED:]
        return
    amount = payment.money.amount - order.amount_charged_back.amount
    order.book(at, keys.payment_declined_step(message.payment_id), held=amount, cash=-amount)
    payment.decline(message.reason, at)
    order.amount_paid = order.amount_paid.of(0)
    order.amount_charged_back = order.amount_charged_back.of(0)
    order.enter(message.name, Status.AWAITING_PAYMENT, at)
    if at < order.pay_by:
        order.notify(
            at,
            NotificationKind.PAYMENT_DECLINED,
            reason=message.reason,
            pay_by=order.pay_by.isoformat(),
        )
    else:
        order.notify(
            at,
            NotificationKind.PAYMENT_DECLINED_LATE,
            reason=message.reason,
        )


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
    order.notify(at, NotificationKind.PAYMENT_ACCEPTED, Role.BUYER)
    if not order.open_chargeback:
        order.notify(at, NotificationKind.PAYMENT_ACCEPTED, Role.SELLER)
