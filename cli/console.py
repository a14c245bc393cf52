"""Where commands print: a person's terminal, or another program's pipe."""

import io
import json
import re
import sys
from collections.abc import Iterable
from typing import Any
from unicodedata import category

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

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


class PlainConsole(Console):
    """A console whose only control characters are its own, whatever it is given."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """See base class."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                text = "\n".join(map(plain, segment.text.split("\n")))
                yield Segment(text, segment.style)


# Nobody's text may be taken for markup.
out = (
    PlainConsole(highlight=False, markup=False, emoji=False)
    if sys.stdout.isatty()
    else PlainConsole(file=Piped(), width=_UNWRAPPED, highlight=False, markup=False, emoji=False)
)
err = PlainConsole(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _steers(char: str) -> bool:
    """Whether a terminal may obey it: control and formatting characters, and Unicode's line breaks."""
    kind = category(char)
    return kind.startswith("C") or kind in ("Zl", "Zp")


def plain(text: str) -> str:
    """Somebody's text in one line, without what would steer a terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(char) else char for char in text)


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print what another program reads: models and instants as the contract writes them.

    What would steer a terminal is escaped, as JSON lets it be: programs read the same.
    """
    from pydantic_core import to_json

    text = to_json(value, indent=indent).decode()
    out.print(
        "".join(
            json.dumps(char)[1:-1] if char != "\n" and _steers(char) else char for char in text
        ),
        soft_wrap=True,
    )
