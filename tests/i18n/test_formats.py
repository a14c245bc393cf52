from datetime import UTC, datetime, timedelta, timezone

import pytest

from i18n.formats import (
    amount_text,
    date_text,
    days_text,
    duration_text,
    from_text,
    instant_text,
    list_text,
    money_text,
    until_text,
)
from i18n.negotiation import zone_of
from orders.values import MAX_AMOUNT, Balance, Money


@pytest.mark.parametrize(
    ("amount", "currency", "english", "polish"),
    [
        (2490, "EUR", "€24.90", "24,90 €"),
        (2490, "PLN", "PLN 24.90", "24,90 zł"),
        (123450, "PLN", "PLN 1,234.50", "1 234,50 zł"),
        (1234567, "JPY", "¥1,234,567", "1 234 567 JPY"),
        (1, "KWD", "KWD 0.001", "0,001 KWD"),
        # Prices in dinars are written without hundredths, but the amount has them.
        (150, "RSD", "RSD 1.50", "1,50 RSD"),
        (1234, "IQD", "IQD 1.234", "1,234 IQD"),
        (1234, "TND", "TND 1.234", "1,234 TND"),
        (1234, "XPF", "CFPF 1,234", "1 234 CFPF"),
        (1234, "CLF", "CLF 0.1234", "0,1234 CLF"),
        (0, "USD", "$0.00", "0,00 USD"),
        (MAX_AMOUNT, "USD", "$92,233,720,368,547,758.07", "92 233 720 368 547 758,07 USD"),
    ],
)
def test_money_is_written_exactly(amount: int, currency: str, english: str, polish: str) -> None:
    money = Money.model_validate({"amount": amount, "currency": currency})

    texts = [
        money_text(money, locale).replace("\N{NO-BREAK SPACE}", " ") for locale in ("en", "pl")
    ]

    assert texts == [english, polish]


def test_instants_are_written_in_utc() -> None:
    at = datetime(2026, 1, 21, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert instant_text(at, "en") == "20 January 2026, 23:30 UTC"
    assert instant_text(at.astimezone(UTC), "pl") == "20 stycznia 2026, 23:30 UTC"


def test_a_negative_balance_has_its_sign() -> None:
    owed = Balance.model_validate({"amount": -123450, "currency": "PLN"})

    assert money_text(owed, "pl") == "-1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}zł"


def test_available_from_is_rounded_up() -> None:
    at = datetime(2026, 1, 21, 12, 30, tzinfo=UTC)

    assert from_text(at, "pl") == "21 stycznia 2026, 12:30 UTC"
    assert from_text(at + timedelta(microseconds=1), "pl") == "21 stycznia 2026, 12:31 UTC"
    assert from_text(at, "en") == "21 January 2026, 12:30 UTC"


WARSAW = zone_of("Europe/Warsaw")


@pytest.mark.parametrize(
    ("at", "local"),
    [
        ("2026-03-29T00:59:59Z", "29 marca 2026, 01:59 CET"),
        ("2026-03-29T01:00:00Z", "29 marca 2026, 03:00 CEST"),
        ("2026-10-25T00:30:00Z", "25 października 2026, 02:30 CEST"),
        ("2026-10-25T01:30:00Z", "25 października 2026, 02:30 CET"),
    ],
)
def test_daylight_saving_time_is_followed(at: str, local: str) -> None:
    assert instant_text(datetime.fromisoformat(at), "pl", WARSAW) == local


@pytest.mark.parametrize(
    ("at", "local"),
    [
        ("2026-03-29T00:59:59.000001Z", "29 March 2026, 03:00 CEST"),
        ("2026-10-25T00:59:59.000001Z", "25 October 2026, 02:00 CET"),
        ("2026-10-25T00:58:59Z", "25 October 2026, 02:59 CEST"),
    ],
)
def test_available_from_is_never_early_at_a_clock_change(at: str, local: str) -> None:
    assert from_text(datetime.fromisoformat(at), "en", WARSAW) == local


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("America/New_York", "20 January 2026, 18:30 EST"),
        ("Asia/Kathmandu", "21 January 2026, 05:15 GMT+05:45"),
        ("America/Sao_Paulo", "20 January 2026, 20:30 GMT-03:00"),
        ("Etc/GMT+5", "20 January 2026, 18:30 GMT-05:00"),
        ("UTC", "20 January 2026, 23:30 UTC"),
    ],
)
def test_a_time_zone_is_shown_by_name_or_offset(zone: str, local: str) -> None:
    at = datetime(2026, 1, 20, 23, 30, tzinfo=UTC)

    assert instant_text(at, "en", zone_of(zone)) == local


def test_a_date_is_the_one_of_its_time_zone() -> None:
    assert date_text(datetime(2026, 1, 20, 23, 30, tzinfo=UTC), "pl", WARSAW) == "21 stycznia 2026"


def test_a_date_without_a_time_zone_is_the_one_in_utc() -> None:
    at = datetime(2026, 1, 21, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert [date_text(at, locale) for locale in ("en", "pl")] == [
        "20 January 2026",
        "20 stycznia 2026",
    ]


@pytest.mark.parametrize(
    ("days", "english", "polish"),
    [
        (1, "1 day", "1 dzień"),
        (2, "2 days", "2 dni"),
        (5, "5 days", "5 dni"),
        (12, "12 days", "12 dni"),
        (22, "22 days", "22 dni"),
    ],
)
def test_days_have_the_plural_of_their_number(days: int, english: str, polish: str) -> None:
    texts = [days_text(timedelta(days=days), locale) for locale in ("en", "pl")]

    assert texts == [english, polish]
    assert [duration_text(timedelta(days=days), locale) for locale in ("en", "pl")] == texts


@pytest.mark.parametrize(
    ("number", "hours", "minutes"),
    [
        (1, "godzina", "minuta"),
        (2, "godziny", "minuty"),
        (5, "godzin", "minut"),
        (12, "godzin", "minut"),
        (22, "godziny", "minuty"),
    ],
)
def test_hours_and_minutes_have_the_plural_of_their_number(
    number: int, hours: str, minutes: str
) -> None:
    assert duration_text(timedelta(hours=number), "pl") == f"{number} {hours}"
    assert duration_text(timedelta(minutes=number), "pl") == f"{number} {minutes}"


@pytest.mark.parametrize(
    ("until", "english", "polish"),
    [
        (timedelta(days=1), "in 1 day", "za 1 dzień"),
        (timedelta(days=2, hours=23, minutes=59), "in 2 days 23 hr", "za 2 dni 23 godz."),
        (timedelta(days=5), "in 5 days", "za 5 dni"),
        (timedelta(days=12), "in 12 days", "za 12 dni"),
        (timedelta(days=22), "in 22 days", "za 22 dni"),
        (timedelta(days=31, hours=5), "in 31 days", "za 31 dni"),
        (timedelta(hours=1), "in 1 hr", "za 1 godz."),
        (timedelta(hours=22, minutes=10), "in 22 hr 10 min", "za 22 godz. 10 min"),
        (timedelta(minutes=1, seconds=59), "in 1 min", "za 1 min"),
        (timedelta(minutes=5), "in 5 min", "za 5 min"),
        (timedelta(seconds=59), "in less than a minute", "za mniej niż minutę"),
        (timedelta(seconds=-1), "just now", "przed chwilą"),
        (timedelta(minutes=-2), "2 minutes ago", "2 minuty temu"),
        (timedelta(hours=-1), "1 hour ago", "1 godzinę temu"),
        (timedelta(days=-12), "12 days ago", "12 dni temu"),
    ],
)
def test_the_time_left_is_rounded_down(until: timedelta, english: str, polish: str) -> None:
    texts = [until_text(until, it).replace("\N{NO-BREAK SPACE}", " ") for it in ("en", "pl")]

    assert texts == [english, polish]


def test_alternatives_are_listed_as_a_sentence_does() -> None:
    assert list_text(["a", "b", "c"], "pl") == "a, b lub c"
    assert list_text(["a", "b"], "en") == "a or b"
    assert list_text(["a"], "en") == "a"


@pytest.mark.parametrize(
    ("amount", "currency", "english", "polish"),
    [
        (2490, "EUR", "24.90", "24,90"),
        (-7, "EUR", "-0.07", "-0,07"),
        (500, "JPY", "500", "500"),
        (1, "KWD", "0.001", "0,001"),
    ],
)
def test_an_amount_in_a_column_is_exact_and_has_no_currency(
    amount: int, currency: str, english: str, polish: str
) -> None:
    balance = Balance.model_validate({"amount": amount, "currency": currency})

    assert (amount_text(balance, "en"), amount_text(balance, "pl")) == (english, polish)
