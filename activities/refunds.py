"""Refunds (R14, R15, R23): the provider is asked for the money back, and what became of it.

Every request carries the refund's id as its idempotency key, so that a worker that dies between the
provider's answer and its own report asks twice and pays once. Before the provider is asked at all, the
register takes the refund: it refuses what would send back more than came in.
"""

from typing import Protocol

from pydantic import Field
from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.messages import RefundStatus
from orders.sentence_fields import Text, WithSentences, with_sentences
from orders.values import Frozen, Instant, Money


class ProviderRefusal(ApplicationError):
    """This will never be done, however often it is asked for: asking again is no use."""

    def __init__(self, reason: str) -> None:
        details = with_sentences({"reason": reason})
        super().__init__(reason, details, type="ProviderRefusal", non_retryable=True)


class RefundRequest(Frozen):
    """A refund to the original payment method; ``asked_at`` is by the order's own clock.

    ``paid`` is what came in by that payment, the most that may go back of it. ``workflow_id`` is that of
    the workflow that asks, so that the provider's events about the refund reach it. ``given_up`` are the
    payment's earlier refunds which, as that workflow has been told, will not be paid.
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
    """Which refund of which payment is meant, and when it is by the order's own clock."""

    refund_id: str
    payment_id: str
    at: Instant


class RefundState(WithSentences, Frozen):
    """All an order needs to know of a provider's refund; a provider's own body never leaves its adapter."""

    status: RefundStatus
    reason: Text = ""


class PaymentProvider(Protocol):
    """Whoever holds the money."""

    async def refund(self, request: RefundRequest) -> RefundState:
        """Ask for a refund; the same ``refund_id`` again answers with the same refund."""

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        """The refund's state; None when the provider does not know it."""

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """Cancel a refund that is under way, if that is still possible, and tell its state."""


class RefundRegister(Protocol):
    """Every refund that was ever requested, and its state."""

    async def add(self, request: RefundRequest) -> None:
        """Enter a refund before it is requested; the same again changes nothing.

        Raises ProviderRefusal if the payment's refunds would exceed ``paid``.
        """

    async def update(self, refund_id: str, state: RefundState) -> None:
        """Note the state that the provider reports; a refund that was never entered is left alone."""


class Refunds:
    """Moves money back."""

    def __init__(self, provider: PaymentProvider, register: RefundRegister) -> None:
        self._provider = provider
        self._register = register

    @activity.defn
    async def ask_refund(self, request: RefundRequest) -> RefundState:
        """Ask for the refund."""
        await self._register.add(request)
        return await self._noted(request.refund_id, await self._provider.refund(request))

    @activity.defn
    async def check_refund(self, question: RefundQuestion) -> RefundState | None:
        """Ask what became of it."""
        state = await self._provider.refund_state(question)
        return await self._noted(question.refund_id, state) if state else None

    @activity.defn
    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """R23: stop it, because the bank has taken the same money back."""
        state = await self._provider.stop_refund(question)
        return await self._noted(question.refund_id, state) if state else None

    async def _noted(self, refund_id: str, state: RefundState) -> RefundState:
        await self._register.update(refund_id, state)
        return state
