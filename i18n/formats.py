"""Money, instants and durations as people read them, in their language."""

import copy
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_gmt
from babel.lists import format_list
from babel.numbers import format_decimal, get_currency_symbol
from babel.units import format_unit

from i18n.catalogues import translator
from orders.values import Balance, Money, decimals

_NO_BREAK = "\N{NO-BREAK SPACE}"
_HOURS_MATTER = 30
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def money_text(money: Money | Balance, locale: str) -> str:
    """An exact amount: ``€24.90``, ``1 234,50 zł``, ``KWD 0.001``; a negative balance has its sign."""
    places = decimals(money.currency)
    pattern = copy.copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (places, places)
    text: str = pattern.apply(
        Decimal(abs(money.amount)).scaleb(-places),
        locale,
        currency=money.currency,
        currency_digits=False,
    )
    symbol = get_currency_symbol(money.currency, locale)
    if text.startswith(symbol) and symbol[-1].isalpha():
        text = symbol + _NO_BREAK + text.removeprefix(symbol)
    return f"{'-' if money.amount < 0 else ''}{text}"


def amount_text(money: Money | Balance, locale: str) -> str:
    """An exact amount for a column whose currency is told beside it: ``24.90``, ``-24,90``."""
    places = decimals(money.currency)
    pattern = f"#,##0.{'0' * places}" if places else "#,##0"
    return format_decimal(Decimal(money.amount).scaleb(-places), pattern, locale)


def currency_symbol(currency: str, locale: str) -> str:
    """What stands beside an amount: ``€``, ``zł``; the code where the language has no sign."""
    return str(get_currency_symbol(currency, locale))


def instant_text(at: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """An instant, to the minute, by the clock of a time zone and saying which."""
    local = at.astimezone(zone)
    return f"{format_datetime(local, 'd MMMM y, HH:mm', locale=locale)} {_zone_name(local, locale)}"


def from_text(at: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """An instant from which something is possible: to the minute, and never a moment early."""
    return instant_text(whole_minute(at), locale, zone)


def whole_minute(at: datetime) -> datetime:
    """The first whole minute that is not before an instant."""
    # Counted in UTC: where a local clock is set forward or back, its next minute is an hour away.
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    return minute if minute == at else minute + _MINUTE


def date_text(at: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """The day of an instant, in a time zone."""
    return format_date(at.astimezone(zone), "d MMMM y", locale=locale)


def day_text(at: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """A deadline to stand alone: ``Sun 13 December, 21:34``."""
    return format_datetime(at.astimezone(zone), "EEE d MMMM, HH:mm", locale=locale)


def days_text(days: timedelta, locale: str) -> str:
    """Whole days, in the plural that the number asks for."""
    return format_unit(days.days, "duration-day", length="long", locale=locale)


def duration_text(duration: timedelta, locale: str) -> str:
    """A duration in whole units, none that has not run full: ``5 dni``, ``23 godziny``, ``1 minuta``.

    From two days on in days; what is shorter than a minute is no minutes. Never longer than it is.
    """
    number, unit = _in_units(duration)
    return format_unit(number, f"duration-{unit}", length="long", locale=locale)


def until_text(until: timedelta, locale: str) -> str:
    """How far away an instant is: ``za 5 dni 3 godz.``; ``2 dni temu`` for one in the past."""
    said = translator(locale)
    number, unit = _in_units(abs(until))
    if number == 0:
        return (
            said.gettext("in less than a minute")
            if until >= timedelta(0)
            else said.gettext("just now")
        )
    if until > timedelta(0):
        return said.gettext("in {left}").format(left=left_text(until, locale))
    match unit:
        case "day":
            text = said.ngettext("{number} day ago", "{number} days ago", number)
        case "hour":
            text = said.ngettext("{number} hour ago", "{number} hours ago", number)
        case _:
            text = said.ngettext("{number} minute ago", "{number} minutes ago", number)
    return text.format(number=number)


def left_text(left: timedelta, locale: str) -> str:
    """How much time is left, in two units and never more: ``2 dni 4 godz.``, ``5 godz. 10 min``."""
    days, hours = left.days, left.seconds // 3600
    if days:
        parts = [format_unit(days, "duration-day", length="long", locale=locale)]
        parts += [_short(hours, "hour", locale)] if hours and days < _HOURS_MATTER else []
    else:
        minutes = left.seconds // 60 % 60
        parts = [_short(hours, "hour", locale)] if hours else []
        parts += [_short(minutes, "minute", locale)] if minutes or not hours else []
    return _NO_BREAK.join(parts).replace(" ", _NO_BREAK)


def _short(number: int, unit: str, locale: str) -> str:
    text: str = format_unit(number, f"duration-{unit}", length="short", locale=locale)
    return text


def deadline_text(at: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """The end of a time, short and with its weekday: ``pt., 18 gru 2026, 21:33 CET``."""
    local = at.astimezone(zone)
    written = format_datetime(local, "EEE, d MMM y, HH:mm", locale=locale)
    return f"{written} {_zone_name(local, locale)}"


def list_text(parts: list[str], locale: str) -> str:
    """Alternatives as a sentence lists them: ``a, b lub c``."""
    return format_list(parts, style="or", locale=locale)


def country_text(name: str, locale: str) -> str:
    """A country's name by its English one; any other text as it is."""
    return _countries(locale).get(name, name)


@cache
def _countries(locale: str) -> dict[str, str]:
    english, theirs = Locale("en").territories, Locale.parse(locale).territories
    return {name: theirs.get(code, name) for code, name in english.items()}


def _zone_name(local: datetime, locale: str) -> str:
    """``CET``, ``CEST``, ``UTC``; many zones have no such name, only hours: ``GMT+05:45``.

    By the IANA database, in all languages alike: CLDR knows CET in Polish, and EST in English only.
    """
    name = local.tzname() or ""
    return name if name.isalpha() else get_timezone_gmt(local, locale=locale)


def _in_units(duration: timedelta) -> tuple[int, str]:
    if duration >= 2 * _DAY or duration == _DAY:
        return duration // _DAY, "day"
    if duration >= _HOUR:
        return duration // _HOUR, "hour"
    return duration // _MINUTE, "minute"
