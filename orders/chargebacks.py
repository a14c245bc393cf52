"""A payment's chargeback, whoever's the money is (R23): what its news says, and which of it is no news.

What the bank says last is what counts, also of the amount, until it has decided.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from orders import keys
from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import ChargebackStatus, Role
from orders.notifications import NotificationKind
from orders.refunds import settle_money, stop_for_chargeback
from orders.sentences import sentence
from orders.status import CloseReason
from orders.timeline import Event
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order
    from orders.payments import Payment


class Chargeback(Mutable):
    """R23: money that the buyer's bank took back, seen from the seller's side."""

    status: ChargebackStatus
    money: Money
    reason: str
    opened_at: Instant
    ended_at: Instant | None = None

    @property
    def is_open(self) -> bool:
        """Whether the bank has not decided."""
        return self.status is ChargebackStatus.OPENED


CHARGEBACK_EVENTS: Final = {
    ChargebackStatus.OPENED: Event.CHARGEBACK_OPENED,
    ChargebackStatus.WON: Event.CHARGEBACK_WON,
    ChargebackStatus.LOST: Event.CHARGEBACK_LOST,
}
"""What a timeline says of a chargeback that has come to this."""

CHARGEBACK_NOTIFICATIONS: Final = {
    ChargebackStatus.OPENED: NotificationKind.CHARGEBACK_OPENED,
    ChargebackStatus.WON: NotificationKind.CHARGEBACK_WON,
    ChargebackStatus.LOST: NotificationKind.CHARGEBACK_LOST,
}
"""What is told of an order's chargeback that has come to this."""


def on_chargeback(order: Order, message: m.ChargebackReported, at: datetime) -> None:
    """R23: the buyer's bank took money back, or the case ended."""
    payment = order.payment
    if payment is None:
        raise AssertionError("lifecycle lets only a paid order be charged back")
    taken = taken_by_bank(payment, message)
    money = message.money.model_dump(mode="json")
    for status in note_chargeback(payment, message, at):
        order.happened(at, CHARGEBACK_EVENTS[status], Role.PROVIDER, money=money)
        order.notify(at, CHARGEBACK_NOTIFICATIONS[status], money=money)
    if taken:
        _take_charged_back(order, taken, at)
    stop_for_chargeback(order, message, taken)
    if message.status is ChargebackStatus.LOST and payment.is_in_review:
        payment.charge_back(at)
    all_of_it = order.amount_charged_back == order.amount_paid
    if message.status is ChargebackStatus.LOST and all_of_it and order.is_open:
        order.close(at, message.name, CloseReason.CHARGED_BACK, Role.PROVIDER)
    elif message.status is not ChargebackStatus.OPENED:
        settle_money(order, at)


def chargeback_problem(payment: Payment | None, message: m.ChargebackReported) -> Refusal | None:
    """It must be about this payment of the order, not more than was paid, and not decided yet."""
    if payment is None or payment.payment_id != message.payment_id:
        return Refusal(
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence("Payment {payment_id} is not this order's.", payment_id=message.payment_id),
        )
    if payment.is_declined:
        return Refusal(
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence(
                "Payment {payment_id} was declined; no money was taken.",
                payment_id=message.payment_id,
            ),
        )
    return contradiction(payment, message)


def _take_charged_back(order: Order, amount: int, at: datetime) -> None:
    # What is taken comes out of what is held, then off the seller's; what is given back goes the other way.
    if amount > 0:
        held = min(amount, -order.books.balance("held"))
    else:
        held = amount + min(-amount, max(order.books.balance("seller"), 0))
    legs = {"held": held, "seller": amount - held, "cash": -amount}
    payment_id = order.payment.payment_id if order.payment else ""
    order.book(at, keys.chargeback_step(payment_id, order.count("chargeback posting")), **legs)
    order.amount_charged_back = order.amount_charged_back.of(
        order.amount_charged_back.amount + amount
    )


class Charged(Protocol):
    """A payment that came in, an order's or a stray one."""

    chargeback: Chargeback | None

    @property
    def payment_id(self) -> str:
        """The provider's."""

    @property
    def money(self) -> Money:
        """What came in by it."""


def taken_by_bank(payment: Charged, message: m.ChargebackReported) -> int:
    """What the bank takes by this news, in minor units; negative where it gives back what it took."""
    before = payment.chargeback.money.amount if payment.chargeback else 0
    return (0 if message.status is ChargebackStatus.WON else message.money.amount) - before


def note_chargeback(
    payment: Charged, message: m.ChargebackReported, at: datetime
) -> tuple[ChargebackStatus, ...]:
    """Note how the payment's chargeback stands, and say what happened: an end may come without an opening."""
    known = payment.chargeback
    is_open = message.status is ChargebackStatus.OPENED
    payment.chargeback = Chargeback(
        status=message.status,
        money=message.money,
        reason=message.reason or (known.reason if known else ""),
        opened_at=known.opened_at if known else at,
        ended_at=None if is_open else at,
    )
    return (message.status,) if known or is_open else (ChargebackStatus.OPENED, message.status)


def repeats_chargeback(payment: Charged | None, message: m.ChargebackReported) -> bool:
    """Whether this is known already; an opening that arrives after the end says nothing new."""
    known = payment.chargeback if payment and payment.payment_id == message.payment_id else None
    if known is None:
        return False
    is_old = message.status is ChargebackStatus.OPENED and not known.is_open
    return is_old or (message.status, message.money) == (known.status, known.money)


def contradiction(payment: Charged, message: m.ChargebackReported) -> Refusal | None:
    """It must not be decided yet, and not be more than was paid."""
    if payment.chargeback and not payment.chargeback.is_open:
        return Refusal(
            RefusalCode.ALREADY_ANSWERED,
            sentence("The chargeback was won already.")
            if payment.chargeback.status is ChargebackStatus.WON
            else sentence("The chargeback was lost already."),
        )
    if (
        message.money.currency != payment.money.currency
        or message.money.amount > payment.money.amount
    ):
        return Refusal(
            RefusalCode.WRONG_AMOUNT,
            sentence("At most the amount paid can be charged back: {paid}.", paid=payment.money),
        )
    return None
