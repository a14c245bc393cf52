"""What a provider has on record, to compare our own records with (cases 24, 26)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol

from orders.messages import ChargebackStatus, RefundStatus
from orders.values import Frozen, Instant, Money


class ProviderPayment(Frozen):
    """A payment; ``order_id`` is None for one that belongs to no order."""

    payment_id: str
    order_id: str | None
    money: Money
    method: str
    status: Literal["succeeded", "failed"]
    at: Instant
    reason: str = ""


class ProviderRefund(Frozen):
    """A refund; ``refund_id`` is None for one that no workflow requested.

    ``provider_id`` is the provider's own id. ``workflow_id`` is the workflow that requested the refund, if
    the provider stores it.
    """

    refund_id: str | None
    provider_id: str
    workflow_id: str | None
    payment_id: str
    money: Money
    status: RefundStatus
    at: Instant
    reason: str = ""


class ProviderChargeback(Frozen):
    """R23: money that the buyer's bank took back; ``status`` is as the seller sees it."""

    chargeback_id: str
    payment_id: str
    order_id: str | None
    money: Money
    status: ChargebackStatus
    at: Instant
    reason: str = ""


class ProviderRecords(Protocol):
    """A provider's records of everything created at or after an instant."""

    def payments(self, since: datetime) -> AsyncIterator[ProviderPayment]:
        """The payments that succeeded or failed."""

    def refunds(self, since: datetime) -> AsyncIterator[ProviderRefund]:
        """The refunds as they stand now."""

    def chargebacks(self, since: datetime) -> AsyncIterator[ProviderChargeback]:
        """The chargebacks as they stand now."""
