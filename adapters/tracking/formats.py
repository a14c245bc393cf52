"""Forms of tracking numbers that the package ``tracking-numbers`` (2022) does not know (R11).

Written by hand from what carriers and others have published, in the terms of that package, which then judges
them like its own. docs/tracking.md lists them, with what is known of their check digits.
"""

import re
from typing import Any, NamedTuple

from tracking_numbers.definition import TrackingNumberDefinition  # type: ignore[import-untyped]
from tracking_numbers.types import Courier  # type: ignore[import-untyped]


def _mod10(odds: int, evens: int, **more: Any) -> dict[str, Any]:
    """Weights of the digits at odd and even places, counted from 0 at the left."""
    return {
        "checksum": {"name": "mod10", "odds_multiplier": odds, "evens_multiplier": evens},
        **more,
    }


_FORM_ONLY: dict[str, Any] = {}
# GS1's serial shipping container code, behind its application identifier 00.
_SSCC = _mod10(odds=1, evens=3)
_FEDEX_34 = {
    "checksum": {
        "name": "sum_product_with_weightings_and_modulo",
        "weightings": [1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1],
        "modulo1": 11,
        "modulo2": 10,
    }
}
_ONTRAC_D = _mod10(
    odds=2,
    evens=1,
    serial_number_format={"prepend_if": {"matches_regex": "^(?!5).+$", "content": "5"}},
)

_DHL = Courier("dhl", "DHL")
_FEDEX = Courier("fedex", "FedEx")
_UPS = Courier("ups", "UPS")
_AMAZON = Courier("amazon", "Amazon")
_ONTRAC = Courier("ontrac", "OnTrac")
_POST_PL = Courier("poczta_polska", "Poczta Polska")
_INPOST = Courier("inpost", "InPost")
_CAINIAO = Courier("cainiao", "Cainiao")
_YUNEXPRESS = Courier("yunexpress", "YunExpress")

_Form = tuple[Courier, str, str, dict[str, Any]]


def _definition(form: _Form) -> TrackingNumberDefinition:
    courier, name, regex, validation = form
    spec = {"name": name, "regex": regex, "validation": validation}
    return TrackingNumberDefinition.from_spec(courier, spec)


_PECULIAR: list[_Form] = [
    (
        _POST_PL,
        "domestic",
        "00(?<SerialNumber>[0-9]5900773[0-9]{9})(?<CheckDigit>[0-9])",
        _SSCC,
    ),
    (_POST_PL, "Pocztex", "PX[0-9]{10}", _FORM_ONLY),
    (_DHL, "Paket", "00(?<SerialNumber>3404[0-9]{13})(?<CheckDigit>[0-9])", _SSCC),
    (_DHL, "piece", "(?:JD|JJD|JVGL)[0-9]{9,21}", _FORM_ONLY),
    (_DHL, "eCommerce", "(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)[0-9]{10,37}", _FORM_ONLY),
    (_CAINIAO, "LP", "LP[0-9]{13,18}", _FORM_ONLY),
    (_CAINIAO, "CAINIAO", "CAINIAO[0-9]{13,20}", _FORM_ONLY),
    (_YUNEXPRESS, "YT", "YT[0-9]{16}", _FORM_ONLY),
    (_ONTRAC, "D", "D(?<SerialNumber>[0-9]{13})(?<CheckDigit>[0-9])", _ONTRAC_D),
]
_COMMON: list[_Form] = [
    (_INPOST, "parcel", "[1-9][0-9]{23}", _FORM_ONLY),
    (
        _DHL,
        "Identcode",
        "(?<SerialNumber>[0-9]{11})(?<CheckDigit>[0-9])",
        _mod10(odds=9, evens=4),
    ),
    (
        _FEDEX,
        "Express (34)",
        "10[0-9]{18}(?<SerialNumber>[0-9]{13})(?<CheckDigit>[0-9])",
        _FEDEX_34,
    ),
    (
        _UPS,
        "Waybill",
        "[AHJKTV](?<SerialNumber>[0-9]{9})(?<CheckDigit>[0-9])",
        _mod10(odds=2, evens=1),
    ),
    (_AMAZON, "International", "[AFC][0-9]{10}", _FORM_ONLY),
]

PECULIAR = [_definition(form) for form in _PECULIAR]
"""What has one of these forms is this carrier's, even where its digits could be another's as well."""

COMMON = [_definition(form) for form in _COMMON]
"""Other carriers may have numbers of these forms, too."""


class Beginning(NamedTuple):
    """How a carrier's numbers begin, for those that fit no form: then their length is wrong."""

    carrier: str
    pattern: re.Pattern[str]
    least: int
    most: int


BEGINNINGS = [
    Beginning(carrier, re.compile(pattern), least, most)
    for carrier, pattern, least, most in [
        ("UPS", "1Z[A-Z0-9]+", 18, 18),
        ("YunExpress", "YT[0-9]+", 18, 18),
        ("Cainiao", "LP[0-9]+", 15, 20),
        ("Cainiao", "CAINIAO[0-9]*", 20, 27),
        ("Amazon", "TBA[0-9]+", 15, 15),
        ("Poczta Polska", "00[0-9]5900773[0-9]*", 20, 20),
        ("Poczta Polska", "PX[0-9]+", 12, 12),
        ("DHL", "(?:JD|JJD|JVGL)[0-9]+", 11, 25),
        ("DHL", "003404[0-9]+", 20, 20),
        ("DHL", "GM[0-9]+", 12, 39),
        ("postal service", "[A-Z]{2}[0-9]{6,12}[A-Z]{2}", 13, 13),
    ]
]
