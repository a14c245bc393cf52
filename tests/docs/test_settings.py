"""Every setting is explained once, and no document names one that is not there."""

import re
from pathlib import Path

from docs.settings_page import SECTIONS, page
from runtime.settings import Settings, variable

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\b(?:UNBUY|ORDER)_[A-Z]+(?:_[A-Z]+)*\b")

# The language of commands is no setting of a server; ORDER_ID stands for an id.
_NOT_SETTINGS = {"UNBUY_LANG", "ORDER_ID"}


def test_every_setting_has_one_row_with_its_meaning() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]

    for name in Settings.model_fields:
        [row] = [it for it in rows if it.startswith(f"| `{variable(name)}` |")]
        meaning = row.split(" | ")[3]
        assert re.match(r"[A-Z].*\.( \|)?$", meaning), row


def test_every_section_begins_with_a_setting() -> None:
    assert SECTIONS.keys() <= Settings.model_fields.keys()
    assert next(iter(Settings.model_fields)) in SECTIONS


def test_documents_name_only_settings_that_there_are() -> None:
    known = {variable(name) for name in Settings.model_fields} | _NOT_SETTINGS
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob(".github/**/*.*")]

    unknown = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in documents
        for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))
        if name not in known
    }

    assert unknown == set()
