"""Tracking numbers (R11): of a valid format, used by no other order, and known to the carrier.

An unavailable carrier delays neither deadlines nor refunds: the order goes on while the number is
``verifying``. After ``LONGEST_OUTAGE`` the number is accepted by its format alone.
"""

import asyncio
import re
from datetime import timedelta
from typing import Protocol
from unicodedata import normalize
from urllib.parse import unquote

from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.lifecycle import Verdict
from orders.sentences import sentence
from orders.tracking_numbers import TrackingVerdict
from orders.values import Frozen

LONGEST_OUTAGE = timedelta(days=2)

NOT_KNOWN = sentence("The carrier does not know this number.")
NOBODY_TO_ASK = sentence(
    "The carrier could not be reached for two days, so the number was accepted by its form alone."
)

# Seconds. Shorter than the activity's timeout, so that a hanging carrier is recognised as one.
_PATIENCE = 8.0
# Carriers learn of a parcel at its first scan: polling every few minutes gains nothing.
_ASK_AGAIN = timedelta(hours=1)

_LINK_PARTS = re.compile(r"[/?&=#;,]")


class TrackingCheck(Frozen):
    """A tracking number, and the carrier if named, as the seller gave them."""

    order_id: str
    number: str
    carrier: str | None = None


class NumberRules(Protocol):
    """The carriers' rules for their numbers."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """The verdict by format and check digit; ``number`` as ``number_in`` returns it."""


class NumberRegistry(Protocol):
    """The tracking numbers in use, by order."""

    async def claim(self, number: str, order_id: str) -> bool:
        """Reserve the number for the order; False if another order has it."""


class CarrierRecord(Frozen):
    """A carrier's record of a number; ``delivered_in`` is a country (ISO 3166-1 alpha-2)."""

    delivered_in: str | None = None


class NotKnownYet(Exception):
    """The carrier does not know the number yet, but may later: retry."""


class CarrierService(Protocol):
    """A carrier's tracking service, or one that covers many carriers."""

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        """The carrier's record of this number; None if there is no such number.

        The record is empty for a carrier that the service doesn't cover: the format must suffice. Raises
        NotKnownYet, and any other exception while the service is unavailable.
        """


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
        """Verify a number and reserve it for the order; idempotent."""
        number = number_in(check.number)
        verdict = self._rules.judge(number, check.carrier)
        if verdict.verdict is Verdict.TRACKING_VALID and self._carriers:
            verdict = await _ask_carrier(self._carriers, number, verdict)
        if verdict.verdict is Verdict.TRACKING_VALID and not await self._registry.claim(
            number, check.order_id
        ):
            return TrackingVerdict(
                verdict=Verdict.TRACKING_INVALID,
                carrier=verdict.carrier,
                reason=sentence("Another order has used this number already."),
            )
        return verdict


def number_in(text: str) -> str:
    """Normalise a pasted tracking number to capital letters and digits.

    From a link to a carrier's page it takes the part with the most digits. Full-width characters are
    converted; spaces, hyphens of all kinds and invisible characters are dropped.
    """
    is_link = "/" in text and "." in text
    parts = _LINK_PARTS.split(unquote(text)) if is_link else [text]
    cleaned = [
        "".join(char for char in normalize("NFKC", part) if char.isalnum()).upper()
        for part in parts
    ]
    return max(cleaned, key=lambda part: sum(map(str.isdigit, part)))


async def _ask_carrier(
    carriers: CarrierService, number: str, verdict: TrackingVerdict
) -> TrackingVerdict:
    """The verdict on a number of valid format, after asking its carrier."""
    info = activity.info()
    try:
        async with asyncio.timeout(_PATIENCE):
            record = await carriers.find(number, verdict.carrier)
    except NotKnownYet as error:
        later = None if info.is_local else _ASK_AGAIN
        raise ApplicationError(str(error), type="NotKnownYet", next_retry_delay=later) from None
    except Exception as error:
        # Both instants are the server's: a worker's clock may be wrong, and tests skip time.
        if info.current_attempt_scheduled_time - info.scheduled_time < LONGEST_OUTAGE:
            raise
        activity.logger.error("A tracking number counts by its form: %s", type(error).__name__)
        return verdict.model_copy(update={"reason": NOBODY_TO_ASK})
    if not record:
        return TrackingVerdict(
            verdict=Verdict.TRACKING_INVALID,
            carrier=verdict.carrier,
            reason=NOT_KNOWN,
        )
    if not record.delivered_in:
        return verdict
    return verdict.model_copy(
        update={
            "reason": sentence(
                "According to the carrier it was delivered in {country}.",
                country=record.delivered_in,
            )
        }
    )
