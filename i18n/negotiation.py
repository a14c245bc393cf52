"""Which language somebody reads, and by which clock: by what they chose, their browser or their terminal."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from babel import negotiate_locale

from i18n.catalogues import LOCALES, Locale

# gettext's own order; an empty one does not count.
_VARIABLES: Final = ("UNBUY_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def known(wanted: str | None) -> Locale | None:
    """The language that a switch or a cookie names, if there is one of that name."""
    return next((locale for locale in LOCALES if locale == wanted), None)


def of_browser(accept_language: str | None) -> Locale:
    """The best of what a browser asks for (RFC 9110, 12.5.4); English where nothing fits."""
    return _best(_by_weight(accept_language or ""))


def of_terminal(environment: Mapping[str, str]) -> Locale:
    """``UNBUY_LANG`` or, as everywhere, ``LC_ALL``, ``LC_MESSAGES`` and ``LANG``."""
    said = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    return _best([said.partition(".")[0].partition("@")[0].replace("_", "-")])


def zone_of(wanted: str | None) -> tzinfo:
    """The time zone that a browser names, as the IANA database knows it; UTC for any other name."""
    return ZoneInfo(wanted) if wanted and wanted in _zones() else UTC


@cache
def _zones() -> frozenset[str]:
    """Read off the disk once: a name must be one of these before it becomes the name of a file."""
    return frozenset(available_timezones())


def _by_weight(header: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:50]:
        tag, _, weight = part.partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if quality > 0:
            weighted.append((quality, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda it: -it[0])]


def _best(tags: list[str]) -> Locale:
    wanted = [tag.lower() for tag in tags]
    return known(negotiate_locale(wanted, LOCALES, sep="-")) or LOCALES[0]
