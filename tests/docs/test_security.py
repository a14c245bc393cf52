"""docs/security.md judges each requirement once, with a reason, by files that are there."""

import re

from tests.docs.test_references import DOCS, ROOT, text_of

PAGE = DOCS / "security.md"
SIGNS = {"✓", "◐", "✗", "**yours**", "n/a"}
_ROW = re.compile(r"^\| (\d+\.\d.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)
_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)`")


def rows() -> list[tuple[str, str, str]]:
    """Requirements, verdict, reason."""
    return [(it[1], it[2], it[3]) for it in _ROW.finditer(text_of(PAGE))]


def test_every_requirement_has_a_verdict_and_its_reason() -> None:
    chapters = {int(it) for it in re.findall(r"^### V(\d+) ", text_of(PAGE), re.MULTILINE)}

    assert len(rows()) > 100
    assert [row for row in rows() if row[1] not in SIGNS or not row[2].strip()] == []
    assert {int(requirement.partition(".")[0]) for requirement, *_ in rows()} == chapters
    assert chapters == set(range(1, 17))  # V17 is WebRTC


def test_no_requirement_is_judged_twice() -> None:
    numbers = [it for row, *_ in rows() for it in re.findall(r"\b\d+\.\d+\.\d+\b", row)]

    assert len(numbers) > 150
    assert sorted(numbers) == sorted(set(numbers))


def test_every_file_and_test_that_the_page_names_is_there() -> None:
    named = set(_FILE.findall(text_of(PAGE)))

    assert sum(it.startswith("tests/") for it in named) > 40
    assert {it for it in named if not (ROOT / it).exists()} == set()
