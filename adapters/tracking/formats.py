"""The formats of carriers' tracking numbers (R11), as docs/tracking.md lists them.

From published sources: UPU's standard S10, GS1's serial shipping container code, labels and open trackers.
Numbers are without spaces and hyphens, in capitals.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from adapters.tracking.check_digits import (
    CheckDigit,
    begun,
    luhn,
    mod7,
    mod10,
    mod11,
    mod37_36,
    s10,
)
from orders.sentences import sentence


@dataclass(frozen=True, slots=True)
class Format:
    """One format of a carrier's numbers.

    ``pattern`` has groups ``serial`` and ``check`` if there is a check digit, ``code`` for a part that must
    match ``codes``, ``country`` if numbers end with one, and ``number`` if only a part of a barcode is the
    parcel's number, before which ``omitted`` may be left out.
    """

    carrier: str
    pattern: re.Pattern[str]
    check_digit: CheckDigit | None = None
    codes: re.Pattern[str] | None = None
    omitted: str = ""


POSTAL_SERVICE: Final = sentence("postal service")
"""Any country's postal service; the number names the country."""

_4PX = "4PX"
_AMAZON = "Amazon"
_CAINIAO = "Cainiao"
_CANADA_POST = "Canada Post"
_CANPAR = "Canpar"
_DHL = "DHL"
_DPD = "DPD"
_EVRI = "Evri"
_FEDEX = "FedEx"
_GLS = "GLS"
_GOFO = "GOFO"
_HERMES = "Hermes"
_INPOST = "InPost"
_LANDMARK = "Landmark Global"
_LASERSHIP = "LaserShip"
_LA_POSTE = "La Poste"
_OLD_DOMINION = "Old Dominion"
_ONTRAC = "OnTrac"
_PACKETA = "Packeta"
_POCZTA_POLSKA = "Poczta Polska"
_POSTNL = "PostNL"
_PUROLATOR = "Purolator"
_SF_EXPRESS = "SF Express"
_SPEE_DEE = "Spee-Dee"
_UPS = "UPS"
_USPS = "United States Postal Service"
_YANWEN = "Yanwen"
_YODEL = "Yodel"
_YTO = "YTO Express"
_YUNEXPRESS = "YunExpress"

ALIASES: Final = {
    "colissimo": (_LA_POSTE, POSTAL_SERVICE),
    "hermes": (_HERMES, _EVRI),
    "myhermes": (_EVRI,),
    "paczkomat": (_INPOST,),
    "pocztex": (_POCZTA_POLSKA, POSTAL_SERVICE),
    "swiship": (_AMAZON,),
    "usps": (_USPS, POSTAL_SERVICE),
    "zásilkovna": (_PACKETA,),
}
"""Other names that sellers use for carriers."""

POSTAL_NAMES: Final = re.compile(
    r"\b(?:pocz|poczta|post|posta|poste|posten|posti|pošta|postal|postnl|postnord|speedpost|"
    r"correos|correios|royal mail|ems|s10)\b"
)
"""Words in the names of postal services."""


def _of(
    carrier: str,
    pattern: str,
    check_digit: CheckDigit | None = None,
    codes: str | None = None,
    omitted: str = "",
) -> Format:
    compiled = re.compile(pattern, re.ASCII)
    return Format(carrier, compiled, check_digit, re.compile(codes) if codes else None, omitted)


# GS1's check digit, for a serial with an odd number of digits.
_GS1 = mod10(3, 1)
_FEDEX_12 = mod11((3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1))
_FEDEX_IN_BARCODE = r"(?P<number>(?P<serial>\d{11})(?P<check>\d))"
_UPS_SERVICES = "0[1-4]|1[235]|22|3[23]|4[124]|6[678]|7[28]|90|A[01289A]|YW"
_S10_SERVICES = "[B-EHLMNPRUVZ][A-Z]|Q[A-M]|A[V-Z]|G[AD]"

PECULIAR: Final = (
    _of(
        _POCZTA_POLSKA,
        r"(?:00)?(?P<number>(?P<serial>\d5900773\d{9})(?P<check>\d))",
        _GS1,
    ),
    _of(_POCZTA_POLSKA, r"PX\d{10}"),
    _of(_DHL, r"(?:00)?(?P<number>(?P<serial>3404\d{13})(?P<check>\d))", _GS1),
    # Of all that begin so, only Yodel's have these zeros and this length.
    _of(_YODEL, r"J?(?P<number>JD000\d{13})"),
    _of(_DHL, r"J?(?P<number>JD\d{9,21})|JVGL\d{9,21}"),
    _of(_DHL, r"(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)\d{10,37}"),
    _of(_CAINIAO, r"LP\d{13,18}|CAINIAO\d{13,20}"),
    _of(_YUNEXPRESS, r"YT\d{16}"),
    _of(_YTO, r"YT\d{13}"),
    _of(_YANWEN, r"[A-Z]{2}(?P<serial>\d{8})(?P<check>\d)Y[NP]", s10),
    _of(_4PX, r"4PX\d{10,16}(?:CN)?"),
    _of(_SF_EXPRESS, r"SF\d{13,14}"),
    _of(_ONTRAC, r"D(?P<serial>\d{13})(?P<check>\d)", begun("5", mod10(1, 2))),
    _of(
        _UPS,
        r"1Z(?P<serial>[A-Z\d]{6}(?P<code>[A-Z\d]{2})[A-Z\d]{7})(?P<check>[A-Z\d])",
        mod10(1, 2),
        _UPS_SERVICES,
    ),
    _of(
        POSTAL_SERVICE,
        r"(?P<code>[A-Z]{2})(?P<serial>\d{8})(?P<check>\d)(?P<country>[A-Z]{2})",
        s10,
        _S10_SERVICES,
    ),
    # After a ZIP code of 9 digits, of 5, or none.
    _of(_USPS, r"420\d{9}(?P<number>(?P<serial>9[2-5]\d{19})(?P<check>\d))", _GS1),
    _of(
        _USPS,
        r"(?:420\d{5})?(?P<number>(?P<serial>9[1-5]\d{19}(?:\d{4})?)(?P<check>\d))",
        _GS1,
    ),
    _of(_FEDEX, r"(?P<serial>92\d{19})(?P<check>\d)", _GS1),
    _of(_AMAZON, r"TB[ACM]\d{12}|Q[AB]\d{10}"),
    _of(_CANPAR, r"[CDKLSUXZ]\d{21}"),
    _of(_GOFO, r"GFUS\d{14}"),
    _of(_SPEE_DEE, r"SP\d{18}"),
    _of(_LANDMARK, r"LTN\d{8}N\d|LTN\d{9}"),
    _of(_LASERSHIP, r"1LS7[12]\d{10}|1LS7[12]\d\d01[1-4]\d{6}1|1LSCX[A-Z\d]{10}"),
    _of(_EVRI, r"[A-Z]\d\d[A-Z]{3}\d{10}"),
    _of(_POSTNL, r"3S[A-Z]{4}\d{7,9}"),
    _of(_DPD, r"\d{13}U"),
    _of(_DPD, r"(?P<number>(?P<serial>\d{14}))(?P<check>[A-Z])", mod37_36),
)
"""Formats that identify their carrier, even where another carrier's would match as well."""

COMMON: Final = (
    _of(_DHL, r"(?P<serial>\d{9,10})(?P<check>\d)", mod7),
    _of(_USPS, r"(?P<serial>(?P<code>\d\d)\d{17})(?P<check>\d)", _GS1, "03|7[137]|81"),
    _of(
        _USPS,
        r"(?:420\d{5})?(?P<number>(?P<serial>(?!9[1-5])\d{19})(?P<check>\d))",
        begun("91", _GS1),
        omitted="91",
    ),
    _of(_FEDEX, r"(?P<serial>\d{11})(?P<check>\d)", _FEDEX_12),
    _of(_FEDEX, r"(?:1[01]|96)\d{18}00" + _FEDEX_IN_BARCODE, _FEDEX_12),
    _of(_FEDEX, r"\d{16}" + _FEDEX_IN_BARCODE + r"\d{4}", _FEDEX_12),
    _of(_FEDEX, r"(?P<serial>\d{14})(?P<check>\d)", mod10(1, 3)),
    _of(_FEDEX, r"96\d{5}(?P<number>(?P<serial>\d{14})(?P<check>\d))", mod10(1, 3)),
    _of(_FEDEX, r"(?P<code>\d\d)(?P<serial>\d{15})(?P<check>\d)", _GS1, "0[0124]"),
    _of(_UPS, r"80\d{16}"),
    _of(_ONTRAC, r"C(?P<serial>\d{13})(?P<check>\d)", begun("4", mod10(1, 2))),
    _of(_INPOST, r"[1-9]\d{23}"),
    # Deutsche Post's Identcode.
    _of(_DHL, r"(?P<serial>\d{11})(?P<check>\d)", mod10(4, 9)),
    _of(_UPS, r"[AHJKTV](?P<serial>\d{9})(?P<check>\d)", mod10(1, 2)),
    _of(_AMAZON, r"[ACF]\d{10}"),
    _of(_CANADA_POST, r"(?P<serial>\d{15})(?P<check>\d)", _GS1),
    _of(_PUROLATOR, r"[A-Z]{3}\d{9}"),
    _of(_OLD_DOMINION, r"(?P<serial>(?:77[78]|072|80\d)\d{7})(?P<check>\d)", luhn),
    _of(_LASERSHIP, r"L[AHINX]\d{8}"),
    _of(_LA_POSTE, r"\d[A-Z](?P<serial>\d{10})(?P<check>\d)", mod10(1, 3)),
    _of(_DPD, r"(?P<serial>\d{7}(?P<number>\d{14})\d{6})(?P<check>[A-Z\d])", mod37_36),
    _of(_PACKETA, r"Z\d{10}"),
)
"""Formats that several carriers may share."""

NAMED: Final = (
    _of(_DHL, r"\d{14}"),
    _of(_DPD, r"\d{14}"),
    _of(_EVRI, r"\d{16}"),
    _of(_HERMES, r"(?P<serial>\d{13})(?P<check>\d)", _GS1),
    _of(_GLS, r"(?P<number>(?P<serial>\d{11}))(?P<check>\d)", mod10(3, 1, plus=1)),
    _of(_GLS, r"\d{11}|[A-Z\d]{8}"),
)
"""Formats so common that they count only where the seller names the carrier."""

ANYBODYS: Final = re.compile(r"\d+", re.ASCII)
"""Carriers whose rules we don't know number like this: a digit that is wrong for one may be right for
another.
"""


class Beginning(NamedTuple):
    """How a carrier's numbers begin, for numbers of a wrong length; right are ``least`` to ``most``.

    Where ``is_unique``, nobody else's begin so.
    """

    carrier: str
    pattern: re.Pattern[str]
    least: int
    most: int
    is_unique: bool


BEGINNINGS: Final = tuple(
    Beginning(carrier, re.compile(pattern), least, most, is_unique)
    for carrier, pattern, least, most, is_unique in [
        (_UPS, "1Z[A-Z0-9]+", 18, 18, True),
        (_YUNEXPRESS, "YT[0-9]+", 18, 18, False),
        (_CAINIAO, "LP[0-9]+", 15, 20, False),
        (_CAINIAO, "CAINIAO[0-9]*", 20, 27, True),
        (_AMAZON, "TB[ACM][0-9]+", 15, 15, True),
        (_POCZTA_POLSKA, "00[0-9]5900773[0-9]*", 20, 20, True),
        (_POCZTA_POLSKA, "PX[0-9]+", 12, 12, False),
        (_DHL, "(?:JD|JJD|JVGL)[0-9]+", 11, 25, False),
        (_DHL, "003404[0-9]+", 20, 20, True),
        (_DHL, "GM[0-9]+", 12, 39, False),
        (POSTAL_SERVICE, "[A-Z]{2}[0-9]{6,12}[A-Z]{2}", 13, 13, False),
    ]
)
