"""Which language somebody reads, and by which clock: by what they chose, their browser or their terminal."""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from babel import negotiate_locale

from i18n.catalogues import LOCALES, Locale

# gettext's own order; an empty one does not count.
_VARIABLES: Final = ("UNBUY_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
# Elements that are read of a header.
_MOST: Final = 50
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def known(wanted: str | None) -> Locale | None:
    """The language that a switch or a cookie names, if there is one of that name."""
    return next((locale for locale in LOCALES if locale == wanted), None)


def of_browser(accept_language: str | None) -> Locale:
    """The best of what a browser asks for (RFC 9110, 12.5.4); English where nothing fits."""
    wanted = weights(accept_language or "")
    return _best(
        [tag for tag in sorted(wanted, key=wanted.__getitem__, reverse=True) if wanted[tag]]
    )


def weights(accept: str) -> dict[str, float]:
    """What an ``Accept`` header of any kind lists, in small letters, and how much it is wanted: 0 to 1.

    RFC 9110, 12.4.2. What has a weight that is none is left out.
    """
    found: dict[str, float] = {}
    for element in accept.lower().split(",")[:_MOST]:
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = next((it[2:].strip() for it in parameters if it.startswith("q=")), "1")
        if _WEIGHT.fullmatch(weight):
            found[name] = float(weight)
    return found


def of_terminal(environment: Mapping[str, str]) -> Locale:
    """``UNBUY_LANG`` or, as everywhere, ``LC_ALL``, ``LC_MESSAGES`` and ``LANG``."""
    said = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    return _best([said.partition(".")[0].partition("@")[0].replace("_", "-")])


def zone_of(wanted: str | None, default: tzinfo = UTC) -> tzinfo:
    """The time zone that a browser or a party names, or else the default."""
    return (find_zone(wanted) if wanted else None) or default


def find_zone(name: str) -> tzinfo | None:
    """The time zone that the IANA database has under this name."""
    return ZoneInfo(name) if name in _zones() else None


@cache
def _zones() -> frozenset[str]:
    """Read off the disk once: a name must be one of these before it becomes the name of a file."""
    return frozenset(available_timezones())


def _best(tags: list[str]) -> Locale:
    wanted = [tag.lower() for tag in tags]
    return known(negotiate_locale(wanted, LOCALES, sep="-")) or LOCALES[0]
