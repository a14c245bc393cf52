"""What is printed never steers the terminal (case 94)."""

import io
import json
from typing import Any

import pytest
from rich.console import Group
from rich.table import Table
from rich.text import Text

from cli.console import PlainConsole, err, out, print_json

STEERING = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\rb\bc\vd\fe",
    "\x7f\x84\x85\x9b2J",
    "\u2028line\u2029paragraph",
    "\u202eright to left\u202c\u2066\u2069\u061c\u200e\u200f",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff\u00ad",
    "\U000e0041\U000e007f\ufff9\ue000",
]

steering = pytest.mark.parametrize("text", STEERING)


def _must_be_plain(printed: str) -> None:
    assert [char for char in printed if not (char.isprintable() or char in "\n\xa0")] == []


@steering
@pytest.mark.parametrize("wrapped", ["text", "Text", "table", "title", "two lines"])
def test_no_text_steers_a_terminal(text: str, wrapped: str) -> None:
    """Case 94: however it comes to be printed."""
    written = io.StringIO()
    table = Table(title=text if wrapped == "title" else None)
    table.add_column(text)
    table.add_row(text)
    shown: Any = {
        "text": text,
        "Text": Text(text),
        "table": table,
        "title": Group(Text("a"), table),
        "two lines": f"{text}\n{text}",
    }[wrapped]
    PlainConsole(file=written, width=200, markup=False).print(shown)

    _must_be_plain(written.getvalue())


@steering
def test_an_error_does_not_steer_a_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 94."""
    err.print(text)
    out.print(text)

    printed = capsys.readouterr()
    _must_be_plain(printed.out + printed.err)


@steering
@pytest.mark.parametrize("indent", [2, None])
def test_json_does_not_steer_a_terminal_and_says_the_same(
    text: str, indent: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 94: nothing is lost on programs, which read what is escaped."""
    print_json({text: ["zażółć 🧡", text]}, indent)

    printed = capsys.readouterr().out
    _must_be_plain(printed)
    assert "zażółć 🧡" in printed
    assert json.loads(printed) == {text: ["zażółć 🧡", text]}


def test_a_console_keeps_control_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 94: colours come through on a terminal."""
    written = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = PlainConsole(file=written, force_terminal=True, color_system="standard")
    console.print(Text("red\x1b[0m", style="red"))

    assert written.getvalue() == "\x1b[31mred\N{REPLACEMENT CHARACTER}[0m\x1b[0m\n"
