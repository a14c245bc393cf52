"""The carriers' rules for their numbers: form and check digit (R11).

The rules are the data of the package ``tracking-numbers``: UPU standard S10 for postal services,
and the big carriers' own.
"""

from collections.abc import Iterable

import pycountry
from tracking_numbers import DEFINITIONS  # type: ignore[import-untyped]
from tracking_numbers.types import TrackingNumber  # type: ignore[import-untyped]

from activities.tracking import TrackingVerdict
from languages.catalogues import N_
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

_S10 = "s10"


class CarrierRules:
    """Implements ``activities.tracking.NumberRules``."""

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        """See ``NumberRules``; where the seller names another carrier, the number wins."""
        read: Iterable[TrackingNumber | None] = (rule.test(number) for rule in DEFINITIONS)
        # Several carriers may have numbers of one form: what the seller says then decides.
        found = sorted(
            (it for it in read if it),
            key=lambda it: (bool(_errors(it)), not _is_named(it, carrier)),
        )
        if not found:
            return TrackingVerdict(valid=False, reason=NO_SUCH_FORM)
        best = found[0]
        name = _carrier(best)
        if not (errors := _errors(best)):
            return TrackingVerdict(valid=True, carrier=name)
        reason = WRONG_CHECK_DIGIT if "checksum" in errors else UNKNOWN_CODE
        return TrackingVerdict(valid=False, carrier=name, reason=sentence(reason, carrier=name))


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
