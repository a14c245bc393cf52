"""Refunds (R14, R15, R23): the provider is asked for the money back, and for news of it.

Every request carries the refund's id as its idempotency key, so that a worker that dies between the
provider's answer and its own report asks twice and pays once.
"""

from typing import Protocol

from temporalio import activity

from orders.messages import RefundStatus
from orders.values import Frozen, Instant, Money


class RefundRequest(Frozen):
    """A refund to the original payment method; ``asked_at`` is by the order's own clock."""

    refund_id: str
    payment_id: str
    money: Money
    method: str
    asked_at: Instant


class RefundQuestion(Frozen):
    """Which refund is meant, and when it is by the order's own clock."""

    refund_id: str
    at: Instant


class RefundState(Frozen):
    """All an order needs to know of a provider's refund; a provider's own body never leaves its adapter."""

    status: RefundStatus
    reason: str = ""


class PaymentProvider(Protocol):
    """Whoever holds the money."""

    async def refund(self, request: RefundRequest) -> RefundState:
        """Ask for a refund; the same ``refund_id`` again answers with the same refund."""

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        """The refund's state; None when the provider does not know it."""

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """Cancel a refund that is under way, if that is still possible, and tell its state."""


class Refunds:
    """Moves money back."""

    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider

    @activity.defn
    async def ask_refund(self, request: RefundRequest) -> RefundState:
        """Ask for the refund."""
        return await self._provider.refund(request)

    @activity.defn
    async def check_refund(self, question: RefundQuestion) -> RefundState | None:
        """Ask what became of it."""
        return await self._provider.refund_state(question)

    @activity.defn
    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """R23: stop it, because the bank has taken the same money back."""
        return await self._provider.stop_refund(question)
