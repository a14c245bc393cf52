"""Money, instants and durations as people read them, in their language."""

import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import get_currency_symbol
from babel.units import format_unit

from orders.values import Money, decimals

_NO_BREAK = "\N{NO-BREAK SPACE}"


def money_text(money: Money, locale: str) -> str:
    """An exact amount: ``€24.90``, ``24,90 zł``, ``KWD 0.001``."""
    places = decimals(money.currency)
    pattern = copy.copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (places, places)
    text: str = pattern.apply(
        Decimal(money.amount).scaleb(-places),
        locale,
        currency=money.currency,
        currency_digits=False,
    )
    symbol = get_currency_symbol(money.currency, locale)
    if text.startswith(symbol) and symbol[-1].isalpha():
        text = symbol + _NO_BREAK + text.removeprefix(symbol)
    return text


def instant_text(at: datetime, locale: str) -> str:
    """An instant, to the minute, in UTC and saying so."""
    return format_datetime(at, "d MMMM y, HH:mm 'UTC'", tzinfo=UTC, locale=locale)


def days_text(days: timedelta, locale: str) -> str:
    """Whole days, in the plural that the number asks for."""
    return format_unit(days.days, "duration-day", length="long", locale=locale)
