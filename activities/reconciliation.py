"""Reconciliation: compares what the provider, the ledger and the workflows have on record.

``activities.provider_check`` compares the provider's records with our own, and delivers what never arrived;
``activities.ledger_check`` compares our own with each other. Every discrepancy is reported, repaired or not.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from temporalio import activity

from activities.ledger_check import Finding, LedgerCheck, WorkflowStates
from activities.provider_check import EventRedelivery, ProviderCheck, RecordedFacts
from activities.provider_messages import is_own
from activities.provider_records import ProviderRecords, ProviderRefund
from orders.messages import RefundStatus
from orders.sentences import sentence
from orders.values import Balance, Frozen, Instant
from orders.view import OrderView

PATIENCE: Final = timedelta(minutes=10)
"""How long an event may be in transit before it counts as missing."""

LONGEST_CHARGEBACK: Final = timedelta(days=180)
"""How long before the period a chargeback may have been opened: banks decide late, and anew."""

_MOST_FINDINGS = 500


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


class OwnRecords(RecordedFacts, Protocol):
    """The ledger, the register of refunds, and the orders and stray payments in the database."""

    def registered_refunds(self, since: datetime) -> AsyncIterator[RegisteredRefund]:
        """The refunds that were requested since then."""

    def orders(self, since: datetime) -> AsyncIterator[OrderView]:
        """The recorded orders that are not finished or have changed since then."""


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
        self._provider_check = ProviderCheck(own, redelivery)
        self._ledger_check = LedgerCheck(own, workflows)

    @activity.defn
    async def reconcile(self, period: Period) -> Report:
        """Compare everything once; another run shows what remains."""
        now, until = datetime.now(UTC), period.until
        payments = [it async for it in self._records.payments(period.since)]
        refunds = [it async for it in self._records.refunds(period.since)]
        earlier = period.since - LONGEST_CHARGEBACK
        chargebacks = [it async for it in self._records.chargebacks(earlier)]
        orders = [it async for it in self._own.orders(period.since)]
        findings = [
            *await self._provider_check.payments([it for it in payments if it.at <= until]),
            *await self._provider_check.refunds([it for it in refunds if it.at <= until], now),
            *await self._registered_refunds(refunds, period),
            *await self._provider_check.chargebacks(
                [it for it in chargebacks if it.at <= until], now
            ),
            *await self._ledger_check.orders(orders),
            *await self._ledger_check.stray_payments(),
            *await self._ledger_check.payments_booked_twice(),
            *await self._ledger_check.unmatched(),
            *await self._ledger_check.sums(period.since),
        ]
        return Report(
            payments=len(payments),
            refunds=len(refunds),
            chargebacks=len(chargebacks),
            orders=len(orders),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(len(findings) - _MOST_FINDINGS, 0),
        )

    async def _registered_refunds(
        self, refunds: list[ProviderRefund], period: Period
    ) -> list[Finding]:
        """Refunds that were paid, as we have it, and that the provider does not know."""
        made = {it.refund_id for it in refunds if is_own(it)}
        return [
            Finding(
                about=registered.refund_id,
                what="refund_not_at_provider",
                expected=sentence(
                    "a refund of {money}",
                    money=Balance.booked(registered.amount, registered.currency),
                ),
                found=sentence("the provider has no such refund"),
                since=registered.asked_at,
            )
            async for registered in self._own.registered_refunds(period.since)
            if registered.status is RefundStatus.SUCCEEDED
            and registered.asked_at <= period.until
            and registered.refund_id not in made
        ]
