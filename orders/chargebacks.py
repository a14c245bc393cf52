"""A payment's chargebacks, whoever's the money is (R23): each known by the provider's id, its last word
counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from orders import keys
from orders import messages as m
from orders.allocation import allocate, close_if_nothing_is_left
from orders.errors import Refusal, RefusalCode
from orders.messages import ChargebackStatus, Role
from orders.notifications import NotificationKind
from orders.sentences import sentence
from orders.timeline import Event
from orders.values import Instant, Money, Mutable, said_before

if TYPE_CHECKING:
    from orders.order import Order


class Chargeback(Mutable):
    """R23: money that the buyer's bank took back, seen from the seller's side.

    ``chargeback_id`` is the provider's, None where it gave none; ``said_at`` is when it said the last of it.
    """

    chargeback_id: str | None = None
    payment_id: str
    status: ChargebackStatus
    money: Money
    reason: str
    opened_at: Instant
    ended_at: Instant | None = None
    said_at: Instant | None = None

    @property
    def is_open(self) -> bool:
        """Whether the bank has not decided."""
        return self.status is ChargebackStatus.OPENED

    @property
    def is_won(self) -> bool:
        """Whether the seller has won it, so that nothing is taken by it."""
        return self.status is ChargebackStatus.WON


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
    """R23: the buyer's bank took money back, or has decided, or has decided anew.

    One of a payment that was declined is set aside, and so is one of a payment that has not come in, until
    it does.
    """
    told = note_chargeback(order.chargebacks, message, at)
    step = keys.chargeback_step(message.payment_id, order.count("chargeback posting"))
    allocate(order, at, step, won=message.status is ChargebackStatus.WON)
    only = whom_it_concerns(order, message.payment_id)
    for status in told:
        order.happened(at, CHARGEBACK_EVENTS[status], Role.PROVIDER, **chargeback_details(message))
        order.notify(at, CHARGEBACK_NOTIFICATIONS[status], *only, **chargeback_details(message))
    close_if_nothing_is_left(order, message.name, at)


def chargeback_problem(order: Order, message: m.ChargebackReported) -> Refusal | None:
    """It must be about a payment of this order's, also a declined one, or come before any."""
    return not_its_payment(order, message.payment_id)


def not_its_payment(order: Order, payment_id: str) -> Refusal | None:
    """Why what the provider says of this payment does not concern the order; None where it does."""
    payment = order.payment
    said_of = {
        order.payment_id,
        *order.declined_payments,
        *(it.payment_id for it in order.chargebacks),
        *(it.payment_id for it in order.outside_refunds),
    }
    awaits_payment = payment is None or payment.is_declined
    if payment_id not in order.sent_back and (awaits_payment or payment_id in said_of):
        return None
    return Refusal(
        RefusalCode.NOT_IN_THIS_STATUS,
        sentence("Payment {payment_id} is not this order's.", payment_id=payment_id),
    )


def whom_it_concerns(order: Order, payment_id: str) -> tuple[Role, ...]:
    """Who alone is told what the provider takes of this payment; nobody in particular where all are.

    A payment that was declined has brought buyer and seller nothing that could be taken from them (R6).
    """
    payment = order.payment
    if payment and payment.payment_id == payment_id:
        is_declined = payment.is_declined
    else:
        is_declined = payment_id in order.declined_payments
    return (Role.SUPPORT,) if is_declined else ()


def find_chargeback(
    chargebacks: list[Chargeback], message: m.ChargebackReported
) -> Chargeback | None:
    """The chargeback that a report is about; None for a new one."""
    of_payment = [it for it in chargebacks if it.payment_id == message.payment_id]
    if message.chargeback_id is None:
        return of_payment[-1] if of_payment else None
    by_id = {it.chargeback_id: it for it in of_payment}
    # The first may have been reported without an id.
    return by_id.get(message.chargeback_id) or by_id.get(None)


def note_chargeback(
    chargebacks: list[Chargeback], message: m.ChargebackReported, at: datetime
) -> tuple[ChargebackStatus, ...]:
    """Note how a chargeback stands, and say what happened: an end may come without an opening."""
    known = find_chargeback(chargebacks, message)
    is_open = message.status is ChargebackStatus.OPENED
    now = Chargeback(
        chargeback_id=message.chargeback_id or (known.chargeback_id if known else None),
        payment_id=message.payment_id,
        status=message.status,
        money=message.money,
        reason=message.reason or (known.reason if known else ""),
        opened_at=known.opened_at if known else at,
        ended_at=None if is_open else at,
        said_at=message.said_at or (known.said_at if known else None),
    )
    if known is None:
        chargebacks.append(now)
        return (message.status,) if is_open else (ChargebackStatus.OPENED, message.status)
    chargebacks[chargebacks.index(known)] = now
    return (message.status,)


def repeats_chargeback(chargebacks: list[Chargeback], message: m.ChargebackReported) -> bool:
    """Whether this says nothing new: it is known already, or older than what is known."""
    known = find_chargeback(chargebacks, message)
    if known is None:
        return False
    is_same = (message.status, message.money) == (known.status, known.money)
    return is_same or said_before(message.said_at, known.said_at)


def chargeback_details(message: m.ChargebackReported) -> dict[str, Any]:
    """What timeline and notifications say of a report, as JSON values."""
    return {
        "money": message.money.model_dump(mode="json"),
        "chargeback_id": message.chargeback_id,
    }


class _Payment(Protocol):
    """An order, its view, or a stray payment."""

    @property
    def payment_id(self) -> str | None: ...
    @property
    def chargebacks(self) -> list[Chargeback]: ...


class _Order(_Payment, Protocol):
    """An order or its view."""

    @property
    def rules(self) -> int: ...


def open_chargebacks(owner: _Payment) -> list[Chargeback]:
    """R23: those of a payment's chargebacks that the bank has not decided."""
    return [it for it in owner.chargebacks if it.payment_id == owner.payment_id and it.is_open]


def open_chargeback(owner: _Payment) -> Chargeback | None:
    """The first of them."""
    return next(iter(open_chargebacks(owner)), None)


def awaited_chargebacks(order: _Order) -> list[Chargeback]:
    """R23: those that an order waits for, and that support is reminded of; also of a payment that was
    declined or has not come in.
    """
    if order.rules < 5:
        return open_chargebacks(order)
    return [it for it in order.chargebacks if it.is_open]


def moved_chargeback(data: Any) -> Any:
    """What was stored when a payment had one chargeback, without an id, as it is stored now."""
    match data:
        case {
            "payment": {"chargeback": {} as chargeback, "payment_id": str(payment_id)} as payment
        }:
            rest = {name: value for name, value in payment.items() if name != "chargeback"}
            moved = [{**chargeback, "payment_id": payment_id}]
            return {**data, "payment": rest, "chargebacks": moved}
        case {"payment": {"chargeback": None} as payment}:
            rest = {name: value for name, value in payment.items() if name != "chargeback"}
            return {**data, "payment": rest}
        case {"chargeback": {} as chargeback, "payment": {"payment_id": str(payment_id)}}:
            # A stray payment's.
            rest = {name: value for name, value in data.items() if name != "chargeback"}
            return {**rest, "chargebacks": [{**chargeback, "payment_id": payment_id}]}
        case {"chargeback": None}:
            return {name: value for name, value in data.items() if name != "chargeback"}
        case _:
            return data
