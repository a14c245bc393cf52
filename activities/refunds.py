"""Refunds (R14, R15, R23): requested from the provider, checked and stopped.

Every request carries the refund's id as its idempotency key, so that a worker that dies between the
provider's answer and its own report requests twice and pays once. Each refund is registered before the
provider is called; the register rejects refunds that exceed the payment.
"""

from datetime import UTC, datetime
from typing import Protocol

from pydantic import Field
from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.messages import RefundStatus
from orders.sentence_fields import Text, WithSentences, with_sentences
from orders.values import Frozen, Instant, Money


class ProviderRefusal(ApplicationError):
    """The provider will never make this refund; not retried."""

    def __init__(self, reason: str) -> None:
        details = with_sentences({"reason": reason})
        super().__init__(reason, details, type="ProviderRefusal", non_retryable=True)


class RefundRequest(Frozen):
    """A refund to the original payment method; ``asked_at`` is by the order's own clock.

    ``paid`` is the payment's amount, the most that may be refunded. ``workflow_id`` is the requesting
    workflow, which the provider's events about the refund are delivered to. ``given_up`` are the ids of the
    payment's earlier refunds that will not be paid.
    """

    refund_id: str
    payment_id: str
    money: Money
    paid: Money
    method: str
    workflow_id: str = Field(alias="process")
    given_up: tuple[str, ...] = ()
    asked_at: Instant


class RefundQuestion(Frozen):
    """A refund to look up; ``at`` is now by the order's own clock."""

    refund_id: str
    payment_id: str
    at: Instant


class RefundState(WithSentences, Frozen):
    """The state of a refund at the provider; provider-specific data never leaves the adapter.

    ``act_by`` is until when the provider waits for the buyer to act, if it does and says so. ``said_at`` is
    when the provider was asked, by its clock and not the order's; adapters leave it out.
    """

    status: RefundStatus
    reason: Text = ""
    act_by: Instant | None = None
    said_at: Instant | None = None


class PaymentProvider(Protocol):
    """A payment provider's refunds."""

    async def refund(self, request: RefundRequest) -> RefundState:
        """Request a refund; idempotent by ``refund_id``. Raises ProviderRefusal."""

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        """The refund's state; None when the provider does not know it."""

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """Cancel a pending refund if still possible, and return its state; None as ``refund_state``."""


class RefundRegister(Protocol):
    """The refunds that were requested, and their states."""

    async def add(self, request: RefundRequest) -> None:
        """Register a refund before it is requested; repeats change nothing.

        Raises ProviderRefusal if the payment's refunds would exceed ``paid``.
        """

    async def update(self, refund_id: str, state: RefundState) -> None:
        """Store the state that the provider reports; unregistered refunds are ignored."""


class Refunds:
    """Requests, checks and stops refunds."""

    def __init__(self, provider: PaymentProvider, register: RefundRegister) -> None:
        self._provider = provider
        self._register = register

    @activity.defn
    async def ask_refund(self, request: RefundRequest) -> RefundState:
        """R14: register and request the refund."""
        await self._register.add(request)
        now = datetime.now(UTC)
        return await self._store(request.refund_id, await self._provider.refund(request), now)

    @activity.defn
    async def check_refund(self, question: RefundQuestion) -> RefundState | None:
        """R15: the refund's state; None if the provider does not know it."""
        now = datetime.now(UTC)
        state = await self._provider.refund_state(question)
        return await self._store(question.refund_id, state, now) if state else None

    @activity.defn
    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """R23: stop the refund, because of a chargeback of the same payment."""
        now = datetime.now(UTC)
        state = await self._provider.stop_refund(question)
        return await self._store(question.refund_id, state, now) if state else None

    async def _store(self, refund_id: str, state: RefundState, asked_at: datetime) -> RefundState:
        await self._register.update(refund_id, state)
        return state.model_copy(update={"said_at": asked_at})
