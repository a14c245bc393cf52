"""Disputes (R8, R12, R16): the desk at which support's mediators work is kept up to date."""

from typing import Protocol

from temporalio import activity

from orders.disputes import Dispute
from orders.values import Frozen


class DisputeCase(Frozen):
    """An order's dispute as it stands; filing it again with the same id replaces what was filed."""

    order_id: str
    dispute: Dispute


class DisputeCases(Protocol):
    """Where mediators find their cases."""

    async def file(self, case: DisputeCase) -> None:
        """Open the case or bring it up to date; one case for each dispute id."""


class Disputes:
    """Files disputes."""

    def __init__(self, desk: DisputeCases) -> None:
        self._desk = desk

    @activity.defn
    async def file_dispute(self, case: DisputeCase) -> None:
        """Tell the desk how the dispute stands."""
        await self._desk.file(case)
