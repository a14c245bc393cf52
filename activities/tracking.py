"""Verifying tracking numbers (R11): of a carrier's form, known to the carrier, and one parcel's alone.

An unavailable carrier delays neither deadlines nor refunds: the order goes on while the number is
``verifying``. After ``LONGEST_OUTAGE`` the number is judged by its form alone.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.lifecycle import Verdict
from orders.messages import Message, SellerReply, TrackingNumber
from orders.sentences import sentence
from orders.shipments import LONGEST_VERIFICATION
from orders.tracking_numbers import TrackingVerdict, read_number
from orders.values import Frozen

# Retries come every five minutes: the verdict must be there before the number holds R20's window no longer.
LONGEST_OUTAGE = LONGEST_VERIFICATION - timedelta(minutes=10)

NOT_KNOWN = sentence("The carrier does not know this number.")
NOBODY_TO_ASK = sentence(
    "The carrier could not be reached for two days, so the number was accepted by its form alone."
)
USED_FOR_ANOTHER_BUYER = sentence("The seller has used this number for another buyer already.")
USED_BY_ANOTHER_SELLER = sentence("An order of another seller has this number already.")

# Seconds. Shorter than the activity's timeout, so that a hanging carrier is recognised as one.
_PATIENCE = 8.0
# Carriers learn of a parcel at its first scan: polling every few minutes gains nothing.
_ASK_AGAIN = timedelta(hours=1)


class TrackingCheck(Frozen):
    """A tracking number, and the carrier if named, as the seller gave them for an order.

    Histories of earlier versions have no parties.
    """

    order_id: str
    seller_id: str = ""
    buyer_id: str = ""
    number: str
    carrier: str | None = None


class NumberRules(Protocol):
    """The carriers' rules for their numbers; ``number`` as ``read_number`` returns it."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """The verdict by format and check digit."""

    def canonical(self, number: str, carrier: str | None) -> str:
        """The one spelling of a parcel's number, whichever of its barcodes was read."""


def form_problem(rules: NumberRules, message: Message) -> str | None:
    """R11: why the form of the number in a message does not confirm it, for whoever types it.

    None for a good number, and for a message without one.
    """
    match message:
        case TrackingNumber(number=number, carrier=carrier):
            verdict = rules.judge(number, carrier)
        case SellerReply(tracking_number=str(number)):
            verdict = rules.judge(number, None)
        case _:
            return None
    return None if verdict.verdict is Verdict.TRACKING_VALID else verdict.reason


class NumberUse(Frozen):
    """An order that uses a tracking number, and its parties."""

    order_id: str
    seller_id: str
    buyer_id: str


class NumberRegistry(Protocol):
    """The tracking numbers in use."""

    async def claim(self, number: str, use: NumberUse) -> NumberUse:
        """Note who uses a number, unless somebody does; returns who used it first."""


class CarrierRecord(Frozen):
    """A carrier's record of a number; ``delivered_in`` is a country (ISO 3166-1 alpha-2).

    The service may not cover the carrier, and then says nothing of the number.
    """

    is_covered: bool = True
    delivered_in: str | None = None


class NotKnownYet(Exception):
    """The carrier does not know the number yet, but may later: retry."""


class CarrierService(Protocol):
    """A carrier's tracking service, or one that covers many carriers."""

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        """The carrier's record of this number; None if there is no such number.

        Raises NotKnownYet, and any other exception while the service is unavailable.
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
        """Verify a number and note that the order uses it; idempotent."""
        number = read_number(check.number)
        verdict = self._rules.judge(number, check.carrier)
        if verdict.verdict is not Verdict.TRACKING_INVALID and self._carriers:
            carrier = verdict.carrier or check.carrier
            verdict = await _ask_carrier(self._carriers, number, carrier, verdict)
        if verdict.verdict is Verdict.TRACKING_INVALID:
            return verdict
        use = NumberUse(order_id=check.order_id, seller_id=check.seller_id, buyer_id=check.buyer_id)
        canonical = self._rules.canonical(number, check.carrier)
        return _after_claim(verdict, use, await self._registry.claim(canonical, use))


def _after_claim(verdict: TrackingVerdict, use: NumberUse, first: NumberUse) -> TrackingVerdict:
    """One parcel may serve several orders of one seller to one buyer."""
    if first.order_id == use.order_id:
        return verdict
    if first.seller_id != use.seller_id:
        return TrackingVerdict(
            verdict=Verdict.TRACKING_UNKNOWN,
            carrier=verdict.carrier,
            reason=USED_BY_ANOTHER_SELLER,
            other_order_id=first.order_id,
        )
    if first.buyer_id != use.buyer_id:
        return TrackingVerdict(
            verdict=Verdict.TRACKING_INVALID,
            carrier=verdict.carrier,
            reason=USED_FOR_ANOTHER_BUYER,
        )
    return verdict


async def _ask_carrier(
    carriers: CarrierService, number: str, carrier: str | None, verdict: TrackingVerdict
) -> TrackingVerdict:
    """The verdict on a number that its form does not make wrong, after asking its carrier."""
    info = activity.info()
    is_good = verdict.verdict is Verdict.TRACKING_VALID
    try:
        async with asyncio.timeout(_PATIENCE):
            record = await carriers.find(number, carrier)
    except NotKnownYet as error:
        later = None if info.is_local else _ASK_AGAIN
        raise ApplicationError(str(error), type="NotKnownYet", next_retry_delay=later) from None
    except Exception as error:
        # Both instants are the server's: a worker's clock may be wrong, and tests skip time.
        if info.current_attempt_scheduled_time - info.scheduled_time < LONGEST_OUTAGE:
            raise
        activity.logger.error("A tracking number counts by its form: %s", type(error).__name__)
        return verdict.model_copy(update={"reason": NOBODY_TO_ASK}) if is_good else verdict
    if record is None:
        # Of a form that we don't know, the service may have asked the wrong carrier.
        refused = Verdict.TRACKING_INVALID if is_good else Verdict.TRACKING_UNKNOWN
        return TrackingVerdict(verdict=refused, carrier=verdict.carrier, reason=NOT_KNOWN)
    if not record.is_covered:
        return verdict
    reason = record.delivered_in and sentence(
        "According to the carrier it was delivered in {country}.", country=record.delivered_in
    )
    return TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier=verdict.carrier, reason=reason)
