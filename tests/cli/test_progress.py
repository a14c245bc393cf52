"""Something long says on a terminal how far it is, and into a pipe nothing."""

import io

import pytest
from rich.console import Console

from cli.progress import progress


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_terminals_only(is_terminal: bool) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=80)

    with progress(console, "requests", 10) as made:
        made(4)
        console.print("A line that stays.")

    assert ("4/10" in screen.getvalue()) is is_terminal
    assert "A line that stays." in screen.getvalue()
