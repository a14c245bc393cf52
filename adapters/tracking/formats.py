"""The formats of carriers' tracking numbers (R11), as docs/tracking.md lists them.

From published sources: UPU's standard S10, GS1's serial shipping container code, labels and open trackers.
Numbers are without spaces and hyphens, in capitals.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from adapters.tracking.check_digits import CheckDigit, begun, mod7, mod10, mod11, s10
from orders.sentences import sentence


@dataclass(frozen=True, slots=True)
class Format:
    """One format of a carrier's numbers.

    ``pattern`` has groups ``serial`` and ``check`` if there is a check digit, ``code`` for a part that must
    match ``codes``, and ``country`` if numbers end with one.
    """

    carrier: str
    pattern: re.Pattern[str]
    check_digit: CheckDigit | None = None
    codes: re.Pattern[str] | None = None


POSTAL_SERVICE: Final = sentence("postal service")
"""Any country's postal service; the number names the country."""

ALIASES: Final = {"usps": "united states postal service", "s10": POSTAL_SERVICE}
"""Other names that sellers use for carriers."""


def _of(
    carrier: str, pattern: str, check_digit: CheckDigit | None = None, codes: str | None = None
) -> Format:
    return Format(
        carrier, re.compile(pattern, re.ASCII), check_digit, re.compile(codes) if codes else None
    )


_AMAZON = "Amazon"
_CAINIAO = "Cainiao"
_DHL = "DHL"
_FEDEX = "FedEx"
_INPOST = "InPost"
_ONTRAC = "OnTrac"
_POST_PL = "Poczta Polska"
_UPS = "UPS"
_USPS = "United States Postal Service"
_YUNEXPRESS = "YunExpress"

# GS1's check digit, for a serial with an odd number of digits.
_GS1 = mod10(3, 1)
_FEDEX_12 = mod11((3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1))
_FEDEX_34 = mod11((1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1))
_UPS_SERVICES = "0[1-4]|1[235]|22|3[23]|4[124]|6[678]|7[28]|90|A[01289A]|YW"
_S10_SERVICES = "[B-EHLMNPRUVZ][A-Z]|Q[A-M]|A[V-Z]|G[AD]"

PECULIAR: Final = (
    _of(_POST_PL, r"00(?P<serial>\d5900773\d{9})(?P<check>\d)", _GS1),
    _of(_POST_PL, r"PX\d{10}"),
    _of(_DHL, r"00(?P<serial>3404\d{13})(?P<check>\d)", _GS1),
    _of(_DHL, r"(?:JD|JJD|JVGL)\d{9,21}"),
    _of(_DHL, r"(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)\d{10,37}"),
    _of(_CAINIAO, r"LP\d{13,18}"),
    _of(_CAINIAO, r"CAINIAO\d{13,20}"),
    _of(_YUNEXPRESS, r"YT\d{16}"),
    _of(_ONTRAC, r"D(?P<serial>\d{13})(?P<check>\d)", begun("5", mod10(1, 2))),
)
"""Formats that identify their carrier, even where another carrier's would match as well."""

COMMON: Final = (
    _of(_DHL, r"(?P<serial>\d{9,10})(?P<check>\d)", mod7),
    _of(_AMAZON, r"TBA\d{12}"),
    _of(_USPS, r"(?P<serial>(?P<code>\d\d)\d{17})(?P<check>\d)", _GS1, "03|7[137]|81"),
    # After a ZIP code of 9 digits, of 5, or none.
    _of(_USPS, r"420\d{9}(?P<serial>(?:9[2-5])?\d{19})(?P<check>\d)", _GS1),
    _of(
        _USPS,
        r"(?:420\d{5})?(?P<serial>(?:9[1-5])?\d{12}(?:\d{7}|\d{11}))(?P<check>\d)",
        begun("91", _GS1, unless=("91", "92", "93", "94", "95")),
    ),
    _of(_FEDEX, r"(?P<serial>\d{11})(?P<check>\d)", _FEDEX_12),
    _of(_FEDEX, r"10\d{18}(?P<serial>\d{13})(?P<check>\d)", _FEDEX_34),
    _of(_FEDEX, r"(?P<serial>92\d{19})(?P<check>\d)", _GS1),
    _of(_FEDEX, r"(?P<serial>\d{14})(?P<check>\d)", mod10(1, 3)),
    _of(_FEDEX, r"(?P<code>\d\d)(?P<serial>\d{15})(?P<check>\d)", _GS1, "0[0124]"),
    _of(_FEDEX, r"96\d{5}(?P<serial>\d{14})(?P<check>\d)", mod10(1, 3)),
    _of(_FEDEX, r"96\d{18}(?P<serial>\d{13})(?P<check>\d)", _FEDEX_34),
    _of(
        _UPS,
        r"1Z(?P<serial>[A-Z\d]{6}(?P<code>[A-Z\d]{2})[A-Z\d]{7})(?P<check>[A-Z\d])",
        mod10(1, 2),
        _UPS_SERVICES,
    ),
    _of(_UPS, r"80\d{16}"),
    _of(
        POSTAL_SERVICE,
        r"(?P<code>[A-Z]{2})(?P<serial>\d{8})(?P<check>\d)(?P<country>[A-Z]{2})",
        s10,
        _S10_SERVICES,
    ),
    _of(_ONTRAC, r"C(?P<serial>\d{13})(?P<check>\d)", begun("4", mod10(1, 2))),
    _of(_INPOST, r"[1-9]\d{23}"),
    # Deutsche Post's Identcode.
    _of(_DHL, r"(?P<serial>\d{11})(?P<check>\d)", mod10(4, 9)),
    _of(_UPS, r"[AHJKTV](?P<serial>\d{9})(?P<check>\d)", mod10(1, 2)),
    _of(_AMAZON, r"[ACF]\d{10}"),
)
"""Formats that several carriers may share."""

OTHERS: Final = (
    re.compile(r"\d{11}", re.ASCII),  # Old Dominion
    re.compile(r"3\d{11}", re.ASCII),  # Purolator
)
"""Formats of carriers with unknown check digits: a digit that is wrong above may be right for them."""


class Beginning(NamedTuple):
    """How a carrier's numbers begin, for numbers of a wrong length; right are ``least`` to ``most``."""

    carrier: str
    pattern: re.Pattern[str]
    least: int
    most: int


BEGINNINGS: Final = tuple(
    Beginning(carrier, re.compile(pattern), least, most)
    for carrier, pattern, least, most in [
        (_UPS, "1Z[A-Z0-9]+", 18, 18),
        (_YUNEXPRESS, "YT[0-9]+", 18, 18),
        (_CAINIAO, "LP[0-9]+", 15, 20),
        (_CAINIAO, "CAINIAO[0-9]*", 20, 27),
        (_AMAZON, "TBA[0-9]+", 15, 15),
        (_POST_PL, "00[0-9]5900773[0-9]*", 20, 20),
        (_POST_PL, "PX[0-9]+", 12, 12),
        (_DHL, "(?:JD|JJD|JVGL)[0-9]+", 11, 25),
        (_DHL, "003404[0-9]+", 20, 20),
        (_DHL, "GM[0-9]+", 12, 39),
        (POSTAL_SERVICE, "[A-Z]{2}[0-9]{6,12}[A-Z]{2}", 13, 13),
    ]
)
