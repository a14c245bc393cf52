"""Money that no order can take (R17): what is known of it, and its way back.

Its payer's bank may take it back as well (R23). What is still here goes back, in full or what the bank has
left of it, and nothing does while the bank decides: the same money never leaves twice.
"""

from datetime import datetime
from typing import Any, Final

from pydantic import Field

from orders import keys
from orders.accounting import Posting
from orders.chargebacks import (
    CHARGEBACK_EVENTS,
    Chargeback,
    contradiction,
    note_chargeback,
    repeats_chargeback,
    taken_by_bank,
)
from orders.errors import NotAllowedNow
from orders.messages import ChargebackReported, ChargebackStatus, RefundStatus, Role
from orders.notifications import RECIPIENTS, Notification, NotificationKind
from orders.place_order import Party
from orders.policy import Policy
from orders.refunds import (
    REFUND_EVENTS,
    Refund,
    RefundChange,
    apply_status,
    end_check,
    next_check,
    refund_number,
    refund_under_way,
    start_refund,
    stop_for_chargeback,
)
from orders.schedule import REFUND_CHECK, Reminder, ScheduledEvent
from orders.timeline import Event, TimelineEntry
from orders.values import (
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


class StrayPaymentState(Mutable):
    """The state of stray money on its way back; also what its query shows, and what is kept of it."""

    payment: StrayPaymentInput
    refund: Refund | None = None
    """None while nothing is to go back by it: the bank has not decided, or has taken it all."""
    earlier_refunds: list[Refund] = Field(default_factory=list)
    """Those that were stopped for a chargeback."""
    chargeback: Chargeback | None = None
    timeline: list[TimelineEntry] = Field(default_factory=list)
    postings: list[Posting] = Field(default_factory=list)
    notifications: list[Notification] = Field(default_factory=list, alias="notices")
    handled_until: Instant = Field(alias="clock")
    refund_check_due: bool = Field(default=False, alias="check_due")

    @classmethod
    def new(cls, payment: StrayPaymentInput, at: datetime) -> "StrayPaymentState":
        """It has come in; it goes back in full, within the 2 weeks of R14."""
        stray = cls(payment=payment, handled_until=at)
        stray._book(at, keys.STRAY_RECEIVED, payment.money.amount)
        refund = stray._start_refund(at, payment.money)
        stray._happened(at, Event.STRAY_RECEIVED, reason=payment.reason)
        stray._notify(at, NotificationKind.STRAY_REFUND_STARTED, due_by=refund.due_by.isoformat())
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
        """See ``orders.chargebacks.Charged``."""
        return self.payment.payment_id

    @property
    def money(self) -> Money:
        """See ``orders.chargebacks.Charged``."""
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
        return -sum(posting.legs["stray"] for posting in self.postings)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen: it is back, by us or by the bank, which has decided."""
        return refund_under_way(self) is None and not self._bank_decides

    @property
    def next_due(self) -> ScheduledEvent | None:
        """What happens next: the provider is asked for the refund's state, or support is reminded
        of what waits for the bank, as for an order's money.
        """
        if refund := refund_under_way(self):
            at = next_check(refund, self.policy, self.handled_until)
            return ScheduledEvent(what=REFUND_CHECK, at=at)
        if self.chargeback and self._bank_decides and self.held > 0:
            every = self.policy.dispute_reminder
            at = next_multiple(self.chargeback.opened_at, every, self.handled_until)
            return ScheduledEvent(what=Reminder.CHARGEBACK_REMINDER, at=at)
        return None

    @property
    def _bank_decides(self) -> bool:
        return self.chargeback is not None and self.chargeback.status == "opened"

    def refund_asked(self, refund: Refund) -> None:
        """See ``orders.refunds.RefundOwner``."""

    def update_refund(
        self, refund: Refund, status: RefundStatus, reason: str, at: datetime
    ) -> None:
        """R14, R15, R23: book what became of a refund, and tell whom it concerns."""
        change = apply_status(self, refund, status, reason, at)
        if change is None:
            return
        self._happened(at, REFUND_EVENTS[status], refund_id=refund.refund_id, reason=reason)
        money = refund.money.model_dump(mode="json")
        match change:
            case RefundChange.SUCCEEDED | RefundChange.SUCCEEDED_AFTER_STOP:
                self._book(
                    at, keys.stray_returned_step(refund_number(refund)), -refund.money.amount
                )
                self._notify(at, NotificationKind.STRAY_REFUND_SUCCEEDED, money=money)
                if change is RefundChange.SUCCEEDED_AFTER_STOP:
                    self._notify(
                        at,
                        NotificationKind.STRAY_REFUND_AFTER_CHARGEBACK,
                        payment_id=self.payment_id,
                        refund_id=refund.refund_id,
                    )
            case RefundChange.STOPPED:
                self._notify(at, NotificationKind.STRAY_REFUND_STOPPED, money=money)
                self._send_back(at)
            case RefundChange.FAILED:
                self._notify(at, NotificationKind.STRAY_REFUND_FAILED, money=money, reason=reason)
            case RefundChange.NOTED:
                pass

    def charged_back(self, message: ChargebackReported, at: datetime) -> bool:
        """R23: the payer's bank took money back, or the case ended; whether that is news.

        Raises NotAllowedNow when it can't be right.
        """
        if repeats_chargeback(self, message):
            return False
        if problem := self.chargeback_problem(message):
            raise problem
        taken = taken_by_bank(self, message)
        noted = note_chargeback(self, message, at)
        if taken:
            number = sum(keys.is_chargeback_step(posting.step) for posting in self.postings) + 1
            self._book(at, keys.chargeback_step(self.payment_id, number), -taken)
        stop_for_chargeback(self, message, taken)
        money = message.money.model_dump(mode="json")
        twice = self.money.of(max(-self.held, 0)).model_dump(mode="json")
        for status in noted:
            self._happened(at, CHARGEBACK_EVENTS[status], money=money)
            self._notify(
                at,
                _CHARGEBACK_NOTIFICATIONS[status],
                payment_id=self.payment_id,
                money=money,
                twice=twice,
            )
        self._send_back(at)
        return True

    def chargeback_problem(self, message: ChargebackReported) -> NotAllowedNow | None:
        """Why news of a chargeback can't be right; None for what can, and for what is known."""
        if repeats_chargeback(self, message):
            return None
        problem = contradiction(self, message)
        return problem and NotAllowedNow(message.name, problem.code, "stray", problem.reason)

    def let_time_pass(self, now: datetime) -> None:
        """R15: at certain instants the provider is to be asked, and support to be reminded."""
        due = self.next_due
        if due is None or now < due.at:
            return
        self.handled_until = now
        if due.what == REFUND_CHECK:
            self.refund_check_due = True
            return
        self._happened(now, Event.CHARGEBACK_REMINDER)
        money = self.money.of(self.held).model_dump(mode="json")
        self._notify(
            now,
            NotificationKind.STRAY_CHARGEBACK_REMINDER,
            payment_id=self.payment_id,
            money=money,
        )

    def refund_checked(
        self, refund: Refund, status: RefundStatus | None, reason: str, at: datetime
    ) -> None:
        """R15: the provider was asked; past the 2 weeks its silence is overdue, and people are told, once."""
        if status is not None:
            self.update_refund(refund, status, reason, at)
        end_check(self, refund)
        is_late = refund is refund_under_way(self) and at >= refund.due_by
        if is_late and not refund.overdue:
            concerned = refund.miss_due_date()
            self._happened(at, Event.REFUND_OVERDUE)
            for role in concerned:
                money = refund.money.model_dump(mode="json")
                self._notify(at, NotificationKind.STRAY_REFUND_OVERDUE, role, money=money)

    def _send_back(self, at: datetime) -> None:
        """Start a refund of what is here and not under way yet; none while the bank decides (R23)."""
        if self._bank_decides or refund_under_way(self) or self.held <= 0:
            return
        refund = self._start_refund(at, self.money.of(self.held))
        money = refund.money.model_dump(mode="json")
        self._happened(at, Event.REFUND_STARTED, refund_id=refund.refund_id, money=money)
        due_by = refund.due_by.isoformat()
        self._notify(at, NotificationKind.STRAY_REFUND_RESTARTED, money=money, due_by=due_by)

    def _start_refund(self, at: datetime, money: Money) -> Refund:
        refund_id = keys.stray_refund_id(self.payment_id, len(self.earlier_refunds) + 1)
        return start_refund(self, refund_id, self.payment_id, self.payment.method, money, at)

    def _happened(self, at: datetime, what: Event, **details: Any) -> None:
        self.timeline.append(TimelineEntry(at=at, what=what, by=Role.SYSTEM, details=details))

    def _notify(self, at: datetime, what: NotificationKind, *only: Role, **details: Any) -> None:
        # Numbered by what is told, as an order's notifications are.
        about = self.timeline[-1].what
        number = sum(entry.what == about for entry in self.timeline)
        for role in only or RECIPIENTS[what]:
            self.notifications.append(
                Notification(
                    key=f"stray-{self.payment_id}:{what}:{about}-{number}:{role}",
                    to=role,
                    what=what,
                    at=at,
                    details={"money": self.money.model_dump(mode="json"), **details},
                )
            )

    def _book(self, at: datetime, step: str, amount: int) -> None:
        """Book what comes in; what goes is negative."""
        self.postings.append(
            Posting(
                order_id=self.ledger_id,
                step=step,
                at=at,
                currency=self.money.currency,
                legs={"cash": amount, "stray": -amount},
            )
        )
