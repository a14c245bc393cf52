"""Disputes (R8, R12, R16): filed with the marketplace's own dispute system."""

from typing import Protocol

from temporalio import activity

from orders.disputes import Dispute
from orders.values import Frozen


class DisputeCase(Frozen):
    """An order's dispute as it stands; filing it again with the same id replaces what was filed."""

    order_id: str
    dispute: Dispute


class DisputeCases(Protocol):
    """The system in which mediators handle cases."""

    async def file(self, case: DisputeCase) -> None:
        """Open the case or bring it up to date; one case for each dispute id."""


class Disputes:
    """Files disputes."""

    def __init__(self, cases: DisputeCases) -> None:
        self._cases = cases

    @activity.defn
    async def file_dispute(self, case: DisputeCase) -> None:
        """File the dispute's current state."""
        await self._cases.file(case)
