"""Reconciliation: compares what the provider, the ledger and the workflows have on record.

This module compares the provider's records with our own; ``activities.ledger_check`` compares our own with
each other. Events that never arrived are delivered again. Every discrepancy is reported, repaired or not.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from temporalio import activity

from activities.ledger_check import Finding, LedgerCheck, StoredLedger, WorkflowStates
from activities.provider_events import EventSubject, SubjectKind
from activities.provider_records import (
    ProviderChargeback,
    ProviderPayment,
    ProviderRecords,
    ProviderRefund,
)
from orders import keys
from orders.messages import RefundStatus
from orders.sentences import sentence
from orders.values import Balance, Frozen, Instant, Money
from orders.view import OrderView

_BATCH = 100
_MOST_FINDINGS = 500

_T = TypeVar("_T")


class Report(Frozen):
    """What was compared and what differs; ``more`` counts the findings beyond those listed."""

    payments: int
    refunds: int
    chargebacks: int
    orders: int
    findings: tuple[Finding, ...]
    more: int = 0


class Period(Frozen):
    """The period to compare; events after ``until`` may still be in transit."""

    since: Instant
    until: Instant


class RegisteredRefund(Frozen):
    """A requested refund, as registered."""

    refund_id: str
    payment_id: str
    amount: int
    currency: str
    status: RefundStatus
    asked_at: Instant


class OwnRecords(StoredLedger, Protocol):
    """The ledger, the register of refunds, and the orders and stray payments in the database."""

    async def cash_of(self, keys: Iterable[str]) -> dict[str, int]:
        """The cash that each posting moved, by key, in minor units; unknown keys are left out."""

    def registered_refunds(self, since: datetime) -> AsyncIterator[RegisteredRefund]:
        """The refunds that were requested since then."""

    def orders(self, since: datetime) -> AsyncIterator[OrderView]:
        """The recorded orders that are not finished or have changed since then."""


class EventRedelivery(Protocol):
    """Delivers what events that never arrived were about."""

    async def deliver(self, subject: EventSubject) -> bool:
        """Deliver how it stands now; whether it was accepted."""


class Reconciliation:
    """Compares provider, ledger and workflows. It writes nothing but redelivers events."""

    def __init__(
        self,
        records: ProviderRecords,
        own: OwnRecords,
        workflows: WorkflowStates,
        redelivery: EventRedelivery,
    ) -> None:
        self._records = records
        self._own = own
        self._check = LedgerCheck(own, workflows)
        self._redelivery = redelivery

    @activity.defn
    async def reconcile(self, period: Period) -> Report:
        """Compare everything once; another run shows what remains."""
        payments = [it async for it in self._records.payments(period.since)]
        refunds = [it async for it in self._records.refunds(period.since)]
        chargebacks = [it async for it in self._records.chargebacks(period.since)]
        orders = [it async for it in self._own.orders(period.since)]
        findings = [
            *await self._payments([it for it in payments if it.at <= period.until]),
            *await self._refunds([it for it in refunds if it.at <= period.until], period),
            *await self._chargebacks([it for it in chargebacks if it.at <= period.until]),
            *await self._check.orders(orders),
            *await self._check.stray_payments(),
            *await self._check.payments_booked_twice(),
            *await self._check.sums(period.since),
        ]
        return Report(
            payments=len(payments),
            refunds=len(refunds),
            chargebacks=len(chargebacks),
            orders=len(orders),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(len(findings) - _MOST_FINDINGS, 0),
        )

    async def _payments(self, payments: list[ProviderPayment]) -> list[Finding]:
        order_payments = [it for it in payments if it.order_id and it.status == "succeeded"]
        found = []
        for some in _batches(order_payments):
            booked = await self._own.cash_of(key for it in some for key in _payment_keys(it))
            for payment in some:
                if not any(key in booked for key in _payment_keys(payment)):
                    found.append(
                        Finding(
                            about=payment.order_id or "",
                            what="payment_missing",
                            expected=sentence(
                                "payment {payment_id} of {money}",
                                payment_id=payment.payment_id,
                                money=payment.money,
                            ),
                            found=sentence("nothing in the ledger"),
                            since=payment.at,
                            repaired=await self._deliver(SubjectKind.PAYMENT, payment.payment_id),
                        )
                    )
        return found

    async def _refunds(self, refunds: list[ProviderRefund], period: Period) -> list[Finding]:
        found = [_unknown(it) for it in refunds if it.refund_id is None and it.order_id]
        requested = {it.refund_id: it for it in refunds if it.refund_id}
        found += [
            _finding(
                it,
                "refund_made_twice",
                sentence("one refund {refund_id}", refund_id=it.refund_id),
                sentence("more than one refund"),
            )
            for it in refunds
            if it.refund_id and requested[it.refund_id].provider_id != it.provider_id
        ]
        for some in _batches(list(requested.values())):
            booked = await self._own.cash_of(key for it in some if (key := _refund_key(it)))
            for refund in some:
                key = _refund_key(refund)
                found += await self._refund(refund, booked.get(key) if key else None)
        async for registered in self._own.registered_refunds(period.since):
            is_due = (
                registered.status is RefundStatus.SUCCEEDED and registered.asked_at <= period.until
            )
            if is_due and registered.refund_id not in requested:
                found.append(
                    Finding(
                        about=registered.refund_id,
                        what="refund_not_at_provider",
                        expected=_a_refund_of(
                            Balance.booked(registered.amount, registered.currency)
                        ),
                        found=sentence("the provider has no such refund"),
                        since=registered.asked_at,
                    )
                )
        return found

    async def _refund(self, refund: ProviderRefund, cash: int | None) -> list[Finding]:
        expected = _a_refund_of(refund.money)
        if refund.status is RefundStatus.SUCCEEDED:
            if cash is None:
                repaired = await self._deliver(SubjectKind.REFUND, refund.provider_id)
                nothing = sentence("nothing in the ledger")
                return [
                    _finding(refund, "refund_news_missing", expected, nothing, repaired=repaired)
                ]
            if -cash != refund.money.amount:
                booked = _a_refund_of(Balance(amount=-cash, currency=refund.money.currency))
                return [_finding(refund, "refund_amount", expected, booked)]
        elif cash is not None:
            reported = sentence("the provider says {status}", status=refund.status.value)
            return [_finding(refund, "refund_taken_back", expected, reported)]
        return []

    async def _chargebacks(self, chargebacks: list[ProviderChargeback]) -> list[Finding]:
        found = []
        for chargeback in chargebacks:
            stray_payment = await self._own.stray_payment(chargeback.payment_id)
            order_id = chargeback.order_id
            view = await self._own.order(order_id) if order_id and not stray_payment else None
            owner = stray_payment or view
            known = next(
                (
                    it
                    for it in (owner.chargebacks if owner else ())
                    if it.chargeback_id == chargeback.chargeback_id
                ),
                None,
            )
            is_recorded = known and (known.status, known.money) == (
                chargeback.status,
                chargeback.money,
            )
            if (order_id or stray_payment) and not is_recorded:
                found.append(
                    Finding(
                        about=chargeback.payment_id if stray_payment else order_id or "",
                        what="chargeback_missing",
                        expected=_a_chargeback_of(chargeback.money, chargeback.status),
                        found=_a_chargeback_of(known.money, known.status)
                        if known
                        else sentence("no such chargeback"),
                        since=chargeback.at,
                        repaired=await self._deliver(
                            SubjectKind.CHARGEBACK, chargeback.chargeback_id
                        ),
                    )
                )
        return found

    async def _deliver(self, kind: SubjectKind, subject_id: str) -> bool:
        try:
            return await self._redelivery.deliver(EventSubject(kind=kind, id=subject_id))
        except Exception as error:
            activity.logger.warning("an event could not be delivered: %s", type(error).__name__)
            return False


def _payment_keys(payment: ProviderPayment) -> tuple[str, ...]:
    payment_id = payment.payment_id
    stray_key = keys.posting_key(keys.stray_ledger_id(payment_id), keys.STRAY_RECEIVED)
    if payment.order_id is None:
        return (stray_key,)
    return keys.posting_key(payment.order_id, keys.payment_step(payment_id)), stray_key


def _refund_key(refund: ProviderRefund) -> str | None:
    return keys.settled_refund_key(refund.refund_id or "", refund.payment_id)


def _finding(
    refund: ProviderRefund,
    what: Literal["refund_made_twice", "refund_news_missing", "refund_amount", "refund_taken_back"],
    expected: str,
    found: str,
    *,
    repaired: bool = False,
) -> Finding:
    return Finding(
        about=refund.refund_id or refund.provider_id,
        what=what,
        expected=expected,
        found=found,
        since=refund.at,
        repaired=repaired,
    )


def _unknown(refund: ProviderRefund) -> Finding:
    return Finding(
        about=refund.provider_id,
        what="refund_unknown",
        expected=sentence("a refund that we asked for"),
        found=sentence(
            "a refund of {money} of payment {payment_id}",
            money=refund.money,
            payment_id=refund.payment_id,
        ),
        since=refund.at,
    )


def _a_refund_of(money: Money | Balance) -> str:
    return sentence("a refund of {money}", money=money)


def _a_chargeback_of(money: Money, status: str) -> str:
    return sentence("a chargeback of {money}, {status}", money=money, status=status)


def _batches(items: list[_T]) -> Iterable[list[_T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


PATIENCE = timedelta(minutes=10)
"""How long an event may be in transit before it counts as missing."""
