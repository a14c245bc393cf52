"""What people wrote, shown among words of ours: it cannot turn their order round, nor seem to be ours."""

from typing import Final, TypeVar

_Text = TypeVar("_Text", bound=object)

# Explicit embeddings, overrides and isolates: what is not closed reorders all that follows in a line.
_DIRECTIONS: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_QUOTES: Final = str.maketrans(dict.fromkeys('"“”„‟«»', "'"))


def without_directions(value: _Text) -> _Text:
    """The same without characters that reorder what is behind them; anything but a text as it is."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.translate(_DIRECTIONS)  # type: ignore[return-value]


def within_quotes(text: str) -> str:
    """Somebody's text in one line, within our quotation marks, which it cannot close."""
    return " ".join(without_directions(text).splitlines()).translate(_QUOTES)
