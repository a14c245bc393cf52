"""Which language somebody reads, and by which clock: the switch, the browser, the terminal."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from i18n.formats import instant_text
from i18n.negotiation import known, of_browser, of_terminal, zone_of


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("en-GB,en;q=0.9,pl;q=0.8", "en"),
        ("en;q=0.2, pl;q=0.7", "pl"),
        ("de-DE,de;q=0.9,pl;q=0.3", "pl"),
        ("PL", "pl"),
        ("pl; q=0.9, en; q=0.8", "pl"),
        ("en ;\tQ=0.8 , pl ; Q=0.9", "pl"),
        ("en;level=1;q=0.1,pl;q=0.2", "pl"),
        ("pl;q=0", "en"),
        ("pl;q=much", "en"),
        ("pl;q=nan", "en"),
        ("pl;q=2", "en"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
        (None, "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_a_browser_gets_the_best_of_what_it_asks_for(header: str | None, locale: str) -> None:
    assert of_browser(header) == locale


@pytest.mark.parametrize(
    ("environment", "locale"),
    [
        ({}, "en"),
        ({"LANG": "pl_PL.UTF-8"}, "pl"),
        ({"LANG": "pl"}, "pl"),
        ({"LANG": "pl_PL@euro"}, "pl"),
        ({"LANG": "pl_PL.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "pl_PL.UTF-8", "LC_ALL": ""}, "pl"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "pl_PL.UTF-8"}, "pl"),
        ({"LC_ALL": "C", "UNBUY_LANG": "pl"}, "pl"),
        ({"LANG": "pl_PL.UTF-8", "UNBUY_LANG": "en"}, "en"),
        ({"LANG": "POSIX"}, "en"),
    ],
)
def test_a_terminal_gets_its_users_language(environment: dict[str, str], locale: str) -> None:
    assert of_terminal(environment) == locale


def test_the_language_switch_names_available_languages_only() -> None:
    assert known("pl") == "pl"
    assert known("tlh") is None
    assert known(None) is None


def test_every_iana_time_zone_is_known_and_can_be_formatted() -> None:
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)

    for zone in available_timezones():
        assert zone_of(zone) == ZoneInfo(zone)
        written = instant_text(at, "pl", zone_of(zone))
        assert re.fullmatch(r"[12] lipca 2026, \d\d:\d\d [A-Za-z]+([+-]\d\d:\d\d)?", written)


@pytest.mark.parametrize(
    "named",
    [
        None,
        "",
        "Europe/Atlantis",
        "europe/warsaw",
        "Europe/Warsaw ",
        "../../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "Europe/Warsaw\0",
        "A" * 5000,
        "<script>",
    ],
)
def test_an_unknown_time_zone_is_utc(named: str | None) -> None:
    assert zone_of(named) is UTC
