"""The carriers' rules for their numbers: format and check digit (R11).

The formats are in ``adapters.tracking.formats``.
"""

from collections.abc import Iterable
from typing import NamedTuple

from babel import Locale

from adapters.tracking.formats import (
    ALIASES,
    ANYBODYS,
    BEGINNINGS,
    COMMON,
    NAMED,
    PECULIAR,
    POSTAL_NAMES,
    POSTAL_SERVICE,
    Format,
)
from i18n.catalogues import N_
from orders.lifecycle import Verdict
from orders.sentences import sentence
from orders.tracking_numbers import TrackingVerdict

NO_RULE = sentence("We know no carrier's rule that confirms this number.")
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

_FORMATS = (*PECULIAR, *COMMON, *NAMED)
_CARRIERS = {**{it.carrier.casefold(): (it.carrier,) for it in _FORMATS}, **ALIASES}
"""The carriers that each name stands for."""


class _Reading(NamedTuple):
    """A number read as one carrier's; ``reason`` says why it cannot be one of its numbers."""

    format: Format
    carrier: str
    number: str
    reason: str | None


class CarrierRules:
    """Implements ``activities.tracking.NumberRules``."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """See ``NumberRules``.

        The carrier that the seller names judges what has a form of its own. What has not is judged by
        everybody's forms, but none of these refuses a number that a carrier we don't know may have.
        """
        named = _carriers(carrier)
        found = _best(number, named)
        if found is None:
            return _formless(number, carrier, named)
        if (reason := found.reason) is None:
            return TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier=found.carrier)
        is_strangers = bool(carrier) and not named
        may_be_anybodys = found.format not in PECULIAR and ANYBODYS.fullmatch(number)
        if found.format.carrier not in named and (is_strangers or may_be_anybodys):
            return TrackingVerdict(verdict=Verdict.TRACKING_UNKNOWN, reason=NO_RULE)
        # Carriers take new codes into use.
        is_wrong = reason == WRONG_CHECK_DIGIT
        return TrackingVerdict(
            verdict=Verdict.TRACKING_INVALID if is_wrong else Verdict.TRACKING_UNKNOWN,
            carrier=found.carrier if is_wrong else None,
            reason=sentence(reason, carrier=found.carrier, code=number[-2:]),
        )

    def canonical(self, number: str, carrier: str | None) -> str:
        """See ``NumberRules``."""
        found = _best(number, _carriers(carrier))
        return number if found is None or found.reason else found.number


def _carriers(name: str | None) -> frozenset[str]:
    """Those that the seller may mean; none of a name that we don't know."""
    text = (name or "").casefold().strip()
    found = {
        carrier
        for known, carriers in _CARRIERS.items()
        if text == known or text.startswith(f"{known} ")
        for carrier in carriers
    }
    return frozenset(found | ({POSTAL_SERVICE} if POSTAL_NAMES.search(text) else set()))


def _best(number: str, named: frozenset[str]) -> _Reading | None:
    """How the number is read: if possible as one of a named carrier, and if possible as a right one."""
    if not number.strip("0"):
        return None
    own = [it for it in _readings(number, _FORMATS) if it.format.carrier in named]
    found = own or _readings(number, PECULIAR) or _readings(number, COMMON)
    return min(found, key=lambda it: it.reason is not None, default=None)


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
    if country and country not in _COUNTRIES:
        reason = NO_SUCH_COUNTRY
    elif form.codes and not form.codes.fullmatch(parts["code"]):
        reason = UNKNOWN_CODE
    elif form.check_digit and parts["check"] != str(form.check_digit(parts["serial"])):
        reason = WRONG_CHECK_DIGIT
    return _Reading(form, carrier, form.omitted + (parts.get("number") or number), reason)


def _formless(number: str, carrier: str | None, named: frozenset[str]) -> TrackingVerdict:
    for it in BEGINNINGS:
        if it.pattern.fullmatch(number) and (it.carrier in named or not carrier):
            about = {"least": it.least, "most": it.most, "length": it.least}
            reason = WRONG_RANGE if it.most > it.least else WRONG_LENGTH
            is_wrong = it.carrier in named or it.is_unique
            return TrackingVerdict(
                verdict=Verdict.TRACKING_INVALID if is_wrong else Verdict.TRACKING_UNKNOWN,
                carrier=it.carrier if is_wrong else None,
                reason=sentence(reason, carrier=it.carrier, actual=len(number), **about),
            )
    return TrackingVerdict(verdict=Verdict.TRACKING_UNKNOWN, reason=NO_RULE)
