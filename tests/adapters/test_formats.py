from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.formats import days_text, instant_text, money_text
from orders.values import MAX_AMOUNT, Money


@pytest.mark.parametrize(
    ("amount", "currency", "english", "polish"),
    [
        (2490, "EUR", "€24.90", "24,90 €"),
        (2490, "PLN", "PLN 24.90", "24,90 zł"),
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


@pytest.mark.parametrize(
    ("days", "english", "polish"),
    [(1, "1 day", "1 dzień"), (2, "2 days", "2 dni"), (5, "5 days", "5 dni")],
)
def test_days_have_the_plural_of_their_number(days: int, english: str, polish: str) -> None:
    texts = [days_text(timedelta(days=days), locale) for locale in ("en", "pl")]

    assert texts == [english, polish]
