"""A refund: money on its way back to whoever paid it (R14, R15, R23)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import ChargebackReported, RefundStatus, Role
from orders.sentences import sentence
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order


class Refund(Mutable):
    """R14, R15: money on its way back. ``overdue`` stays true once the 2 weeks have passed unsettled."""

    refund_id: str
    payment_id: str
    money: Money
    method: str
    status: RefundStatus = RefundStatus.PENDING
    failure_reason: str | None = None
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


def on_refund_update(order: Order, message: m.RefundUpdate, at: datetime) -> None:
    """R15: news of a refund."""
    refund = find_refund(order, message.refund_id)
    if refund:
        refund_news(order, refund, message.status, message.reason, at)


def refund_update_problem(order: Order, message: m.RefundUpdate) -> Refusal | None:
    """The refund must be this order's."""
    if find_refund(order, message.refund_id):
        return None
    return Refusal(
        RefusalCode.UNKNOWN_REFUND,
        sentence("This order has no refund {refund_id}.", refund_id=message.refund_id),
    )


def find_refund(order: Order, refund_id: str) -> Refund | None:
    """A refund of this order by its id, also one that was stopped."""
    return next((refund for refund in order.refunds if refund.refund_id == refund_id), None)


def settle_money(order: Order, at: datetime) -> None:
    """Send what is held for an order that is over where it belongs; nothing while a chargeback is open.

    What is held then for the part that the bank did not take waits too, and support is reminded of it: the
    bank may still take more (R23).
    """
    if order.to_buyer is None or order.open_chargeback or order.payment is None:
        return
    held = -order.books.balance("held")
    owed = order.to_buyer.amount - order.amount_refunded.amount - order.amount_charged_back.amount
    back = min(max(owed, 0), held)
    if back:
        _start_refund(order, at, back)
    if rest := held - back:
        order.book(at, f"seller-credited-{order.count('credit')}", held=rest, seller=-rest)
        order.revision += 1


def _start_refund(order: Order, at: datetime, amount: int) -> None:
    payment = order.payment
    if payment is None or order.closed_at is None:
        raise AssertionError("only a paid order that is closed refunds")
    number = order.count("refund")
    order.book(at, f"refund-{number}-decided", held=amount, refunds=-amount)
    order.refund = Refund(
        refund_id=f"{order.placed.order_id}-refund-{number}",
        payment_id=payment.payment_id,
        money=order.amount_paid.of(amount),
        method=payment.method,
        # From closing; from the bank's decision where that comes later.
        due_by=at + order.policy.refund_window,
        requested_at=at,
    )
    money = order.refund.money.model_dump(mode="json")
    order.happened(at, "refund_started", Role.SYSTEM, money=money)
    order.notify(
        at,
        "refund_started",
        Role.BUYER,
        money=money,
        method=payment.method,
        due_by=order.refund.due_by.isoformat(),
    )


def refund_news(
    order: Order, refund: Refund, status: RefundStatus, reason: str, at: datetime
) -> None:
    """R14, R15, R23: what the provider, or support, says of a refund; the same again changes nothing."""
    if repeats(refund, status):
        return
    stopped, is_known = stops(refund, status), is_known_to_fail(refund, reason)
    refund.status = status
    refund.failure_reason = None if status is RefundStatus.SUCCEEDED else (reason or None)
    order.happened(
        at, f"refund_{status.value}", Role.PROVIDER, refund_id=refund.refund_id, reason=reason
    )
    amount = refund.money.amount
    if status is RefundStatus.SUCCEEDED:
        refund.settled_at = at
        refund.stopping = False
        _take_out(order, at, refund)
        order.amount_refunded = order.amount_refunded.of(order.amount_refunded.amount + amount)
        order.notify(
            at,
            "refund_succeeded",
            Role.BUYER,
            Role.SELLER,
            money=refund.money.model_dump(mode="json"),
        )
    elif stopped:
        refund.stopping = False
        order.book(at, f"{_step(refund)}-stopped", refunds=amount, held=-amount)
        order.earlier_refunds.append(refund)
        order.refund = None
        order.notify(at, "refund_stopped", Role.BUYER, money=refund.money.model_dump(mode="json"))
        settle_money(order, at)
    elif status is not RefundStatus.PENDING and refund is order.refund and not is_known:
        order.notify(at, "refund_failed", Role.BUYER, Role.SUPPORT, reason=reason)


def repeats(refund: Refund, status: RefundStatus) -> bool:
    """Whether this is no news of the refund; what failed does not become pending again, so that is old."""
    is_old = status is RefundStatus.PENDING and refund.status in (
        RefundStatus.FAILED,
        RefundStatus.CANCELED,
    )
    is_same = refund.status is status and not stops(refund, status)
    return refund.is_settled or is_old or is_same


def is_known_to_fail(refund: Refund, reason: str) -> bool:
    """Whether people have been told that this refund does not come by itself, and why: once is enough.

    A refund that waited for the buyer may fail, and one that failed be canceled.
    """
    has_failed = refund.status not in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    return has_failed and (refund.failure_reason or "") == reason


def stops(refund: Refund, status: RefundStatus) -> bool:
    """R23: whether this news says that the refund, which is being stopped, will not be paid.

    One that had failed before is answered the same again, and that is news then.
    """
    return refund.stopping and status in (RefundStatus.CANCELED, RefundStatus.FAILED)


def must_be_stopped(refund: Refund, message: ChargebackReported, taken: int) -> bool:
    """R23: whether this chargeback's news ends the refund: the bank has ``taken`` the same money back.

    So does one that is won, of a refund that has failed: a disputed payment's is refused, and by its own
    news alone it would never go. Its money goes by another one.
    """
    has_failed = refund.status in (RefundStatus.CANCELED, RefundStatus.FAILED)
    return not refund.is_settled and (taken > 0 or (has_failed and message.status == "won"))


def _take_out(order: Order, at: datetime, refund: Refund) -> None:
    amount = refund.money.amount
    if refund is order.refund:
        order.book(at, f"{_step(refund)}-settled", refunds=amount, cash=-amount)
        return
    # A refund that was stopped for a chargeback succeeded after all: it is accounted for out of what is
    # held, and what is not held any more the seller owes (R23).
    held = min(amount, -order.books.balance("held"))
    order.book(at, f"{_step(refund)}-settled", held=held, seller=amount - held, cash=-amount)
    if order.refund and not order.refund.is_settled:
        order.refund.stopping = True  # it is the same money's second way back
    order.notify(at, "refund_after_chargeback", Role.SUPPORT, refund_id=refund.refund_id)


def _step(refund: Refund) -> str:
    return f"refund-{refund.refund_id.rsplit('-', 1)[-1]}"
