"""Tracking numbers (R11): format and check digit, used by no other order, known to the carrier."""

from typing import Protocol

from temporalio import activity

from orders.sentences import sentence
from orders.values import Frozen


class TrackingCheck(Frozen):
    """A number as the seller gave it; ``carrier`` is what the seller says, if anything."""

    order_id: str
    number: str
    carrier: str | None = None


class TrackingVerdict(Frozen):
    """Good or not; ``carrier`` whose number it is, ``reason`` a sentence when it is not good."""

    valid: bool
    carrier: str | None = None
    reason: str | None = None


class NumberRules(Protocol):
    """The carriers' rules for their numbers."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """Format and check digit."""


class NumberRegistry(Protocol):
    """Which order used which number."""

    async def claim(self, number: str, order_id: str) -> bool:
        """Note that the order uses the number; False when another order does already."""


class CarrierService(Protocol):
    """A carrier that can be asked."""

    async def knows(self, number: str, carrier: str | None) -> bool:
        """Whether the carrier knows this number. Raises when it cannot be asked now."""


class Tracking:
    """Verifies tracking numbers. ``carriers`` is None where no carrier service is configured."""

    def __init__(
        self, rules: NumberRules, registry: NumberRegistry, carriers: CarrierService | None = None
    ) -> None:
        self._rules = rules
        self._registry = registry
        self._carriers = carriers

    @activity.defn
    async def verify_tracking(self, check: TrackingCheck) -> TrackingVerdict:
        """Judge a number; the same order asking again gets the same answer."""
        number = "".join(char for char in check.number if char.isalnum()).upper()
        verdict = self._rules.judge(number, check.carrier)
        if not verdict.valid:
            return verdict
        if self._carriers and not await self._carriers.knows(number, verdict.carrier):
            return TrackingVerdict(
                valid=False,
                carrier=verdict.carrier,
                reason=sentence("The carrier does not know this number."),
            )
        if not await self._registry.claim(number, check.order_id):
            return TrackingVerdict(
                valid=False,
                carrier=verdict.carrier,
                reason=sentence("Another order has used this number already."),
            )
        return verdict
