"""Refunds: money on its way back to whoever paid it (R14, R15, R23).

An order's and a stray payment's follow the same rules: one at a time, asked for until the provider answers,
asked about at policy's instants, overdue after the 2 weeks, stopped when the bank takes the same money back.
What is booked then and who is told is each owner's own: an order's below, a stray payment's in
``orders.stray_payments``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any, Final, Protocol

from orders import keys
from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import ChargebackStatus, RefundStatus, Role
from orders.notifications import NotificationKind
from orders.policy import Policy
from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence
from orders.timeline import Event
from orders.values import Instant, Money, Mutable, next_multiple

if TYPE_CHECKING:
    from orders.order import Order

_SHORTEST_INTERVAL = timedelta(seconds=1)


class Refund(WithSentences, Mutable):
    """R14, R15: money on its way back. ``overdue`` stays true once the 2 weeks have passed unsettled."""

    refund_id: str
    payment_id: str
    money: Money
    method: str
    status: RefundStatus = RefundStatus.PENDING
    failure_reason: Text | None = None
    due_by: Instant
    overdue: bool = False
    requested_at: Instant
    asked_at: Instant | None = None
    settled_at: Instant | None = None
    stopping: bool = False
    """A chargeback came in while it was under way: the provider is asked to stop it (R23)."""
    stop_asked_at: Instant | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the money is back."""
        return self.status is RefundStatus.SUCCEEDED

    @property
    def has_failed(self) -> bool:
        """Whether the provider says that the money does not arrive without help."""
        return self.status in RefundStatus.failed()

    def miss_due_date(self) -> tuple[Role, ...]:
        """R15: note that it is overdue; who is told. Of one that is stopped the payer has the money (R23)."""
        self.overdue = True
        return (Role.SUPPORT,) if self.stopping else (Role.SUPPORT, Role.BUYER)


REFUND_EVENTS: Final = {
    RefundStatus.PENDING: Event.REFUND_PENDING,
    RefundStatus.REQUIRES_ACTION: Event.REFUND_REQUIRES_ACTION,
    RefundStatus.SUCCEEDED: Event.REFUND_SUCCEEDED,
    RefundStatus.FAILED: Event.REFUND_FAILED,
    RefundStatus.CANCELED: Event.REFUND_CANCELED,
}
"""What a timeline says of a refund that has come to this."""


class RefundOwner(Protocol):
    """What money is refunded of: an order, or a payment that no order can take (R17)."""

    refund: Refund | None
    """None while nothing is to go back by one."""
    earlier_refunds: list[Refund]
    """Those that were stopped for a chargeback."""
    refund_check_due: bool

    @property
    def policy(self) -> Policy:
        """R22: what it goes by."""

    @property
    def paid(self) -> Money:
        """What came in by the payment that is refunded."""

    def refund_asked(self, refund: Refund) -> None:
        """The provider has been asked to refund, or to stop, and has answered."""

    def update_refund(
        self, refund: Refund, status: RefundStatus, reason: str, at: datetime
    ) -> None:
        """What the provider, or support, says of a refund; the same again changes nothing."""

    def refund_checked(
        self, refund: Refund, status: RefundStatus | None, reason: str, at: datetime
    ) -> None:
        """R15: the answer of a check of this refund; None when the provider could not be asked."""


class RefundChange(StrEnum):
    """What became of a refund by what was said of it."""

    NOTED = auto()
    """Nothing that its owner has to act upon."""
    SUCCEEDED = auto()
    SUCCEEDED_AFTER_STOP = auto()
    """It was stopped for a chargeback, and paid after all: the payer has the money twice (R23)."""
    STOPPED = auto()
    FAILED = auto()


def refunds_of(owner: RefundOwner) -> list[Refund]:
    """Every refund, also those that were stopped."""
    return [*owner.earlier_refunds, *([owner.refund] if owner.refund else [])]


def find_refund(owner: RefundOwner, refund_id: str) -> Refund | None:
    """A refund by its id, also one that was stopped."""
    return next((it for it in refunds_of(owner) if it.refund_id == refund_id), None)


def refund_under_way(owner: RefundOwner) -> Refund | None:
    """The refund that is not settled yet."""
    return owner.refund if owner.refund and not owner.refund.is_settled else None


def start_refund(
    owner: RefundOwner, refund_id: str, payment_id: str, method: str, money: Money, at: datetime
) -> Refund:
    """R14: money is to go back to where it came from, within 2 weeks of this instant."""
    owner.refund = Refund(
        refund_id=refund_id,
        payment_id=payment_id,
        money=money,
        method=method,
        due_by=at + owner.policy.refund_window,
        requested_at=at,
    )
    return owner.refund


def apply_status(
    owner: RefundOwner, refund: Refund, status: RefundStatus, reason: str, at: datetime
) -> RefundChange | None:
    """R14, R15, R23: note what the provider, or support, says of a refund; None when it is known."""
    if repeats(refund, status):
        return None
    is_stopped, is_known = _stops(refund, status), _is_known_to_fail(refund, reason)
    refund.status = status
    refund.failure_reason = None if status is RefundStatus.SUCCEEDED else (reason or None)
    if status is RefundStatus.SUCCEEDED:
        refund.settled_at = at
        refund.stopping = False
        if refund is owner.refund:
            return RefundChange.SUCCEEDED
        if second := refund_under_way(owner):
            second.stopping = True  # it is the same money's second way back
        return RefundChange.SUCCEEDED_AFTER_STOP
    if is_stopped:
        refund.stopping = False
        owner.earlier_refunds.append(refund)
        owner.refund = None
        return RefundChange.STOPPED
    must_tell = status is not RefundStatus.PENDING and refund is owner.refund and not is_known
    return RefundChange.FAILED if must_tell else RefundChange.NOTED


def repeats(refund: Refund, status: RefundStatus) -> bool:
    """Whether this is no news of the refund; what failed does not become pending again, so that is old."""
    is_old = status is RefundStatus.PENDING and refund.has_failed
    is_same = refund.status is status and not _stops(refund, status)
    return refund.is_settled or is_old or is_same


def _is_known_to_fail(refund: Refund, reason: str) -> bool:
    """Whether people have been told that this refund does not arrive without help, and why: once is enough.

    A refund that waited for the buyer may fail, and one that failed be canceled.
    """
    has_failed = refund.status not in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    return has_failed and (refund.failure_reason or "") == reason


def _stops(refund: Refund, status: RefundStatus) -> bool:
    """R23: whether this news says that the refund, which is being stopped, will not be paid.

    One that had failed before is answered the same again, and that is news then.
    """
    return refund.stopping and status in RefundStatus.failed()


def stop_for_chargeback(owner: RefundOwner, message: m.ChargebackReported, taken: int) -> None:
    """R23: have the refund stopped if this chargeback's news ends it: the bank ``taken`` the same money back.

    So does one that is won, of a refund that has failed: a disputed payment's is refused, and by its own
    news alone it would never go. Its money goes by another one.
    """
    refund = refund_under_way(owner)
    is_won = message.status is ChargebackStatus.WON
    if refund and (taken > 0 or (refund.has_failed and is_won)):
        refund.stopping = True


def next_check(refund: Refund, policy: Policy, after: datetime) -> datetime:
    """R15: when the provider is asked next: at policy's instants, then again and again until it is back."""
    instants = [refund.requested_at + check for check in sorted(policy.refund_checks)]
    at = next((it for it in instants if it > after), None)
    if at is None:
        start = instants[-1] if instants else refund.requested_at
        # At the least, whatever policy says: the provider is asked until it answers.
        at = next_multiple(start, max(policy.dispute_reminder, _SHORTEST_INTERVAL), after)
    # Policy's checks need not meet the end of its window.
    return refund.due_by if after < refund.due_by < at else at


def end_check(owner: RefundOwner, refund: Refund) -> None:
    """A check was made; a refund that has not been stopped yet is asked to stop again (R23)."""
    owner.refund_check_due = False
    refund.stop_asked_at = None


def on_refund_update(order: Order, message: m.RefundUpdate, at: datetime) -> None:
    """R15: news of a refund."""
    if refund := find_refund(order, message.refund_id):
        order.update_refund(refund, message.status, message.reason, at)


def refund_update_problem(order: Order, message: m.RefundUpdate) -> Refusal | None:
    """The refund must be this order's."""
    if find_refund(order, message.refund_id):
        return None
    return Refusal(
        RefusalCode.UNKNOWN_REFUND,
        sentence("This order has no refund {refund_id}.", refund_id=message.refund_id),
    )


def settle_money(order: Order, at: datetime) -> None:
    """Send what is held for an order that is over where it belongs; nothing while a chargeback is open.

    What is held then for the part that the bank did not take waits too, and support is reminded of it: the
    bank may still take more (R23).
    """
    if order.to_buyer is None or order.open_chargeback or order.payment is None:
        return
    held = -order.books.balance("held")
    back = _amount_due_back(order, order.to_buyer, held)
    if back:
        _refund(order, at, back)
    if rest := held - back:
        order.book(at, keys.seller_credited_step(order.count("credit")), held=rest, seller=-rest)
        order.revision += 1


def refund_due(order: Order) -> dict[str, Any] | None:
    """The money that ``settle_money`` sends back to the buyer, as JSON values; None where that is nothing."""
    if order.to_buyer is None or order.open_chargeback:
        return None
    back = _amount_due_back(order, order.to_buyer, -order.books.balance("held"))
    return order.amount_paid.of(back).model_dump(mode="json") if back else None


def _amount_due_back(order: Order, to_buyer: Money, held: int) -> int:
    owed = to_buyer.amount - order.amount_refunded.amount - order.amount_charged_back.amount
    return min(max(owed, 0), held)


def _refund(order: Order, at: datetime, amount: int) -> None:
    payment = order.payment
    if payment is None or order.closed_at is None:
        raise AssertionError("only a paid order that is closed refunds")
    number = order.count("refund")
    order.book(at, keys.refund_decided_step(number), held=amount, refunds=-amount)
    # The 2 weeks run from closing; from the bank's decision where that comes later.
    refund_id = keys.order_refund_id(order.placed.order_id, number)
    money = order.amount_paid.of(amount)
    refund = start_refund(order, refund_id, payment.payment_id, payment.method, money, at)
    order.happened(at, Event.REFUND_STARTED, Role.SYSTEM, money=money.model_dump(mode="json"))
    order.notify(
        at,
        NotificationKind.REFUND_STARTED,
        money=money.model_dump(mode="json"),
        method=payment.method,
        due_by=refund.due_by.isoformat(),
    )


def update_refund(
    order: Order, refund: Refund, status: RefundStatus, reason: str, at: datetime
) -> None:
    """R14, R15, R23: book what became of an order's refund, and tell whom it concerns."""
    change = apply_status(order, refund, status, reason, at)
    if change is None:
        return
    order.happened(
        at, REFUND_EVENTS[status], Role.PROVIDER, refund_id=refund.refund_id, reason=reason
    )
    number = refund_number(refund)
    amount, money = refund.money.amount, refund.money.model_dump(mode="json")
    match change:
        case RefundChange.SUCCEEDED | RefundChange.SUCCEEDED_AFTER_STOP:
            if change is RefundChange.SUCCEEDED:
                order.book(at, keys.refund_settled_step(number), refunds=amount, cash=-amount)
            else:
                # It is accounted for out of what is held; what is not held any more the seller owes (R23).
                held = min(amount, -order.books.balance("held"))
                legs = {"held": held, "seller": amount - held, "cash": -amount}
                order.book(at, keys.refund_settled_step(number), **legs)
                order.notify(
                    at,
                    NotificationKind.REFUND_AFTER_CHARGEBACK,
                    refund_id=refund.refund_id,
                )
            order.amount_refunded = order.amount_refunded.of(order.amount_refunded.amount + amount)
            order.notify(at, NotificationKind.REFUND_SUCCEEDED, money=money)
        case RefundChange.STOPPED:
            order.book(at, keys.refund_stopped_step(number), refunds=amount, held=-amount)
            order.notify(at, NotificationKind.REFUND_STOPPED, money=money)
            settle_money(order, at)
        case RefundChange.FAILED:
            order.notify(at, NotificationKind.REFUND_FAILED, reason=reason, money=money)
        case RefundChange.NOTED:
            pass


def refund_number(refund: Refund) -> int:
    """Which of its owner's it is, from 1."""
    parts = keys.read_refund_id(refund.refund_id, refund.payment_id)
    if parts is None:
        raise AssertionError(f"{refund.refund_id} is no id of ours")
    return parts.number
