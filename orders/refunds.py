"""Refunds: money on its way back to whoever paid it (R14, R15, R23).

An order's and a stray payment's follow the same rules: one at a time, asked for until the provider answers,
asked about at policy's instants, overdue after the 2 weeks, stopped when the payer gets the same money
another way. One that failed is not asked for again by itself: support is told, and says what has become of
the money. What is booked then and who is told is each owner's own: ``orders.order_refunds``,
``orders.stray_payments``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Final, NamedTuple, Protocol

from orders import keys
from orders import messages as m
from orders.messages import RefundStatus, Role
from orders.policy import Policy
from orders.sentence_fields import Text, WithSentences
from orders.timeline import Event
from orders.values import Instant, Money, Mutable, next_multiple, said_before

_SHORTEST_INTERVAL = timedelta(seconds=1)


class Refund(WithSentences, Mutable):
    """R14, R15: money on its way back. ``overdue`` stays true once the 2 weeks have passed unsettled."""

    refund_id: str
    payment_id: str
    money: Money
    method: str
    status: RefundStatus = RefundStatus.PENDING
    failure_reason: Text | None = None
    act_by: Instant | None = None
    """Until when the provider waits for the buyer to act (R15), if it says so."""
    note: str = ""
    """What support knows of it (R25)."""
    due_by: Instant
    overdue: bool = False
    requested_at: Instant
    """When it was decided that the money goes back."""
    asked_at: Instant | None = None
    """When the provider was asked for it."""
    settled_at: Instant | None = None
    provider_status: RefundStatus | None = None
    """The provider's last word, which support may know better."""
    said_at: Instant | None = None
    """When the provider said it."""
    times_settled: int = 0
    """More than once where it had come back (R15)."""
    stopping: bool = False
    """It would give the payer more than is due: the provider is asked to stop it (R23)."""
    stop_is_being_asked: bool = False
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


class RefundReport(NamedTuple):
    """What the provider, or support, says of a refund.

    ``said_at`` is when the provider said it, ``act_by`` until when it waits for the buyer to act.
    """

    status: RefundStatus
    reason: str = ""
    by: Role = Role.PROVIDER
    note: str = ""
    said_at: datetime | None = None
    act_by: datetime | None = None

    @classmethod
    def of(cls, message: m.RefundUpdate) -> RefundReport:
        """What a message says."""
        return cls(
            message.status,
            message.reason,
            Role(message.by or Role.PROVIDER),
            message.note,
            message.said_at,
            message.act_by,
        )


def what_is_asked(report: RefundReport) -> dict[str, Any]:
    """R15: what people are told of a refund that waits for its payer, as JSON values."""
    act_by = report.act_by.isoformat() if report.act_by else None
    return {"reason": report.reason, "act_by": act_by}


class RefundOwner(Protocol):
    """What money is refunded of: an order, or a payment that no order can take (R17)."""

    refund: Refund | None
    """None while nothing is to go back by one."""
    earlier_refunds: list[Refund]
    """Those before it: paid, or stopped as the payer had the money another way."""
    refund_check_due: bool

    @property
    def policy(self) -> Policy:
        """R22: what it goes by."""

    @property
    def paid(self) -> Money:
        """What came in by the payment that is refunded."""

    def refund_asked(self, refund: Refund) -> None:
        """The provider has been asked to refund, or to stop, and has answered."""

    def update_refund(self, refund: Refund, report: RefundReport, at: datetime) -> None:
        """What the provider, or support, says of a refund; the same again changes nothing."""

    def refund_checked(self, refund: Refund, report: RefundReport | None, at: datetime) -> None:
        """R15: the answer of a check of this refund; None when the provider could not be asked."""


class RefundChange(StrEnum):
    """What became of a refund by what was said of it."""

    NOTED = auto()
    """Nothing that its owner has to act upon."""
    SUCCEEDED = auto()
    SUCCEEDED_AFTER_STOP = auto()
    """It was stopped, as the payer had the money another way, and paid after all (R23)."""
    STOPPED = auto()
    FAILED = auto()
    REQUIRES_ACTION = auto()
    """The payer has to do something about it."""
    RETURNED = auto()
    """It had been paid, and has come back (R15)."""


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
    if owner.refund:
        owner.earlier_refunds.append(owner.refund)
    owner.refund = Refund(
        refund_id=refund_id,
        payment_id=payment_id,
        money=money,
        method=method,
        due_by=at + owner.policy.refund_window,
        requested_at=at,
    )
    return owner.refund


def apply_report(
    owner: RefundOwner, refund: Refund, report: RefundReport, at: datetime
) -> RefundChange | None:
    """R14, R15, R23: note what the provider, or support, says of a refund; None when it says nothing new."""
    if repeats(refund, report):
        return None
    status, reason = report.status, report.reason
    is_stopped, is_known = _stops(refund, status), _is_known_to_fail(refund, reason)
    was_settled, refund.status = refund.is_settled, status
    refund.failure_reason = None if refund.is_settled else (reason or None)
    refund.act_by = report.act_by if status is RefundStatus.REQUIRES_ACTION else None
    refund.note = report.note or refund.note
    if report.by is Role.PROVIDER:
        refund.provider_status = status
        refund.said_at = report.said_at or refund.said_at
    if refund.is_settled:
        refund.settled_at = at
        refund.times_settled += 1
        refund.stopping = False
        is_current = refund is owner.refund
        return RefundChange.SUCCEEDED if is_current else RefundChange.SUCCEEDED_AFTER_STOP
    if was_settled:
        refund.settled_at = None
        refund.overdue = at >= refund.due_by
        return RefundChange.RETURNED
    if is_stopped:
        refund.stopping = False
        owner.earlier_refunds.append(refund)
        owner.refund = None
        return RefundChange.STOPPED
    if status is RefundStatus.PENDING or refund is not owner.refund or is_known:
        return RefundChange.NOTED
    return RefundChange.FAILED if refund.has_failed else RefundChange.REQUIRES_ACTION


def repeats(refund: Refund, report: RefundReport) -> bool:
    """Whether this says nothing new of the refund.

    What failed is not under way again, and what is paid only comes back. What the provider has said
    before, or before what it said last, is old, also where support has known better since.
    """
    status = report.status
    if report.by is Role.PROVIDER:
        is_older = said_before(report.said_at, refund.said_at)
        if is_older or (refund.provider_status is status and not _stops(refund, status)):
            return True
    if refund.is_settled:
        return status not in RefundStatus.failed()
    is_old = refund.has_failed and status not in (*RefundStatus.failed(), RefundStatus.SUCCEEDED)
    return is_old or (refund.status is status and not _stops(refund, status))


def _is_known_to_fail(refund: Refund, reason: str) -> bool:
    """Whether people have been told that this refund does not arrive without help, and why: once is enough.

    A refund that failed may be canceled.
    """
    return refund.has_failed and (refund.failure_reason or "") == reason


def _stops(refund: Refund, status: RefundStatus) -> bool:
    """R23: whether this says that the refund, which is being stopped, will not be paid.

    One that had failed before is answered the same again, and that is new then.
    """
    return refund.stopping and status in RefundStatus.failed()


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


def refund_number(refund: Refund) -> int:
    """Which of its owner's it is, from 1."""
    parts = keys.read_refund_id(refund.refund_id, refund.payment_id)
    if parts is None:
        raise AssertionError(f"{refund.refund_id} is no id of ours")
    return parts.number
