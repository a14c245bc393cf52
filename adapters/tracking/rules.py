"""The carriers' rules for their numbers: format and check digit (R11).

The formats are in ``adapters.tracking.formats``.
"""

from collections.abc import Iterable
from typing import NamedTuple

from babel import Locale

from adapters.tracking.formats import (
    ALIASES,
    BEGINNINGS,
    COMMON,
    OTHERS,
    PECULIAR,
    Format,
)
from i18n.catalogues import N_
from orders.lifecycle import Verdict
from orders.sentences import sentence
from orders.tracking_numbers import TrackingVerdict

NO_SUCH_FORM = sentence("No carrier that we know has numbers of this form.")
WRONG_CHECK_DIGIT = N_(
    "This looks like a number from {carrier}, but its check digit is wrong: please check for "
    "a typing error."
)
UNKNOWN_CODE = N_(
    "This looks like a number from {carrier}, but it contains a code that the carrier does "
    "not use: please check for a typing error."
)
NO_SUCH_COUNTRY = N_(
    "This looks like a postal tracking number, but it ends with {code}, which is no "
    "country's code: please check for a typing error."
)
WRONG_LENGTH = N_(
    "This looks like a number from {carrier}, but theirs have {length} characters and this "
    "one has {actual}: please check it."
)
WRONG_RANGE = N_(
    "This looks like a number from {carrier}, but theirs have {least} to {most} characters "
    "and this one has {actual}: please check it."
)

# Regions of CLDR that are not countries, and so have no postal service.
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_COUNTRIES = {
    code: name
    for code, name in Locale("en").territories.items()
    if code.isalpha() and code not in _NO_COUNTRIES
}
"""The names of the countries of ISO 3166, and of places with postal codes of their own."""


class _Reading(NamedTuple):
    """A number read as one carrier's; ``reason`` says why it is invalid as such."""

    format: Format
    carrier: str
    reason: str | None


class CarrierRules:
    """Implements ``activities.tracking.NumberRules``."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """See ``NumberRules``; where the seller names another carrier, the number wins."""
        # Several carriers may share a format: the one that the seller names then decides.
        found = sorted(
            _readings(number, PECULIAR) or _readings(number, COMMON),
            key=lambda it: (it.reason is not None, not _is_named(it, carrier)),
        )
        if not found or not number.strip("0"):
            return _formless(number)
        best = found[0]
        if (reason := best.reason) is None:
            return TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier=best.carrier)
        if not _is_named(best, carrier) and any(it.fullmatch(number) for it in OTHERS):
            return _formless(number)
        reason = sentence(reason, carrier=best.carrier, code=number[-2:])
        return TrackingVerdict(
            verdict=Verdict.TRACKING_INVALID, carrier=best.carrier, reason=reason
        )


def _readings(number: str, formats: Iterable[Format]) -> list[_Reading]:
    return [found for it in formats if (found := _reading(number, it))]


def _reading(number: str, form: Format) -> _Reading | None:
    if (found := form.pattern.fullmatch(number)) is None:
        return None
    parts = found.groupdict()
    carrier, country = form.carrier, parts.get("country")
    if country:
        named = _COUNTRIES.get(country, country)
        carrier = sentence("postal service ({country})", country=named)
    reason = None
    if form.check_digit and parts["check"] != str(form.check_digit(parts["serial"])):
        reason = WRONG_CHECK_DIGIT
    elif country and country not in _COUNTRIES:
        reason = NO_SUCH_COUNTRY
    elif form.codes and not form.codes.fullmatch(parts["code"]):
        reason = UNKNOWN_CODE
    return _Reading(form, carrier, reason)


def _formless(number: str) -> TrackingVerdict:
    for it in BEGINNINGS:
        if it.pattern.fullmatch(number):
            about = {"least": it.least, "most": it.most, "length": it.least}
            reason = WRONG_RANGE if it.most > it.least else WRONG_LENGTH
            reason = sentence(reason, carrier=it.carrier, actual=len(number), **about)
            return TrackingVerdict(
                verdict=Verdict.TRACKING_INVALID, carrier=it.carrier, reason=reason
            )
    return TrackingVerdict(verdict=Verdict.TRACKING_INVALID, reason=NO_SUCH_FORM)


def _is_named(found: _Reading, carrier: str | None) -> bool:
    named = (carrier or "").casefold().strip()
    return ALIASES.get(named, named) == found.format.carrier.casefold()
