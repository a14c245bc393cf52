from string import ascii_uppercase, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tracking.check_digits import mod10, s10
from adapters.tracking.formats import COMMON, NAMED, PECULIAR, Format
from adapters.tracking.rules import (
    NO_RULE,
    NO_SUCH_COUNTRY,
    UNKNOWN_CODE,
    WRONG_CHECK_DIGIT,
    CarrierRules,
)
from i18n.sentences import localize
from orders.lifecycle import Verdict
from orders.tracking_numbers import TrackingVerdict

RULES = CarrierRules()


ALPHANUMERIC = digits + ascii_uppercase


def is_good(number: str) -> bool:
    return RULES.judge(number, None).verdict is Verdict.TRACKING_VALID


GOOD = [
    ("RR473124829PL", "postal service (Poland)"),
    ("RB123456785GB", "postal service (United Kingdom)"),
    ("1Z5R89390357567127", "UPS"),
    ("1Z879E930346834440", "UPS"),
    ("K1506235620", "UPS"),
    ("802859355180489569", "UPS"),
    ("597448556270", "FedEx"),
    ("804895695293909", "FedEx"),
    ("1052532095247339470000597448556270", "FedEx"),
    ("1152532095247339470000597448556270", "FedEx"),
    ("31726396565936005974485562702305", "FedEx"),
    ("9662446804895695293909", "FedEx"),
    ("3318810025", "DHL"),
    ("73891051146", "DHL"),
    ("JJD1410302937991", "DHL"),
    ("JVGL0999999990", "DHL"),
    ("GM288384256009780617", "DHL"),
    ("00340422032285935512", "DHL"),
    ("340422032285935512", "DHL"),
    ("201298452312", "DHL"),
    ("TBA619632698000", "Amazon"),
    ("TBM968409220322", "Amazon"),
    ("QB9355180489", "Amazon"),
    ("C1004444443", "Amazon"),
    ("9400111899223197428497", "United States Postal Service"),
    ("9196955228838425601016", "United States Postal Service"),
    ("91626317263965659360055953", "United States Postal Service"),
    ("420420569400111899223197428497", "United States Postal Service"),
    ("4204205601019400111899223197428497", "United States Postal Service"),
    ("71123456789123456787", "United States Postal Service"),
    ("C71696840922032", "OnTrac"),
    ("D28593551804892", "OnTrac"),
    ("00159007733123456789", "Poczta Polska"),
    ("PX1234567890", "Poczta Polska"),
    ("520113014230722029585646", "InPost"),
    ("LP00123456789012", "Cainiao"),
    ("CAINIAO1234567890123", "Cainiao"),
    ("YT2212345678901234", "YunExpress"),
    ("YT4092203228593", "YTO Express"),
    ("SF2571696840922", "SF Express"),
    ("WL805716960YP", "Yanwen"),
    ("AW597448552YN", "Yanwen"),
    ("4PX3551804895123CN", "4PX"),
    ("2859355180489568", "Canada Post"),
    ("D058590718667637106728", "Canpar"),
    ("NFW582571696", "Purolator"),
    ("GFUS71696840922032", "GOFO"),
    ("SP695293905959676244", "Spee-Dee"),
    ("LTN59544855N1", "Landmark Global"),
    ("LX72485505", "LaserShip"),
    ("1LS725974485562", "LaserShip"),
    ("1LS71250120001231", "LaserShip"),
    ("1LSCX0LXCU5QXQZ", "LaserShip"),
    ("77828724854", "Old Dominion"),
    ("80125444598", "Old Dominion"),
    ("JJD0009684092203228", "Yodel"),
    ("JD0009355180489569", "Yodel"),
    ("H22RAT3551804895", "Evri"),
    ("Z4287248550", "Packeta"),
    ("3SCTSN8409220", "PostNL"),
    ("5U62758371696", "La Poste"),
    ("10489569529390U", "DPD"),
    ("317263965659360055951267423E", "DPD"),
    ("5627583716968U", "DPD"),
]
"""Made by the rules that the carriers publish, or that their numbers follow."""
GOOD_IF_NAMED = [
    ("597448556279", "GLS"),
    ("59744855627", "GLS Poland"),
    ("XHAX4HDA", "gls"),
    ("28593551804891", "Hermes"),
    ("2859355180489569", "Evri"),
    ("71696840922032", "DPD Polska"),
    ("71696840922032", "DHL eCommerce"),
]
MISTYPED = [
    ("RR473124828PL", "postal service (Poland)"),
    ("RR437124829PL", "postal service (Poland)"),
    ("1Z5R89390357567128", "UPS"),
    ("1Z5R8939035756712A", "UPS"),
    ("K1506235622", "UPS"),
    ("V0411335627", "UPS"),
    ("9400111899223197428498", "United States Postal Service"),
    ("420420569400111899223197428498", "United States Postal Service"),
    ("D28593551804893", "OnTrac"),
    ("00340422032285935513", "DHL"),
    ("00159007733123456782", "Poczta Polska"),
    ("WL805716961YP", "Yanwen"),
    ("10489569529390V", "DPD"),
    ("5U62758371697", "La Poste"),
]
"""Of forms that nobody else's numbers have."""
MISTYPED_IF_NAMED = [
    ("597448556271", "FedEx"),
    ("3318810026", "DHL"),
    ("3318810026", "DHL Express"),
    ("77828724855", "Old Dominion Freight Line"),
    ("597448556278", "GLS"),
    ("2859355180489567", "Canada Post"),
    ("71123456789123456788", "usps"),
]
"""Of digits alone, like many carriers' numbers."""
STRANGERS = [
    ("8001077530850", "Yanwen"),
    ("304200631500", "4PX"),
    ("12876900007000242694867001", "Cainiao"),
    ("00373400306297064918", "PostNord"),
    ("4969907295", "ACS Courier"),
    ("XW435801688JB", "Chronopost"),
    ("GE971195415GB", "TNT"),
    ("TQ071537693GB", "Royal Mail"),
    ("331349271643", "Purolator"),
    ("MIN2220024560", "Dawn Wing"),
    ("INTLCMC328940271", "Intelcom"),
    ("33ABC123456789", "Australia Post"),
    ("68DA38F3", None),
    ("NOTREAL1", None),
]
"""Of carriers, or of services of theirs, whose rule we don't know."""
NOBODYS = [
    "0" * 10,
    "0" * 12,
    "0" * 15,
    "0" * 20,
    "79927398713",
    "029692510000920746",
    "03071790000523483742",
    "61299998820821171811",
    "9200000000000000000000",
    "420000000000000000000000000000",
    "9434611206206407667131",
    "9101123456789000000014",
    "1Z1111111111111111",
    "XJD0012345678",
    "GR123456789012345678",
    "LSN12345678N1",
    "1LX712345678901",
    "1LS71250120001232",
    "M123456789012345678901",
    "GFUS1234567890123",
    "RB123456785XX",
    "RB123456785EU",
    "RB123456785ZZ",
]
WRONGLY_LONG = [
    ("1Z5R8939035756712", "UPS", "18"),
    ("CAINIAO123", "Cainiao", "20 to 27"),
    ("TBA61963269800", "Amazon", "15"),
    ("0015900773312345678", "Poczta Polska", "20"),
    ("0034043383644263659", "DHL", "20"),
]
"""They begin as nobody else's numbers do."""
WRONGLY_LONG_IF_NAMED = [
    ("YT221234567890", "YunExpress", "18"),
    ("LP0012345", "Cainiao", "15 to 20"),
    ("PX123456789", "Poczta Polska", "12"),
    ("JJD12345", "DHL", "11 to 25"),
    ("RR47312482PL", "postal service", "13"),
]
SPELLINGS = [
    ("9400111899223197428497", "420420569400111899223197428497"),
    ("9400111899223197428497", "4204205601019400111899223197428497"),
    ("9160112792304962075228", "60112792304962075228"),
    ("JD1410302937991", "JJD1410302937991"),
    ("JD0009684092203228", "JJD0009684092203228"),
    ("340422032285935512", "00340422032285935512"),
    ("159007733123456789", "00159007733123456789"),
    ("597448556270", "1052532095247339470000597448556270"),
    ("597448556270", "9652532095247339470000597448556270"),
    ("597448556270", "31726396565936005974485562702305"),
    ("804895695293909", "9662446804895695293909"),
    ("10489569529390", "10489569529390U"),
    ("65659360055951", "317263965659360055951267423E"),
]


@pytest.mark.parametrize(("number", "carrier"), GOOD)
def test_a_good_number_is_valid_and_tells_its_carrier(number: str, carrier: str) -> None:
    """R11, case 68."""
    for named in (None, carrier, "Some Courier Ltd"):
        verdict = RULES.judge(number, named)

        assert verdict == TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier=carrier)


@pytest.mark.parametrize(("number", "named"), GOOD_IF_NAMED)
def test_a_common_form_is_good_where_the_seller_names_the_carrier(number: str, named: str) -> None:
    """R11."""
    assert RULES.judge(number, named).verdict is Verdict.TRACKING_VALID
    assert RULES.judge(number, None).verdict is Verdict.TRACKING_UNKNOWN


@pytest.mark.parametrize(("number", "carrier"), MISTYPED)
def test_a_wrong_check_digit_is_named_as_the_reason(number: str, carrier: str) -> None:
    """R11: also where the seller names another carrier that we know; but one that we don't may differ."""
    for named in (None, "InPost"):
        verdict = RULES.judge(number, named)

        assert verdict.verdict is Verdict.TRACKING_INVALID
        assert verdict.reason == WRONG_CHECK_DIGIT.format(carrier=carrier)
    assert RULES.judge(number, "Some Courier Ltd").verdict is Verdict.TRACKING_UNKNOWN


@pytest.mark.parametrize(("number", "named"), MISTYPED_IF_NAMED)
def test_a_wrong_check_digit_of_digits_alone_is_wrong_for_the_carrier_that_is_named(
    number: str, named: str
) -> None:
    """R11, case 69: a carrier that nobody names may have such a number."""
    verdict = RULES.judge(number, named)

    assert verdict.verdict is Verdict.TRACKING_INVALID
    assert verdict.reason == WRONG_CHECK_DIGIT.format(carrier=verdict.carrier)
    for other in (None, "Some Courier Ltd"):
        assert RULES.judge(number, other) == TrackingVerdict(
            verdict=Verdict.TRACKING_UNKNOWN, reason=NO_RULE
        )


@pytest.mark.parametrize(("number", "carrier"), STRANGERS)
def test_a_number_of_a_carrier_that_we_do_not_know_is_for_support(
    number: str, carrier: str | None
) -> None:
    """R11, cases 68 and 69: named or not."""
    for named in (None, carrier):
        assert RULES.judge(number, named).verdict is Verdict.TRACKING_UNKNOWN


@pytest.mark.parametrize("number", NOBODYS)
def test_a_number_that_no_carrier_gave_is_never_good(number: str) -> None:
    """R11, case 68."""
    for named in (None, "UPS", "Some Courier Ltd"):
        assert RULES.judge(number, named).verdict is not Verdict.TRACKING_VALID


@pytest.mark.parametrize(("number", "spelling"), SPELLINGS)
def test_two_spellings_of_a_number_are_one_number(number: str, spelling: str) -> None:
    """R11, case 70."""
    assert RULES.canonical(spelling, None) == RULES.canonical(number, None) == number


def test_a_number_with_and_without_its_check_digit_is_one_number() -> None:
    """R11, case 70: people give GLS's either way."""
    assert RULES.canonical("597448556279", "GLS") == RULES.canonical("59744855627", "GLS")


@pytest.mark.parametrize("number", [number for number, _ in (*MISTYPED, *STRANGERS)])
def test_what_is_not_confirmed_has_one_spelling(number: str) -> None:
    """R11, case 70: nothing is cut off a number whose form we don't know."""
    assert RULES.canonical(number, None) == number


CHECKED = [it for it in (*PECULIAR, *COMMON, *NAMED) if it.check_digit]


@settings(deadline=None)
@given(data=st.data(), form=st.sampled_from(CHECKED))
def test_every_serial_has_a_check_digit_and_nine_wrong_ones(
    data: st.DataObject, form: Format
) -> None:
    """R11."""
    number = data.draw(st.from_regex(form.pattern, fullmatch=True))
    found = form.pattern.fullmatch(number)
    assert found
    assert form.check_digit
    before, after = number[: found.start("check")], number[found.end("check") :]
    mistyped = WRONG_CHECK_DIGIT.format(carrier=form.carrier)

    right = form.check_digit(found["serial"])

    assert str(right) in ALPHANUMERIC
    assert RULES.judge(f"{before}{right}{after}", form.carrier).reason != mistyped


@given(serial=st.from_regex("[0-9]{8}", fullmatch=True), at=st.integers(0, 7), by=st.integers(1, 9))
def test_s10_finds_a_mistyped_digit(serial: str, at: int, by: int) -> None:
    """Unless the digits that stand for 10 and 11 are among those that other sums have, too."""
    wrong = f"{serial[:at]}{(int(serial[at]) + by) % 10}{serial[at + 1 :]}"

    assert s10(wrong) != s10(serial) or s10(serial) in (0, 5)


@given(
    serial=st.from_regex("[0-9]{19}", fullmatch=True), at=st.integers(0, 18), by=st.integers(1, 9)
)
def test_gs1_finds_a_mistyped_digit(serial: str, at: int, by: int) -> None:
    """Of USPS, DHL Paket and Poczta Polska: its weights 3 and 1 have no factor in common with 10."""
    wrong = f"{serial[:at]}{(int(serial[at]) + by) % 10}{serial[at + 1 :]}"

    assert mod10(3, 1)(wrong) != mod10(3, 1)(serial)


@pytest.mark.parametrize(("number", "carrier", "length"), WRONGLY_LONG)
def test_a_wrong_length_is_named_as_the_reason(number: str, carrier: str, length: str) -> None:
    """R11."""
    verdict = RULES.judge(number, None)

    assert (verdict.verdict, verdict.carrier) == (Verdict.TRACKING_INVALID, carrier)
    assert _says_length(verdict, number, carrier, length)


@pytest.mark.parametrize(("number", "carrier", "length"), WRONGLY_LONG_IF_NAMED)
def test_a_wrong_length_is_wrong_where_the_seller_names_the_carrier(
    number: str, carrier: str, length: str
) -> None:
    """R11: otherwise support is told what may be wrong."""
    verdict, unnamed = RULES.judge(number, carrier), RULES.judge(number, None)

    assert (verdict.verdict, verdict.carrier) == (Verdict.TRACKING_INVALID, carrier)
    assert (unnamed.verdict, unnamed.carrier) == (Verdict.TRACKING_UNKNOWN, None)
    assert _says_length(verdict, number, carrier, length)
    assert unnamed.reason == verdict.reason
    assert RULES.judge(number, "UPS").reason == NO_RULE


def _says_length(verdict: TrackingVerdict, number: str, carrier: str, length: str) -> bool:
    theirs = f"theirs have {length} characters and this one has {len(number)}"
    return f"from {carrier}, but {theirs}" in (verdict.reason or "")


@pytest.mark.parametrize("digit", "012345678")
def test_every_other_s10_check_digit_is_wrong(digit: str) -> None:
    assert RULES.judge(f"RR47312482{digit}PL", None).verdict is not Verdict.TRACKING_VALID
    assert RULES.judge("RR473124829PL", None).verdict is Verdict.TRACKING_VALID


@pytest.mark.parametrize(
    ("serial", "check"),
    # UPU S10: 11 less the weighted sum modulo 11, where 10 is written 0 and 11 is written 5.
    [("00000000", "5"), ("00000002", "8"), ("00000008", "0"), ("12345678", "5")],
)
def test_the_s10_check_digit_follows_the_standard(serial: str, check: str) -> None:
    good = [digit for digit in "0123456789" if is_good(f"RR{serial}{digit}PL")]

    assert good == [check]


@pytest.mark.parametrize("number", ["", "HELLO", "12345", "PL473124829RR9", "\u017c" * 13])
def test_a_number_of_no_form_is_for_support(number: str) -> None:
    """R11, case 69."""
    verdict = RULES.judge(number, "UPS")

    assert verdict == TrackingVerdict(verdict=Verdict.TRACKING_UNKNOWN, reason=NO_RULE)


def test_an_unknown_country_is_named_as_the_reason() -> None:
    """R11, case 69: private carriers number like the post, with endings of their own."""
    verdict = RULES.judge("RR473124829QQ", None)

    assert verdict.verdict is Verdict.TRACKING_UNKNOWN
    assert verdict.reason == NO_SUCH_COUNTRY.format(code="QQ")


def test_an_unused_service_code_is_named_as_the_reason() -> None:
    """R11, case 69: carriers take new ones into use."""
    verdict = RULES.judge("SR473124829PL", None)

    assert verdict.verdict is Verdict.TRACKING_UNKNOWN
    assert verdict.reason == UNKNOWN_CODE.format(carrier="postal service (Poland)")


@pytest.mark.parametrize("country", ["TW", "FO", "HK"])
def test_postal_services_outside_the_union_number_by_s10_as_well(country: str) -> None:
    assert RULES.judge(f"RR473124829{country}", None).verdict is Verdict.TRACKING_VALID
    assert RULES.judge(f"RR473124828{country}", None).verdict is not Verdict.TRACKING_VALID


@pytest.mark.parametrize(
    ("number", "polish"),
    [
        ("RR473124829PL", "operator pocztowy (Polska)"),
        ("RR473124829BA", "operator pocztowy (Bośnia i Hercegowina)"),
        ("1Z5R89390357567127", "UPS"),
    ],
)
def test_a_carrier_is_named_in_the_readers_language(number: str, polish: str) -> None:
    """Also by what has gone through JSON on its way."""
    verdict = TrackingVerdict.model_validate_json(RULES.judge(number, None).model_dump_json())

    assert localize(verdict.carrier or "", "pl") == polish


def test_a_refusal_names_the_carrier_in_the_readers_language() -> None:
    reason = RULES.judge("RR473124828PL", None).reason

    assert "operator pocztowy (Polska)" in localize(reason or "", "pl")


def test_where_the_seller_names_another_carrier_the_number_wins() -> None:
    assert RULES.judge("1Z5R89390357567127", "DHL").carrier == "UPS"


@pytest.mark.parametrize(
    ("named", "carrier"), [("FedEx", "FedEx"), ("usps", "United States Postal Service")]
)
def test_between_carriers_with_the_same_format_the_seller_decides(named: str, carrier: str) -> None:
    assert RULES.judge("9205559017555477000002", named).carrier == carrier
