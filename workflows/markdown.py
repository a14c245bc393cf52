"""Somebody's text in what Temporal's web UI reads as Markdown."""

from typing import Final

_LONGEST: Final = 200


def as_code(text: str) -> str:
    """The text in one line of a code span, where no link, picture or heading comes of it."""
    # A code span ends at a blank line, and what cannot be seen may turn the order of what can.
    seen = "".join(char if char.isprintable() else " " for char in text.replace("`", "'"))
    line = " ".join(seen.split())
    return f"`{line if len(line) <= _LONGEST else f'{line[:_LONGEST]}…'}`" if line else "` `"
