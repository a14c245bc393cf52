"""The order: what was placed, and everything that has come of it, as one model.

The sub-objects are the ones the contract's ``OrderView`` shows, so the view copies and never converts.
Nothing here decides: ``orders.lifecycle`` says what may happen, and ``orders.handlers`` makes it happen. Each
noun's module has its model and its rules; they ask the order that they are given to enter a status, to close
or to tell somebody, and import it for its type alone.
"""

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from pydantic import Field, PrivateAttr, model_validator

from orders import allocation, closing, order_refunds, schedule
from orders.accounting import Balances, Posting
from orders.cancellations import Cancellation
from orders.chargebacks import Chargeback, moved_chargeback, open_chargeback
from orders.conversation import ChatMessage
from orders.disputes import Dispute, DisputeReason
from orders.lifecycle import TRANSITIONS
from orders.messages import Role
from orders.notifications import RECIPIENTS, Notification, NotificationKind
from orders.offers import Offer
from orders.outside_refunds import OutsideRefund
from orders.payments import Payment, PendingPayment
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.refunds import Refund, RefundReport, end_check
from orders.sentence_fields import Text, WithSentences
from orders.sentences import Sentence
from orders.shipments import Shipment
from orders.status import CloseReason, Status
from orders.timeline import Event, TimelineEntry
from orders.unmatched import ResolvedAmount
from orders.values import Balance, Frozen, Instant, Money, Mutable

# A workflow's state must stay well under the 2 MB that Temporal takes.
_MOST_EVENTS = 600
_LONGEST_DETAIL = 200

LATEST_RULES: Final = 5


class Refused(WithSentences, Frozen):
    """A message that could not be taken, and why."""

    at: Instant
    name: str
    reason: Text


class StrayPayment(Frozen):
    """R17: money that this order could not take and that must go back, less what was taken of it before."""

    payment_id: str
    money: Money
    method: str
    reason: str
    chargebacks: tuple[Chargeback, ...] = ()
    outside_refunds: tuple[OutsideRefund, ...] = ()


def _instant(entry: TimelineEntry) -> datetime:
    return entry.at


def _shortened(value: Any) -> Any:
    # Our own sentences are short enough, and cut off they would be plain text.
    if isinstance(value, Sentence) or not isinstance(value, str) or len(value) <= _LONGEST_DETAIL:
        return value
    return f"{value[:_LONGEST_DETAIL]}…"


class Order(Mutable):
    """One order, whole: all that must survive a continue-as-new is in here."""

    placed: PlaceOrder
    rules: int = 1
    """The version of the rules that it was placed under, and lives by; 3 and 4 are 2 with fewer timers, and
    by 5 every open chargeback is waited for, whatever payment it is of.
    """
    placed_at: Instant
    status: Status = Status.AWAITING_PAYMENT
    status_since: Instant
    close_reason: CloseReason | None = None
    closed_at: Instant | None = None
    pay_by: Instant
    amount_due: Money
    amount_paid: Money
    amount_refunded: Money
    amount_charged_back: Money
    books: Balances
    to_buyer: Money | None = None
    """After closing: how much of the money the buyer gets back in all; None while it is open."""

    payment: Payment | None = None
    cancellation: Cancellation | None = None
    shipment: Shipment | None = None
    dispute: Dispute | None = None
    refund: Refund | None = None
    earlier_refunds: list[Refund] = Field(default_factory=list)
    chargebacks: list[Chargeback] = Field(default_factory=list)
    """Those of its payment, and any of one that was declined or has not come in (R23)."""
    outside_refunds: list[OutsideRefund] = Field(default_factory=list)
    unmatched_resolutions: list[ResolvedAmount] = Field(default_factory=list)
    pending_payments: list[PendingPayment] = Field(default_factory=list)
    """R1a: those under way."""
    pending_until: Instant | None = None
    """R1a: when the last of them came in or failed."""
    ground: DisputeReason | None = None
    """A ground for a dispute that policy ``offer`` leaves to the buyer (R12, R13)."""

    offers: list[Offer] = Field(default_factory=list)
    messages: list[ChatMessage] = Field(default_factory=list)
    timeline: list[TimelineEntry] = Field(default_factory=list)
    refused: list[Refused] = Field(default_factory=list)

    handled_until: Instant = Field(alias="clock")
    """Up to when the passing of time has been handled; reminders before it are not due again."""
    revision: int = 0
    """Grows with every change."""
    counters: dict[str, int] = Field(default_factory=dict)
    message_ids: list[str] = Field(default_factory=list)
    declined_payments: list[str] = Field(default_factory=list)
    declined_unseen: list[str] = Field(default_factory=list)
    """Payment ids that were declined before they ever came in."""
    postings: list[Posting] = Field(default_factory=list)
    notifications: list[Notification] = Field(default_factory=list, alias="notices")
    """Not yet handed over for delivery."""
    stray_payments_to_start: list[StrayPayment] = Field(default_factory=list, alias="strays")
    """Not yet handed over to a workflow of their own."""
    sent_back: dict[str, Money | None] = Field(default_factory=dict, alias="stray_payments")
    """Every payment that went that way, so that a repeat does not go twice; of old ones the id alone."""
    contradicted: list[str] = Field(default_factory=list)
    """Payment ids of which the provider said one thing, and then another."""
    refund_check_due: bool = False
    earlier_disputes: list[Dispute] = Field(default_factory=list)
    """Of which the dispute desk has not been told the end yet."""
    filed: dict[str, str] = Field(default_factory=dict)
    """What the dispute desk was last told, by dispute, so that it is told only of changes."""
    reopened: bool = False
    """Whether its workflow had ended, and was started again for something that was said of its money."""
    goes_on_from: Instant | None = None
    """When what it was reopened from last changed, until it is known that nothing has happened since."""
    opening: list[Posting] = Field(default_factory=list)
    """What was booked before it was reopened, as balances brought forward; not to be booked again."""
    numbered_from: int = 0
    """What numbers start after; a reopened order does not know those that it has used."""

    _sender_id: str | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _as_stored_now(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(ids := data.get("stray_payments"), list):
            data = {**data, "stray_payments": dict.fromkeys(ids)}
        return moved_chargeback(data)

    @classmethod
    def new(cls, placed: PlaceOrder, at: datetime, rules: int = LATEST_RULES) -> "Order":
        """R1: a freshly placed order, waiting to be paid."""
        nothing = placed.total.of(0)
        order = cls(
            placed=placed,
            rules=rules,
            placed_at=at,
            status_since=at,
            pay_by=at + placed.policy.payment_window,
            amount_due=placed.total,
            amount_paid=nothing,
            amount_refunded=nothing,
            amount_charged_back=nothing,
            books=Balances(),
            handled_until=at,
        )
        order.happened(at, Event.PLACED, Role.BUYER)
        order.notify(
            at,
            NotificationKind.ORDER_PLACED,
            amount_due=order.amount_due.model_dump(mode="json"),
            pay_by=order.pay_by.isoformat(),
        )
        return order

    @property
    def policy(self) -> Policy:
        """R22: the policy it was placed with."""
        return self.placed.policy

    @property
    def is_open(self) -> bool:
        """Whether the order can still change by what buyer, seller or support do."""
        return self.status not in Status.ended()

    @property
    def paid(self) -> Money:
        """See ``orders.refunds.RefundOwner``."""
        if self.payment is None:
            raise AssertionError("what has not been paid is not refunded")
        return self.payment.money

    @property
    def open_dispute(self) -> Dispute | None:
        """The dispute, while it waits for its end."""
        return self.dispute if self.dispute and self.dispute.is_open else None

    @property
    def payment_id(self) -> str | None:
        """See ``orders.allocation.PaymentFacts``."""
        return self.payment.payment_id if self.payment else None

    @property
    def received(self) -> Money:
        """See ``orders.allocation.PaymentFacts``."""
        return self.amount_paid

    @property
    def was_reversed(self) -> bool:
        """See ``orders.allocation.PaymentFacts``."""
        return self.payment is not None and self.payment.was_reversed

    @property
    def all_postings(self) -> list[Posting]:
        """What was booked for it, also before it was reopened."""
        return [*self.opening, *self.postings]

    @property
    def unmatched(self) -> list[Balance]:
        """R23: what the provider took and no payment accounts for, by currency; nobody has said who bears
        it.
        """
        return allocation.unmatched_now(self.all_postings)

    @property
    def open_chargeback(self) -> Chargeback | None:
        """The first of its payment's chargebacks that the bank has not decided."""
        return open_chargeback(self)

    @property
    def existing_cancellation(self) -> Cancellation:
        """The cancellation of an order whose status says that it has one."""
        if self.cancellation is None:
            raise AssertionError(f"{self.status} has a cancellation")
        return self.cancellation

    @property
    def existing_shipment(self) -> Shipment:
        """The shipment of an order whose status says that its payment was accepted."""
        if self.shipment is None:
            raise AssertionError(f"{self.status} has a shipment")
        return self.shipment

    def enter(self, trigger: str, target: Status, at: datetime) -> None:
        """Take the status that a trigger leads to. Raises for a pair that the table doesn't have."""
        if target not in TRANSITIONS[self.status].get(trigger, ()):
            raise AssertionError(f"{trigger} cannot lead from {self.status} to {target}")
        if target is self.status:
            return
        if self.shipment and self.rules == 1:
            runs = target is Status.AWAITING_SHIPMENT
            self.shipment.pause(at, runs=runs, is_over=target in Status.ended())
        self.status = target
        self.status_since = at
        self.revision += 1

    def handle_until(self, at: datetime) -> None:
        """See ``orders.schedule.handle_until``."""
        schedule.handle_until(self, at)

    def close(
        self,
        at: datetime,
        trigger: str,
        reason: CloseReason,
        by: Role,
        *,
        to_buyer: Money | None = None,
        note: str = "",
    ) -> None:
        """See ``orders.closing.close``."""
        closing.close(self, at, trigger, reason, by, to_buyer=to_buyer, note=note)

    def allocate(self, at: datetime, step: str) -> None:
        """See ``orders.allocation.allocate``."""
        allocation.allocate(self, at, step)

    def refund_asked(self, refund: Refund) -> None:
        """See ``orders.refunds.RefundOwner``."""
        if refund.is_settled:
            # Its update came before the answer: perhaps nothing else is left to have the order recorded
            # again.
            self.revision += 1
        if self.to_buyer is not None:
            allocation.stop_or_resume(self, self.to_buyer.amount)

    def update_refund(self, refund: Refund, report: RefundReport, at: datetime) -> None:
        """See ``orders.order_refunds.update_refund``."""
        order_refunds.update_refund(self, refund, report, at)

    def refund_checked(self, refund: Refund, report: RefundReport | None, at: datetime) -> None:
        """See ``orders.refunds.RefundOwner``."""
        end_check(self, refund)
        if report is not None:
            self.update_refund(refund, report, at)

    def finish_shipped(self, trigger: str, at: datetime) -> None:
        """See ``orders.closing.finish_shipped``."""
        closing.finish_shipped(self, trigger, at)

    def count(self, what: str) -> int:
        """The next number of its kind, from 1; deterministic, so ids and keys repeat on replay."""
        self.counters[what] = self.counters.get(what, self.numbered_from) + 1
        return self.counters[what]

    def happened(self, at: datetime, what: Event, by: Role, **details: Any) -> None:
        """Add to the timeline, which is in the order of its instants, and count as a change.

        People can do only so much (``refusals.MOST``); what a provider says over and over pushes out the
        middle of the timeline, never its beginning.
        """
        short = {name: _shortened(value) for name, value in details.items()}
        by_id = self._sender_id if by is not Role.SYSTEM else None
        entry = TimelineEntry(at=at, what=what, by=by, by_id=by_id, details=short)
        # What follows from a deadline is of its instant, and may be seen after what came later.
        insort(self.timeline, entry, key=_instant)
        if len(self.timeline) > _MOST_EVENTS:
            del self.timeline[_MOST_EVENTS // 4]
        self.revision += 1

    def notify(self, at: datetime, what: NotificationKind, *only: Role, **details: Any) -> None:
        """R21: have those told whom it concerns, or ``only`` these of them, once.

        Numbered by what is told: a workflow task that is thrown away may have told it already, and in the
        one that is run instead something else may come first.
        """
        number = self.count(f"notice {what}")
        for role in only or RECIPIENTS[what]:
            self.notifications.append(
                Notification(
                    key=f"{self.placed.order_id}:{what}:{number}:{role}",
                    to=role,
                    what=what,
                    at=at,
                    details=details,
                )
            )

    def book(self, at: datetime, step: str, currency: str, legs: dict[str, int]) -> None:
        """Write a balanced movement of money, keyed by order id and step; another currency's by that as
        well.
        """
        is_own = currency == self.amount_due.currency
        posting = Posting.model_validate(
            {
                "order_id": self.placed.order_id,
                "step": step if is_own else f"{step} {currency}",
                "at": at,
                "currency": currency,
                "legs": legs,
                "by_id": self._sender_id,
            }
        )
        if is_own:
            self.books.add(posting)
        self.postings.append(posting)

    @contextmanager
    def sent_by(self, by_id: str | None) -> Iterator[None]:
        """R25: what happens within is this person's doing."""
        self._sender_id = by_id
        try:
            yield
        finally:
            self._sender_id = None
