"""Money that no order can take (R17): what is known of it, and its way back."""

from datetime import datetime
from typing import Any

from pydantic import Field

from orders.books import Posting
from orders.clock import next_refund_check
from orders.closing import repeats
from orders.messages import RefundStatus, Role
from orders.model import Notice, Party, Refund, TimelineEntry
from orders.policy import Policy
from orders.values import (
    Frozen,
    Instant,
    LongText,
    Mutable,
    OrderId,
    PaymentId,
    PositiveMoney,
    ShortText,
)

# Stray money was placed with no policy of its own; the marketplace's present one holds for it.
_POLICY = Policy()


class StrayPayment(Frozen):
    """The input of StrayPaymentWorkflow: a payment, why no order takes it, and its payer where known.

    ``reason`` is a refusal code of the contract, or ``unknown_order``.
    """

    payment_id: PaymentId
    money: PositiveMoney
    method: ShortText
    reason: LongText
    order_id: OrderId | None = None
    payer: Party | None = None


class Stray(Mutable):
    """The state of stray money on its way back; also what its query shows."""

    payment: StrayPayment
    refund: Refund
    timeline: list[TimelineEntry] = Field(default_factory=list)
    postings: list[Posting] = Field(default_factory=list)
    notices: list[Notice] = Field(default_factory=list)
    clock: Instant
    check_due: bool = False

    @classmethod
    def new(cls, payment: StrayPayment, at: datetime) -> "Stray":
        """It has come in; it goes back in full, within the 2 weeks of R14."""
        stray = cls(
            payment=payment,
            clock=at,
            refund=Refund(
                refund_id=f"stray-{payment.payment_id}-refund",
                payment_id=payment.payment_id,
                money=payment.money,
                method=payment.method,
                due_by=at + _POLICY.refund_window,
                requested_at=at,
            ),
        )
        stray._post(at, "received", 1)
        stray._happened(at, "stray_received", reason=payment.reason)
        stray._tell(at, "stray_refund_started", Role.BUYER, due_by=stray.refund.due_by.isoformat())
        return stray

    @property
    def books_id(self) -> str:
        """What its books go by; no order's id can look like it."""
        return f"stray/{self.payment.payment_id}"

    @property
    def next_check(self) -> datetime:
        """When the provider is asked for the refund's state next."""
        return next_refund_check(
            self.refund.requested_at, _POLICY.refund_checks, _POLICY.dispute_reminder, self.clock
        )

    def news(self, status: RefundStatus, reason: str, at: datetime) -> None:
        """What the provider, or support, says of the refund; the same again changes nothing."""
        refund = self.refund
        if repeats(refund, status):
            return
        refund.status = status
        refund.failure_reason = None if status is RefundStatus.SUCCEEDED else (reason or None)
        self._happened(at, f"refund_{status.value}", reason=reason)
        if status is RefundStatus.SUCCEEDED:
            refund.settled_at = at
            self._post(at, "returned", -1)
            self._tell(at, "stray_refund_succeeded", Role.BUYER)
        elif status is not RefundStatus.PENDING:
            self._tell(at, "stray_refund_failed", Role.SUPPORT, reason=reason)
            self._tell(at, "stray_refund_failed", Role.BUYER, reason=reason)

    def let_time_pass(self, now: datetime) -> None:
        """R15: at certain instants the provider is to be asked."""
        if now >= self.next_check:
            self.check_due = True
            self.clock = now

    def checked(self, now: datetime) -> None:
        """R15: the provider was asked; past the 2 weeks its silence is overdue, and people are told, once."""
        self.check_due = False
        if now >= self.refund.due_by and not (self.refund.overdue or self.refund.is_settled):
            self.refund.overdue = True
            self._happened(now, "refund_overdue")
            self._tell(now, "stray_refund_overdue", Role.SUPPORT)
            self._tell(now, "stray_refund_overdue", Role.BUYER)

    def _happened(self, at: datetime, what: str, **details: Any) -> None:
        self.timeline.append(TimelineEntry(at=at, what=what, by=Role.SYSTEM, details=details))

    def _tell(self, at: datetime, what: str, to: Role, **details: Any) -> None:
        # Numbered by what is told, as an order's notices are.
        about = self.timeline[-1].what
        number = sum(entry.what == about for entry in self.timeline)
        self.notices.append(
            Notice(
                key=f"stray-{self.payment.payment_id}:{what}:{about}-{number}:{to}",
                to=to,
                what=what,
                at=at,
                details={"money": self.payment.money.model_dump(mode="json"), **details},
            )
        )

    def _post(self, at: datetime, step: str, sign: int) -> None:
        amount = sign * self.payment.money.amount
        self.postings.append(
            Posting(
                order_id=self.books_id,
                step=step,
                at=at,
                currency=self.payment.money.currency,
                legs={"cash": amount, "stray": -amount},
            )
        )
