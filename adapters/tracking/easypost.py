"""EasyPost as the carrier service for tracking numbers (R11); needs the extra ``easypost``.

CarrierUnavailable    EasyPost is unavailable or rejects the key; retried later
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from easypost.easypost_client import EasyPostClient
from easypost.easypost_object import EasyPostObject
from easypost.errors.api.api_error import ApiError
from easypost.errors.general.easypost_error import EasyPostError
from pydantic import AwareDatetime, BaseModel, BeforeValidator, SecretStr, ValidationError

from activities.tracking import CarrierRecord, NotKnownYet

log = logging.getLogger("unbuy.easypost")

# How long a number may be new to its carrier before it counts as unknown: sellers submit it when they print
# the label, and carriers learn of it at the first scan of the parcel.
FIRST_SCAN_WITHIN = timedelta(days=1)

# Seconds. The calling activity has 10, and the SDK retries connections.
_TIMEOUT = 5

# Carriers whose names match EasyPost's; it detects the others.
_EASYPOST_NAMES = {"UPS": "UPS", "FedEx": "FedEx", "United States Postal Service": "USPS"}

# HTTP statuses: the carrier cannot be detected, or is not covered; and the key is rejected.
_NOT_COVERED = (400, 404, 422)
_OUR_FAULT = (401, 402, 403)


class CarrierUnavailable(Exception):
    """EasyPost is unavailable or rejects the key; the text contains nothing of its response."""


class _Place(BaseModel):
    country: str | None = None


class _Scan(BaseModel):
    status: str | None = None
    tracking_location: _Place | None = None


class _CarrierDetail(BaseModel):
    destination_tracking_location: _Place | None = None


def _or_empty(scans: object) -> object:
    return [] if scans is None else scans


class _Tracker(BaseModel):
    """EasyPost's Tracker, with only the fields that are used."""

    status: str
    created_at: AwareDatetime
    tracking_details: Annotated[list[_Scan], BeforeValidator(_or_empty)] = []
    carrier_detail: _CarrierDetail | None = None


class EasyPostCarrier:
    """Implements ``activities.tracking.CarrierService``. ``api_base`` replaces its address."""

    def __init__(
        self, api_key: SecretStr, api_base: str | None = None, timeout: int = _TIMEOUT
    ) -> None:
        base = {"api_base": api_base} if api_base else {}
        self._client = EasyPostClient(api_key.get_secret_value(), timeout=timeout, **base)

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        """See ``CarrierService``; CarrierUnavailable while EasyPost is unavailable.

        EasyPost tracks a number from the first request for it, and has the carrier's record some minutes
        later: until ``FIRST_SCAN_WITHIN`` has passed an unknown number is NotKnownYet.
        """
        asked: dict[str, Any] = {"tracking_code": number}
        if carrier in _EASYPOST_NAMES:
            asked["carrier"] = _EASYPOST_NAMES[carrier]
        try:
            answer: object = await asyncio.to_thread(self._client.tracker.create, **asked)
            # The response may be anything, whatever the SDK promises.
            known = answer.to_dict() if isinstance(answer, EasyPostObject) else answer
            tracker = _Tracker.model_validate(known)
        except (EasyPostError, ValidationError) as error:
            status = error.http_status if isinstance(error, ApiError) else None
            if status in _NOT_COVERED:
                log.info("EasyPost does not cover a number (HTTP %d)", status)
                return CarrierRecord(is_covered=False)
            if status in _OUR_FAULT:
                log.error("EasyPost lets nobody ask with UNBUY_EASYPOST_API_KEY (HTTP %d)", status)
            # Its own text may contain a whole response, of any size.
            raise CarrierUnavailable(
                f"EasyPost cannot be asked now ({type(error).__name__}); it is asked again."
            ) from None
        if tracker.status == "unknown" and not tracker.tracking_details:
            if datetime.now(UTC) - tracker.created_at < FIRST_SCAN_WITHIN:
                raise NotKnownYet("The carrier does not know this number yet; it is asked again.")
            return None
        return CarrierRecord(delivered_in=_delivered_in(tracker))


def _delivered_in(tracker: _Tracker) -> str | None:
    """The country of the last delivery, if the carrier reports it."""
    if tracker.status != "delivered":
        return None
    delivered = [
        it.tracking_location for it in tracker.tracking_details if it.status == "delivered"
    ]
    bound_for = tracker.carrier_detail and tracker.carrier_detail.destination_tracking_location
    places = [*reversed(delivered), bound_for]
    return next((it.country for it in places if it and it.country), None)
