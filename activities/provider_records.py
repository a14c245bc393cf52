"""What a provider has on record, to compare our own records with (cases 24, 26)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol

from orders.messages import ChargebackStatus, RefundStatus
from orders.values import Frozen, Instant, Money


class ProviderPayment(Frozen):
    """A payment; ``order_id`` is None for one that belongs to no order.

    One that is pending is under way, or authorised and not captured yet; ``expected_by`` is when that ends at
    the latest, if the provider knows.
    """

    payment_id: str
    order_id: str | None
    money: Money
    method: str
    status: Literal["pending", "succeeded", "failed"]
    at: Instant
    expected_by: Instant | None = None
    reason: str = ""


class ProviderRefund(Frozen):
    """A refund; ``refund_id`` is the id that whoever requested it gave it, None if none.

    ``provider_id`` is the provider's own id, ``order_id`` the order that its payment was made for, if any;
    ``act_by`` until when the provider waits for the buyer to act.
    """

    refund_id: str | None
    provider_id: str
    payment_id: str
    order_id: str | None
    money: Money
    status: RefundStatus
    at: Instant
    reason: str = ""
    act_by: Instant | None = None


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
    """A provider's records: of everything created since an instant, and of one thing as it stands now."""

    def payments(self, since: datetime) -> AsyncIterator[ProviderPayment]:
        """The payments."""

    def refunds(self, since: datetime) -> AsyncIterator[ProviderRefund]:
        """The refunds as they stand now."""

    def chargebacks(self, since: datetime) -> AsyncIterator[ProviderChargeback]:
        """The chargebacks as they stand now."""

    async def find_payment(self, payment_id: str) -> ProviderPayment | None:
        """A payment; None if there is no such."""

    async def find_refund(self, provider_id: str) -> ProviderRefund | None:
        """A refund, by the provider's own id; None if there is no such, or if it moves no money."""

    async def refunds_of(self, payment_id: str) -> list[ProviderRefund]:
        """All refunds of a payment."""

    async def find_chargeback(self, chargeback_id: str) -> ProviderChargeback | None:
        """A chargeback; None if there is no such, or if it moves no money."""
