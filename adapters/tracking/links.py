"""Where carriers show a parcel's way to whoever has its number, for a link to it."""

from typing import Final
from urllib.parse import quote

_LINKS: Final = {
    "DHL": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "GLS": "https://gls-group.eu/EU/en/parcel-tracking?match={number}",
    "InPost": "https://inpost.pl/sledzenie-przesylek?number={number}",
    "Poczta Polska": "https://emonitoring.poczta-polska.pl/?numer={number}",
    "UPS": "https://www.ups.com/track?tracknum={number}",
    "United States Postal Service": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
    # National ones of the postal services that a number by UPU's standard names.
    "postal service (Poland)": "https://emonitoring.poczta-polska.pl/?numer={number}",
    "postal service (United Kingdom)": "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    "postal service (United States)": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
}


def tracking_link(carrier: str | None, number: str) -> str | None:
    """The carrier's page for this number; None for a carrier that is not known to have one.

    ``carrier`` is its name as ``adapters.tracking.formats`` has it.
    """
    link = _LINKS.get(carrier or "")
    return link.format(number=quote(number, safe="")) if link else None
