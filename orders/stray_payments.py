"""Money that no order can take (R17): what is known of it, and its way back.

Its payer's bank may take it back as well (R23), and so may the provider (R6, R24). What is still here goes
back, in full or what they have left of it: the same money never leaves twice.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pydantic import Field, model_validator

from orders import keys
from orders.accounting import Posting
from orders.allocation import (
    Books,
    add_resolved,
    add_taken,
    books,
    differences,
    gone,
    stop_or_resume,
    unmatched_now,
)
from orders.chargebacks import (
    CHARGEBACK_EVENTS,
    Chargeback,
    chargeback_details,
    moved_chargeback,
    note_chargeback,
    open_chargeback,
    open_chargebacks,
    repeats_chargeback,
)
from orders.errors import InvalidInput
from orders.messages import (
    ChargebackReported,
    ChargebackStatus,
    OutsideRefundReported,
    PaymentDeclined,
    RefundUpdate,
    Role,
    UnmatchedResolution,
)
from orders.notifications import RECIPIENTS, Notification, NotificationKind
from orders.outside_refunds import (
    OutsideRefund,
    note_outside_refund,
    outside_refund_details,
    repeats_outside_refund,
)
from orders.place_order import Party
from orders.policy import Policy
from orders.refunds import (
    REFUND_EVENTS,
    Refund,
    RefundChange,
    RefundReport,
    apply_report,
    end_check,
    find_refund,
    next_check,
    refund_number,
    refund_under_way,
    refunds_of,
    start_refund,
    what_is_asked,
)
from orders.schedule import REFUND_CHECK, Reminder, ScheduledEvent
from orders.sentences import sentence
from orders.timeline import Event, TimelineEntry
from orders.unmatched import ResolvedAmount, resolution_details, resolved_amounts
from orders.values import (
    Balance,
    Frozen,
    Instant,
    LongText,
    Money,
    Mutable,
    OrderId,
    PaymentId,
    PositiveMoney,
    ShortText,
    next_multiple,
)

_CHARGEBACK_NOTIFICATIONS: Final = {
    ChargebackStatus.OPENED: NotificationKind.STRAY_CHARGEBACK_OPENED,
    ChargebackStatus.WON: NotificationKind.STRAY_CHARGEBACK_WON,
    ChargebackStatus.LOST: NotificationKind.STRAY_CHARGEBACK_LOST,
}


StrayPaymentMessage = (
    RefundUpdate
    | ChargebackReported
    | OutsideRefundReported
    | PaymentDeclined
    | UnmatchedResolution
)
"""What a stray payment is told."""


class StrayPaymentInput(Frozen):
    """The input of StrayPaymentWorkflow: a payment, why no order takes it, and its payer where known.

    ``reason`` is a refusal code of the contract, or ``unknown_order``.
    """

    payment_id: PaymentId
    money: PositiveMoney
    method: ShortText
    reason: LongText
    order_id: OrderId | None = None
    payer: Party | None = None
    chargebacks: tuple[Chargeback, ...] = ()
    """Of it, from before it came in; and likewise refunds from outside."""
    outside_refunds: tuple[OutsideRefund, ...] = ()


class StrayPaymentState(Mutable):
    """The state of stray money on its way back; also what its query shows, and what is kept of it."""

    payment: StrayPaymentInput
    refund: Refund | None = None
    """None while nothing is to go back by it: the bank has not decided, or has taken it all."""
    earlier_refunds: list[Refund] = Field(default_factory=list)
    """Those before it: paid, or stopped as the payer had the money another way."""
    chargebacks: list[Chargeback] = Field(default_factory=list)
    outside_refunds: list[OutsideRefund] = Field(default_factory=list)
    unmatched_resolutions: list[ResolvedAmount] = Field(default_factory=list)
    message_ids: list[str] = Field(default_factory=list)
    """Of what support has said of unmatched money; all else is known by the provider's ids."""
    was_reversed: bool = False
    """R6: whether the payment failed after it had come in."""
    timeline: list[TimelineEntry] = Field(default_factory=list)
    postings: list[Posting] = Field(default_factory=list)
    notifications: list[Notification] = Field(default_factory=list, alias="notices")
    handled_until: Instant = Field(alias="clock")
    refund_check_due: bool = Field(default=False, alias="check_due")
    reopened: bool = False
    """Whether its workflow had ended, and was started again for something that the provider said (R15,
    R23).
    """
    goes_on_from: Instant | None = None
    """As an order's."""

    @model_validator(mode="before")
    @classmethod
    def _as_stored_now(cls, data: Any) -> Any:
        return moved_chargeback(data)

    @classmethod
    def new(cls, payment: StrayPaymentInput, at: datetime) -> "StrayPaymentState":
        """It has come in; it goes back within the 2 weeks of R14, in full or what is left of it."""
        stray = cls(payment=payment, handled_until=at)
        stray._book(at, keys.STRAY_RECEIVED)
        stray.chargebacks += (it.model_copy() for it in payment.chargebacks)
        stray.outside_refunds += (it.model_copy() for it in payment.outside_refunds)
        stray._book(at, keys.payment_sent_back_step(payment.payment_id))
        stray._happened(at, Event.STRAY_RECEIVED, reason=payment.reason)
        if (due := payment.money.amount - gone(stray).total) > 0:
            refund = stray._start_refund(at, payment.money.of(due))
            money, due_by = refund.money.model_dump(mode="json"), refund.due_by.isoformat()
            stray._notify(at, NotificationKind.STRAY_REFUND_STARTED, money=money, due_by=due_by)
        if stray.unmatched:
            stray._tell_of_unmatched(at)
        return stray

    @property
    def ledger_id(self) -> str:
        """What its postings go by; no order's id can look like it."""
        return keys.stray_ledger_id(self.payment_id)

    @property
    def about(self) -> str:
        """What its letters name: the order that it came for, or what its postings go by."""
        return self.payment.order_id or self.ledger_id

    @property
    def payment_id(self) -> str:
        """See ``orders.allocation.PaymentFacts``."""
        return self.payment.payment_id

    @property
    def received(self) -> Money:
        """See ``orders.allocation.PaymentFacts``."""
        return self.payment.money

    @property
    def policy(self) -> Policy:
        """The marketplace's present one: it was placed with none of its own."""
        return Policy()

    @property
    def paid(self) -> Money:
        """See ``orders.refunds.RefundOwner``."""
        return self.payment.money

    @property
    def held(self) -> int:
        """What is still here for its payer, in minor units; negative for what the payer has twice."""
        return -books(self.postings)[self.received.currency].get("stray", 0)

    @property
    def unmatched(self) -> list[Balance]:
        """R23: what the provider took beyond the payment, or in another currency; nobody has said who bears
        it.
        """
        return unmatched_now(self.postings)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen: it is back, by us or by the bank, which has decided."""
        return refund_under_way(self) is None and open_chargeback(self) is None

    @property
    def next_due(self) -> ScheduledEvent | None:
        """What happens next: the first of ``schedule``."""
        return next(iter(self.schedule()), None)

    def schedule(self) -> list[ScheduledEvent]:
        """All that happens next, soonest first: the provider is asked for the refund's state, and support
        is reminded of what waits for the bank, as for an order's money.
        """
        coming = []
        if refund := refund_under_way(self):
            at = next_check(refund, self.policy, self.handled_until)
            coming.append(ScheduledEvent(what=REFUND_CHECK, at=at))
        if chargeback := open_chargeback(self):
            every = self.policy.dispute_reminder
            at = next_multiple(chargeback.opened_at, every, self.handled_until)
            coming.append(ScheduledEvent(what=Reminder.CHARGEBACK_REMINDER, at=at))
        return sorted(coming, key=lambda it: it.at)

    def check(self, message: StrayPaymentMessage) -> None:
        """Raise InvalidInput for what is not about it, or what support cannot say of it."""
        why = None
        match message:
            case RefundUpdate(refund_id=refund_id):
                if find_refund(self, refund_id) is None:
                    why = sentence(
                        "This stray payment has no refund {refund_id}.", refund_id=refund_id
                    )
            case UnmatchedResolution():
                if message.message_id in self.message_ids:
                    return
                if not self.unmatched:
                    why = sentence("All money of this payment is accounted for.")
                elif message.borne_by != "marketplace":
                    why = sentence(
                        "No order takes this payment, and so no seller: what cannot be matched is the "
                        "marketplace's to bear."
                    )
            case _:
                if message.payment_id != self.payment_id:
                    why = sentence(
                        "This is not payment {payment_id}.", payment_id=message.payment_id
                    )
        if why:
            raise InvalidInput(why)

    def receive(self, message: StrayPaymentMessage, at: datetime) -> bool:
        """Apply what the provider, or support, says of it; whether that says anything new."""
        events, postings, unmatched = len(self.timeline), len(self.postings), self.unmatched
        match message:
            case RefundUpdate():
                if refund := find_refund(self, message.refund_id):
                    self.update_refund(refund, RefundReport.of(message), at)
            case ChargebackReported():
                self._charged_back(message, at)
            case OutsideRefundReported():
                self._refunded_outside(message, at)
            case PaymentDeclined():
                self._reversed(message, at)
            case UnmatchedResolution():
                self._resolved(message, at)
        if self.unmatched and self.unmatched != unmatched:
            self._tell_of_unmatched(at)
        if message.by_id:
            # R25: who said it, as an order's timeline and ledger have it.
            said_by = {"by_id": message.by_id}
            self.timeline[events:] = [
                it if it.by is Role.SYSTEM else it.model_copy(update=said_by)
                for it in self.timeline[events:]
            ]
            self.postings[postings:] = [
                it.model_copy(update=said_by) for it in self.postings[postings:]
            ]
        return len(self.timeline) > events

    def refund_asked(self, refund: Refund) -> None:
        """See ``orders.refunds.RefundOwner``."""
        stop_or_resume(self, self.received.amount)

    def update_refund(self, refund: Refund, report: RefundReport, at: datetime) -> None:
        """R14, R15, R23: book what became of a refund, and tell whom it concerns."""
        change = apply_report(self, refund, report, at)
        if change is None:
            return
        returned = change is RefundChange.RETURNED
        self._happened(
            at,
            Event.REFUND_RETURNED if returned else REFUND_EVENTS[report.status],
            report.by,
            refund_id=refund.refund_id,
            reason=report.reason,
            **({"note": report.note} if report.note else {}),
        )
        number, time = refund_number(refund), refund.times_settled
        money = refund.money.model_dump(mode="json")
        match change:
            case RefundChange.SUCCEEDED | RefundChange.SUCCEEDED_AFTER_STOP:
                self._allocate(at, keys.stray_returned_step(number, time))
                self._notify(at, NotificationKind.STRAY_REFUND_SUCCEEDED, money=money)
                if change is RefundChange.SUCCEEDED_AFTER_STOP:
                    self._notify(
                        at,
                        NotificationKind.STRAY_REFUND_AFTER_CHARGEBACK,
                        payment_id=self.payment_id,
                        refund_id=refund.refund_id,
                        money=money,
                    )
            case RefundChange.RETURNED:
                self._allocate(at, keys.stray_came_back_step(number, time))
                what = NotificationKind.STRAY_REFUND_RETURNED
                self._notify(at, what, money=money, reason=report.reason)
            case RefundChange.STOPPED:
                self._notify(at, NotificationKind.STRAY_REFUND_STOPPED, money=money)
                self._send_back(at)
            case RefundChange.FAILED:
                what = NotificationKind.STRAY_REFUND_FAILED
                self._notify(at, what, money=money, reason=report.reason)
            case RefundChange.REQUIRES_ACTION:
                what = NotificationKind.STRAY_REFUND_REQUIRES_ACTION
                self._notify(at, what, money=money, **what_is_asked(report))
            case RefundChange.NOTED:
                pass

    def _charged_back(self, message: ChargebackReported, at: datetime) -> None:
        """R23: the payer's bank took money back, or has decided."""
        if repeats_chargeback(self.chargebacks, message):
            return
        noted = note_chargeback(self.chargebacks, message, at)
        self._book(at, self._step(keys.chargeback_step))
        twice = self.received.of(max(-self.held, 0)).model_dump(mode="json")
        for status in noted:
            self._happened(
                at, CHARGEBACK_EVENTS[status], Role.PROVIDER, **chargeback_details(message)
            )
            self._notify(
                at,
                _CHARGEBACK_NOTIFICATIONS[status],
                payment_id=self.payment_id,
                twice=twice,
                **chargeback_details(message),
            )
        self._send_back(at, won=message.status is ChargebackStatus.WON)

    def _refunded_outside(self, message: OutsideRefundReported, at: datetime) -> None:
        """R24: the provider sent money back without our asking."""
        if repeats_outside_refund(self.outside_refunds, message):
            return
        counted, refund = note_outside_refund(self.outside_refunds, message, at)
        self._book(at, self._step(keys.outside_refund_step))
        event, what = (
            (Event.OUTSIDE_REFUND, NotificationKind.STRAY_OUTSIDE_REFUND)
            if refund.counts
            else (Event.OUTSIDE_REFUND_FAILED, NotificationKind.STRAY_OUTSIDE_REFUND_FAILED)
        )
        self._happened(at, event, Role.PROVIDER, **outside_refund_details(message))
        if refund.counts != counted:
            self._notify(at, what, payment_id=self.payment_id, **outside_refund_details(message))
        self._send_back(at)

    def _reversed(self, message: PaymentDeclined, at: datetime) -> None:
        """R6: the payment failed after it had come in."""
        if self.was_reversed:
            return
        self.was_reversed = True
        self._book(at, keys.payment_reversed_step(self.payment_id))
        self._happened(at, Event.PAYMENT_REVERSED, Role.PROVIDER, reason=message.reason)
        self._notify(
            at,
            NotificationKind.STRAY_PAYMENT_REVERSED,
            payment_id=self.payment_id,
            reason=message.reason,
            twice=self.received.of(max(-self.held, 0)).model_dump(mode="json"),
        )
        self._send_back(at)

    def _resolved(self, message: UnmatchedResolution, at: datetime) -> None:
        """R23: support says who bears all that is unmatched now; no seller can."""
        if message.message_id in self.message_ids:
            return
        if message.message_id:
            self.message_ids.append(message.message_id)
        amounts = self.unmatched
        self.unmatched_resolutions += resolved_amounts(message, amounts, at)
        self._book(at, keys.unmatched_step(self._number_of(Event.UNMATCHED_RESOLVED) + 1))
        self._happened(
            at, Event.UNMATCHED_RESOLVED, Role.SUPPORT, **resolution_details(message, amounts)
        )

    def let_time_pass(self, now: datetime, *, first_alone: bool = False) -> None:
        """R15, R23: at certain instants the provider is to be asked, and support to be reminded.

        ``first_alone``: as it was where both were due at once, and the second of them was lost.
        """
        due = [it.what for it in self.schedule() if it.at <= now]
        if not due:
            return
        self.handled_until = now
        if first_alone:
            del due[1:]
        if REFUND_CHECK in due:
            self.refund_check_due = True
        if Reminder.CHARGEBACK_REMINDER in due:
            self._remind(now)

    def _remind(self, now: datetime) -> None:
        for chargeback in open_chargebacks(self):
            # An entry each, by which the notifications are told apart.
            self._happened(now, Event.CHARGEBACK_REMINDER)
            self._notify(
                now,
                NotificationKind.STRAY_CHARGEBACK_REMINDER,
                payment_id=self.payment_id,
                money=chargeback.money.model_dump(mode="json"),
            )

    def refund_checked(self, refund: Refund, report: RefundReport | None, at: datetime) -> None:
        """R15: the provider was asked; past the 2 weeks its silence is overdue, and people are told, once."""
        if report is not None:
            self.update_refund(refund, report, at)
        end_check(self, refund)
        is_late = refund is refund_under_way(self) and at >= refund.due_by
        if is_late and not refund.overdue:
            concerned = refund.miss_due_date()
            self._happened(at, Event.REFUND_OVERDUE)
            for role in concerned:
                money = refund.money.model_dump(mode="json")
                self._notify(at, NotificationKind.STRAY_REFUND_OVERDUE, role, money=money)

    def _allocate(self, at: datetime, step: str) -> None:
        self._book(at, step)
        self._send_back(at)

    def _send_back(self, at: datetime, *, won: bool = False) -> None:
        """Stop a refund of more than is due, and start one of what is due: one at a time (R23)."""
        stop_or_resume(self, self.received.amount, won=won)
        due = self.received.amount - gone(self).total
        if refund_under_way(self) or due <= 0:
            return
        refund = self._start_refund(at, self.received.of(due))
        money = refund.money.model_dump(mode="json")
        self._happened(at, Event.REFUND_STARTED, refund_id=refund.refund_id, money=money)
        due_by = refund.due_by.isoformat()
        self._notify(at, NotificationKind.STRAY_REFUND_RESTARTED, money=money, due_by=due_by)

    def _start_refund(self, at: datetime, money: Money) -> Refund:
        refund_id = keys.stray_refund_id(self.payment_id, len(refunds_of(self)) + 1)
        return start_refund(self, refund_id, self.payment_id, self.payment.method, money, at)

    def _happened(self, at: datetime, what: Event, by: Role = Role.SYSTEM, **details: Any) -> None:
        self.timeline.append(TimelineEntry(at=at, what=what, by=by, details=details))

    def _number_of(self, what: str) -> int:
        return sum(entry.what == what for entry in self.timeline)

    def _notify(self, at: datetime, what: NotificationKind, *only: Role, **details: Any) -> None:
        # Numbered by what is told, as an order's notifications are.
        about = self.timeline[-1].what
        number = self._number_of(about)
        for role in only or RECIPIENTS[what]:
            self.notifications.append(
                Notification(
                    key=f"stray-{self.payment_id}:{what}:{about}-{number}:{role}",
                    to=role,
                    what=what,
                    at=at,
                    details={"money": self.received.model_dump(mode="json"), **details},
                )
            )

    def _tell_of_unmatched(self, at: datetime) -> None:
        self._notify(
            at,
            NotificationKind.STRAY_UNMATCHED_MONEY,
            payment_id=self.payment_id,
            amounts=[it.model_dump(mode="json") for it in self.unmatched],
        )

    def _step(self, of: Callable[[str, int], str]) -> str:
        """The next step of its kind that is booked."""
        prefix = of(self.payment_id, 0).removesuffix("0")
        number = len({it.step for it in self.postings if it.step.startswith(prefix)}) + 1
        return of(self.payment_id, number)

    def _where_money_is(self) -> Books:
        found, received = gone(self), self.received
        here = received.amount - found.total + found.under_way
        wanted: Books = {
            received.currency: {"cash": received.amount - found.refunded, "stray": -here}
        }
        add_taken(wanted, found, received)
        add_resolved(wanted, self.unmatched_resolutions)
        return wanted

    def _book(self, at: datetime, step: str) -> None:
        """Book the difference between where the money is by the facts and by the books."""
        for currency, legs in differences(self._where_money_is(), self.postings):
            is_own = currency == self.received.currency
            self.postings.append(
                Posting.model_validate(
                    {
                        "order_id": self.ledger_id,
                        "step": step if is_own else f"{step} {currency}",
                        "at": at,
                        "currency": currency,
                        "legs": legs,
                    }
                )
            )
