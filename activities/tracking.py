"""Tracking numbers (R11): format and check digit, used by no other order, known to the carrier.

A carrier that can't be asked holds up neither a deadline nor a refund: the order goes on while the number is
``verifying``. Nor does it hold up the number for ever: after ``LONGEST_OUTAGE`` its form counts alone.
"""

import asyncio
import re
from datetime import timedelta
from typing import Protocol
from unicodedata import normalize
from urllib.parse import unquote

from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence
from orders.values import Frozen

LONGEST_OUTAGE = timedelta(days=2)

NOT_KNOWN = sentence("The carrier does not know this number.")
NOBODY_TO_ASK = sentence(
    "The carrier could not be reached for two days, so the number was accepted by its form alone."
)

# Sooner than the attempt's own end, so that a carrier which hangs is known for one.
_PATIENCE = 8.0
# Carriers learn of a parcel when they first scan it: nothing is gained by asking every few minutes.
_ASK_AGAIN = timedelta(hours=1)

_LINK_PARTS = re.compile(r"[/?&=#;,]")


class TrackingCheck(Frozen):
    """A number as the seller gave it; ``carrier`` is what the seller says, if anything."""

    order_id: str
    number: str
    carrier: str | None = None


class TrackingVerdict(WithSentences, Frozen):
    """Good or not; ``carrier`` whose number it is.

    ``reason`` is a sentence: why it is not good or, with one that is, what else is to be known of it.
    """

    valid: bool
    carrier: Text | None = None
    reason: Text | None = None


class NumberRules(Protocol):
    """The carriers' rules for their numbers."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """Format and check digit."""


class NumberRegistry(Protocol):
    """Which order used which number."""

    async def claim(self, number: str, order_id: str) -> bool:
        """Note that the order uses the number; False when another order does already."""


class CarrierRecord(Frozen):
    """What a carrier has under a number; ``delivered_in`` is a country (ISO 3166, two letters)."""

    delivered_in: str | None = None


class NotKnownYet(Exception):
    """The carrier has nothing under the number yet, and may still have later: it is to be asked again."""


class CarrierService(Protocol):
    """A carrier that can be asked, or somebody who asks many."""

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        """What the carrier has under this number; None when there is no such number.

        Of a carrier that the service doesn't cover the record is empty: the number's form has to do.
        Raises NotKnownYet, and anything else when it cannot be asked now.
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
        """Judge a number; the same order asking again gets the same answer."""
        number = number_in(check.number)
        verdict = self._rules.judge(number, check.carrier)
        if verdict.valid and self._carriers:
            verdict = await _carrier_says(self._carriers, number, verdict)
        if verdict.valid and not await self._registry.claim(number, check.order_id):
            reason = sentence("Another order has used this number already.")
            return TrackingVerdict(valid=False, carrier=verdict.carrier, reason=reason)
        return verdict


def number_in(text: str) -> str:
    """A number as people paste it, in capital letters and digits alone.

    Of a link to a carrier's page it is the part with the most digits. Letters of full width are letters;
    spaces, hyphens of all kinds and what nobody sees are dropped.
    """
    is_link = "/" in text and "." in text
    parts = _LINK_PARTS.split(unquote(text)) if is_link else [text]
    cleaned = [
        "".join(char for char in normalize("NFKC", part) if char.isalnum()).upper()
        for part in parts
    ]
    return max(cleaned, key=lambda part: sum(map(str.isdigit, part)))


async def _carrier_says(
    carriers: CarrierService, number: str, verdict: TrackingVerdict
) -> TrackingVerdict:
    """The verdict on a number of good form, with what its carrier knows."""
    info = activity.info()
    try:
        async with asyncio.timeout(_PATIENCE):
            record = await carriers.find(number, verdict.carrier)
    except NotKnownYet as error:
        later = None if info.is_local else _ASK_AGAIN
        raise ApplicationError(str(error), type="NotKnownYet", next_retry_delay=later) from None
    except Exception as error:
        # Both are the server's instants: a worker's clock may be wrong, and tests skip time.
        if info.current_attempt_scheduled_time - info.scheduled_time < LONGEST_OUTAGE:
            raise
        activity.logger.error("A tracking number counts by its form: %s", type(error).__name__)
        return verdict.model_copy(update={"reason": NOBODY_TO_ASK})
    if not record:
        return TrackingVerdict(
            valid=False,
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
