"""Where commands print: a person's terminal, or another program's pipe."""

import io
import re
import sys
from typing import Any
from unicodedata import category

from pydantic_core import to_json
from rich.console import Console

# A pipe has no width: lines are wrapped for people only.
_UNWRAPPED = 10_000


class Piped(io.StringIO):
    """Standard output for programs: without the blanks by which tables fill their last column."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of standard output."""
        return sys.stdout.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write whole lines, as a console does."""
        sys.stdout.write(re.sub(r" +$", "", text, flags=re.MULTILINE))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        sys.stdout.flush()


# Nobody's text may be taken for markup.
out = (
    Console(highlight=False, markup=False, emoji=False)
    if sys.stdout.isatty()
    else Console(file=Piped(), width=_UNWRAPPED, highlight=False, markup=False, emoji=False)
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def plain(text: str) -> str:
    """Somebody's text without what would steer a terminal: control and formatting characters."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(char).startswith("C") else char for char in text
    )


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print what another program reads: models and instants as the contract writes them."""
    out.print(to_json(value, indent=indent).decode(), soft_wrap=True)
