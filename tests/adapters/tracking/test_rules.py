import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tracking.check_digits import mod10, s10
from adapters.tracking.formats import COMMON, PECULIAR, Format
from adapters.tracking.rules import (
    NO_SUCH_COUNTRY,
    NO_SUCH_FORM,
    UNKNOWN_CODE,
    WRONG_CHECK_DIGIT,
    CarrierRules,
)
from i18n.sentences import localize
from orders.lifecycle import Verdict
from orders.tracking_numbers import TrackingVerdict

RULES = CarrierRules()


def is_good(number: str) -> bool:
    return RULES.judge(number, None).verdict is Verdict.TRACKING_VALID


GOOD = [
    ("RR473124829PL", "postal service (Poland)"),
    ("RR123456785PL", "postal service (Poland)"),
    ("RB123456785GB", "postal service (United Kingdom)"),
    ("1Z5R89390357567127", "UPS"),
    ("1Z879E930346834440", "UPS"),
    ("986578788855", "FedEx"),
    ("3318810025", "DHL"),
    ("73891051146", "DHL"),
    ("TBA619632698000", "Amazon"),
    ("9400111899223197428497", "United States Postal Service"),
    ("71123456789123456787", "United States Postal Service"),
    ("C10999911320231", "OnTrac"),
    ("D10011354453707", "OnTrac"),
    ("C1004444443", "Amazon"),
    ("1027590111820004833500785458233610", "FedEx"),
    ("K1506235620", "UPS"),
    ("V0490119172", "UPS"),
    ("JJD1410302937991", "DHL"),
    ("JVGL0999999990", "DHL"),
    ("GM295117494011169042", "DHL"),
    ("00340433836442636597", "DHL"),
    ("201298452312", "DHL"),
    ("00159007733123456789", "Poczta Polska"),
    ("PX1234567890", "Poczta Polska"),
    ("520113014230722029585646", "InPost"),
    ("LP00123456789012", "Cainiao"),
    ("CAINIAO1234567890123", "Cainiao"),
    ("YT2212345678901234", "YunExpress"),
]
MISTYPED = [
    ("RR473124828PL", "postal service (Poland)"),
    ("RR437124829PL", "postal service (Poland)"),
    ("1Z5R89390357567128", "UPS"),
    ("986578788856", "FedEx"),
    ("3318810026", "DHL"),
    ("9400111899223197428498", "United States Postal Service"),
    ("1Z5R8939035756712A", "UPS"),
    ("D10011345983012", "OnTrac"),
    ("K1506235622", "UPS"),
    ("V0411335627", "UPS"),
    ("00340433836442636598", "DHL"),
    ("00159007733123456782", "Poczta Polska"),
]
# Of carriers whose rule we don't have, some with the digits of those whose rule we do.
OTHERS = [
    ("07209562763", "Old Dominion Freight Line"),
    ("77806528897", "Old Dominion Freight Line"),
    ("80003280379", "Old Dominion Freight Line"),
    ("331426749957", "Purolator"),
    ("331434972567", "Purolator"),
    ("4002847016405018", "Canada Post"),
    ("09980000020034D", "DPD"),
    ("LH13816137", "LaserShip"),
    ("TBM502887274000", "Amazon"),
    ("60120172242323", "DHL"),
    ("1195583874210007521100871140316936", "FedEx"),
]
NOBODYS = [
    "0" * 10,
    "0" * 12,
    "0" * 15,
    "0" * 20,
    "79927398713",
    "287809468875",
    "331426749957",
    "029692510000920746",
    "03071790000523483742",
    "61299998820821171811",
    "9200000000000000000000",
    "420000000000000000000000000000",
    "9434611206206407667131",
    "9101123456789000000014",
    "1Z1111111111111111",
    "RB123456785XX",
    "RB123456785EU",
    "RB123456785ZZ",
]
WRONGLY_LONG = [
    ("1Z5R8939035756712", "UPS", "18"),
    ("YT221234567890123", "YunExpress", "18"),
    ("LP0012345", "Cainiao", "15 to 20"),
    ("CAINIAO123", "Cainiao", "20 to 27"),
    ("TBA61963269800", "Amazon", "15"),
    ("0015900773312345678", "Poczta Polska", "20"),
    ("PX123456789", "Poczta Polska", "12"),
    ("JJD12345", "DHL", "11 to 25"),
    ("0034043383644263659", "DHL", "20"),
    ("RR47312482PL", "postal service", "13"),
]


@pytest.mark.parametrize(("number", "carrier"), GOOD)
def test_a_good_number_is_valid_and_tells_its_carrier(number: str, carrier: str) -> None:
    verdict = RULES.judge(number, None)

    assert (verdict.verdict, verdict.carrier, verdict.reason) == (
        Verdict.TRACKING_VALID,
        carrier,
        None,
    )


@pytest.mark.parametrize(("number", "carrier"), MISTYPED)
def test_a_wrong_check_digit_is_named_as_the_reason(number: str, carrier: str) -> None:
    verdict = RULES.judge(number, None)

    assert verdict.verdict is Verdict.TRACKING_INVALID
    assert verdict.reason == WRONG_CHECK_DIGIT.format(carrier=carrier)


@pytest.mark.parametrize(("number", "carrier"), OTHERS)
def test_a_good_number_of_a_carrier_that_we_do_not_know_is_never_called_mistyped(
    number: str, carrier: str
) -> None:
    """Case 68: it is good, or its form is unknown."""
    for named in (None, carrier):
        verdict = RULES.judge(number, named)

        assert verdict.verdict is Verdict.TRACKING_VALID or verdict.reason == NO_SUCH_FORM


@pytest.mark.parametrize("number", NOBODYS)
def test_a_number_that_no_carrier_gave_is_never_good(number: str) -> None:
    """Case 68."""
    assert RULES.judge(number, None).verdict is not Verdict.TRACKING_VALID


def test_a_wrong_check_digit_is_named_when_the_seller_names_the_carrier() -> None:
    verdict = RULES.judge("73891051145", "DHL")

    assert verdict.reason == WRONG_CHECK_DIGIT.format(carrier="DHL")


CHECKED = [it for it in (*PECULIAR, *COMMON) if it.check_digit]


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

    assert right in range(10)
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
    assert verdict.reason
    assert (
        f"from {carrier}, but theirs have {length} characters and this one has {len(number)}"
        in (verdict.reason)
    )


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


@pytest.mark.parametrize("number", ["", "HELLO", "12345", "PL473124829RR9", "ż" * 13])
def test_an_unknown_format_is_named_as_the_reason(number: str) -> None:
    verdict = RULES.judge(number, "UPS")

    assert (verdict.verdict, verdict.carrier, verdict.reason) == (
        Verdict.TRACKING_INVALID,
        None,
        NO_SUCH_FORM,
    )


def test_an_unknown_country_is_named_as_the_reason() -> None:
    """R11."""
    verdict = RULES.judge("RR473124829QQ", None)

    assert verdict.verdict is Verdict.TRACKING_INVALID
    assert verdict.reason == NO_SUCH_COUNTRY.format(code="QQ")


def test_an_unused_service_code_is_named_as_the_reason() -> None:
    verdict = RULES.judge("SR473124829PL", None)

    assert verdict.verdict is Verdict.TRACKING_INVALID
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
