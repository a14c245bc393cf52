"""The carriers' rules for their numbers: form and check digit (R11).

The rules are the data of the package ``tracking-numbers`` (UPU standard S10 for postal services, and the
big carriers' own) and our own in ``adapters.tracking.formats``.
"""

import dataclasses
from collections.abc import Iterable

import pycountry
from tracking_numbers import DEFINITIONS  # type: ignore[import-untyped]
from tracking_numbers.definition import TrackingNumberDefinition  # type: ignore[import-untyped]
from tracking_numbers.types import TrackingNumber  # type: ignore[import-untyped]

from activities.tracking import TrackingVerdict
from adapters.tracking.formats import BEGINNINGS, COMMON, PECULIAR
from i18n.catalogues import N_
from orders.sentences import sentence

NO_SUCH_FORM = N_("No carrier that we know has numbers of this form.")
WRONG_CHECK_DIGIT = N_(
    "It looks like a number of this carrier: {carrier}. But its check digit is wrong: "
    "perhaps a character is mistyped."
)
UNKNOWN_CODE = N_(
    "It looks like a number of this carrier: {carrier}. But it has a code in it that they do not "
    "use: perhaps a character is mistyped."
)
NO_SUCH_COUNTRY = N_(
    "It looks like a number of a postal service. But no country has the code that it ends with, {code}: "
    "perhaps a character is mistyped."
)
WRONG_LENGTH = N_(
    "It looks like a number of this carrier: {carrier}. But theirs have {length} characters, and this one "
    "has {actual}: perhaps some are missing or too many."
)
WRONG_RANGE = N_(
    "It looks like a number of this carrier: {carrier}. But theirs have {least} to {most} characters, and "
    "this one has {actual}: perhaps some are missing or too many."
)

_S10 = "s10"


class CarrierRules:
    """Implements ``activities.tracking.NumberRules``."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """See ``NumberRules``; where the seller names another carrier, the number wins."""
        # Several carriers may have numbers of one form: what the seller says then decides.
        found = sorted(
            _readings(number, PECULIAR) or _readings(number, (*DEFINITIONS, *COMMON)),
            key=lambda it: (bool(_errors(it)), not _is_named(it, carrier)),
        )
        if not found:
            return _formless(number)
        best = found[0]
        name = _carrier(best)
        if not (errors := _errors(best)):
            return TrackingVerdict(valid=True, carrier=name)
        if "checksum" in errors:
            reason = WRONG_CHECK_DIGIT
        elif "Courier" in errors and best.courier.code == _S10:
            reason = NO_SUCH_COUNTRY
        else:
            reason = UNKNOWN_CODE
        reason = sentence(reason, carrier=name, code=number[-2:])
        return TrackingVerdict(valid=False, carrier=name, reason=reason)


def _readings(number: str, rules: Iterable[TrackingNumberDefinition]) -> list[TrackingNumber]:
    return [found for rule in rules if (found := _reading(number, rule))]


def _reading(number: str, rule: TrackingNumberDefinition) -> TrackingNumber | None:
    try:
        return rule.test(number)
    except ValueError:
        # The package lets UPS's check digit be a letter, and then fails on it.
        found = rule.test(f"{number[:-1]}0")
        return dataclasses.replace(found, validation_errors=[("checksum", "not a digit")])


def _formless(number: str) -> TrackingVerdict:
    for it in BEGINNINGS:
        if it.pattern.fullmatch(number):
            about = {"least": it.least, "most": it.most, "length": it.least}
            reason = WRONG_RANGE if it.most > it.least else WRONG_LENGTH
            reason = sentence(reason, carrier=it.carrier, actual=len(number), **about)
            return TrackingVerdict(valid=False, carrier=it.carrier, reason=reason)
    return TrackingVerdict(valid=False, reason=NO_SUCH_FORM)


def _errors(found: TrackingNumber) -> set[str]:
    errors = {name for name, _ in found.validation_errors}
    if found.courier.code == _S10 and _country(found):
        # The package takes members of the UPU only, but Taiwan or the Faroes number by S10 as well.
        errors.discard("Courier")
    return errors


def _carrier(found: TrackingNumber) -> str:
    if found.courier.code != _S10:
        return str(found.courier.name)
    return f"postal service ({_country(found) or found.number[-2:]})"


def _country(found: TrackingNumber) -> str | None:
    """S10 numbers end in the country (ISO 3166) of the postal service."""
    country = pycountry.countries.get(alpha_2=found.number[-2:])
    return country.name if country else None


def _is_named(found: TrackingNumber, carrier: str | None) -> bool:
    named = (carrier or "").casefold().strip()
    return named in (found.courier.code, found.courier.name.casefold())
