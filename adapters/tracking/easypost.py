"""EasyPost as the carrier service that is asked about tracking numbers (R11). The extra ``easypost``.

CarrierUnavailable    EasyPost can't be asked now, or not with this key; asked again later
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

# How long a number may be new to its carrier before it counts as unknown: sellers give it when they print
# the label, and carriers see it when they first scan the parcel.
NEWS_TAKES = timedelta(days=1)

# Seconds. The activity that asks has 10, and the SDK tries a connection anew.
_TIMEOUT = 5

# Only of these is our name surely theirs; for the others EasyPost finds out by itself.
_THEIR_NAMES = {"UPS": "UPS", "FedEx": "FedEx", "United States Postal Service": "USPS"}

# HTTP statuses: a carrier that can't be told from the number, or isn't EasyPost's; and a key that may not.
_NOT_COVERED = (400, 404, 422)
_OUR_FAULT = (401, 402, 403)


class CarrierUnavailable(Exception):
    """EasyPost can't be asked now; the text never has anything of its answer."""


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
    """What we read of EasyPost's Tracker."""

    status: str
    created_at: AwareDatetime
    tracking_details: Annotated[list[_Scan], BeforeValidator(_or_empty)] = []
    carrier_detail: _CarrierDetail | None = None


class EasyPostCarrier:
    """Implements ``activities.tracking.CarrierService``. ``api_base`` is another address than its own."""

    def __init__(
        self, api_key: SecretStr, api_base: str | None = None, timeout: int = _TIMEOUT
    ) -> None:
        base = {"api_base": api_base} if api_base else {}
        self._client = EasyPostClient(api_key.get_secret_value(), timeout=timeout, **base)

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        """See ``CarrierService``; CarrierUnavailable when EasyPost can't be asked.

        EasyPost watches a number from the first time that it is asked about it, and has the carrier's
        news some minutes later: until ``NEWS_TAKES`` is over an unknown number is NotKnownYet.
        """
        asked: dict[str, Any] = {"tracking_code": number}
        if carrier in _THEIR_NAMES:
            asked["carrier"] = _THEIR_NAMES[carrier]
        try:
            answer: object = await asyncio.to_thread(self._client.tracker.create, **asked)
            # Anything may come as an answer, whatever the SDK promises.
            known = answer.to_dict() if isinstance(answer, EasyPostObject) else answer
            tracker = _Tracker.model_validate(known)
        except (EasyPostError, ValidationError) as error:
            status = error.http_status if isinstance(error, ApiError) else None
            if status in _NOT_COVERED:
                log.info("EasyPost does not cover a number (HTTP %d)", status)
                return CarrierRecord()
            if status in _OUR_FAULT:
                log.error("EasyPost lets nobody ask with UNBUY_EASYPOST_API_KEY (HTTP %d)", status)
            # Its own text may have the whole of an answer in it, of any size.
            raise CarrierUnavailable(
                f"EasyPost cannot be asked now ({type(error).__name__}); it is asked again."
            ) from None
        if tracker.status == "unknown" and not tracker.tracking_details:
            if datetime.now(UTC) - tracker.created_at < NEWS_TAKES:
                raise NotKnownYet("The carrier does not know this number yet; it is asked again.")
            return None
        return CarrierRecord(delivered_in=_delivered_in(tracker))


def _delivered_in(tracker: _Tracker) -> str | None:
    """The country of the last delivery, as far as the carrier tells."""
    if tracker.status != "delivered":
        return None
    delivered = [
        it.tracking_location for it in tracker.tracking_details if it.status == "delivered"
    ]
    bound_for = tracker.carrier_detail and tracker.carrier_detail.destination_tracking_location
    places = [*reversed(delivered), bound_for]
    return next((it.country for it in places if it and it.country), None)
