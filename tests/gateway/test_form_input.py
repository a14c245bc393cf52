"""What people enter in forms: amounts as they write them, and what is wrong with which field."""

from contextlib import suppress

import pytest
from starlette.requests import Request

from gateway.pages.form_input import WrongFields, minor_units, read
from gateway.pages.forms import FORMS
from gateway.pages.lists import _sought
from orders.errors import InvalidInput
from orders.messages import DisputeDecision


@pytest.mark.parametrize(
    ("currency", "text", "amount"),
    [
        ("EUR", "12,50", 1250),
        ("EUR", "12.5", 1250),
        ("EUR", "€1,234.50", 123450),
        ("EUR", "5 EUR", 500),
        ("PLN", "10 zł", 1000),
        ("PLN", "1.234,50 zł", 123450),
        ("PLN", "1\N{NO-BREAK SPACE}234,50", 123450),
        ("PLN", "1.234.567", 123456700),
        ("JPY", "2.480", 2480),
        ("KWD", "1.234", 1234),
    ],
)
def test_an_amount_is_read_as_people_write_it(currency: str, text: str, amount: int) -> None:
    assert minor_units(text, currency) == amount


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("EUR", "10 zł"),
        ("EUR", "1.234"),
        ("EUR", "12.505"),
        ("EUR", "-5"),
        ("EUR", "0"),
        ("EUR", "1e5"),
        ("EUR", "twelve"),
        ("JPY", "12.5"),
        ("EUR", "9" * 30),
    ],
)
def test_an_amount_that_is_none_or_may_mean_two_is_asked_for_again(
    currency: str, text: str
) -> None:
    with pytest.raises(InvalidInput, match="Enter an amount such as"):
        minor_units(text, currency)


def test_each_wrong_field_has_a_sentence() -> None:
    with pytest.raises(WrongFields) as wrong:
        read("seller_message", {"topic": "discount", "discount": "x"}, "EUR")

    assert [*wrong.value.fields] == ["text", "discount"]
    with pytest.raises(WrongFields, match="choose another topic"):
        read("seller_message", {"topic": "discount", "text": "For you."}, "EUR")
    with pytest.raises(WrongFields, match="4 to 50 letters and digits"):
        read("tracking_number", {"number": "?"}, "EUR")
    with pytest.raises(WrongFields, match="from 1 to 60"):
        read("shipment_extension", {"days": "61"}, "EUR")


@pytest.mark.parametrize("name", FORMS)
def test_what_no_form_of_ours_sends_is_refused_in_a_sentence(name: str) -> None:
    """A hidden field that was missing was an internal error."""
    for entered in ({}, dict.fromkeys((it.name for it in FORMS[name].fields), "\n")):
        with suppress(InvalidInput, WrongFields):
            read(name, entered, "EUR")


def test_a_field_that_goes_with_another_choice_is_left_out() -> None:
    """R16: an amount that was entered before the decision changed is none of it."""
    message = read("dispute_decision", {"decision": "full_refund", "money": "5"}, "EUR")

    assert message == DisputeDecision(decision="full_refund")


def test_nobody_searches_for_what_postgresql_refuses() -> None:
    asked = {"type": "http", "query_string": b"q=%00a%00b", "headers": []}

    assert _sought(Request(asked)) == "ab"
