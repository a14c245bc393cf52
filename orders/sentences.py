"""What the rules say to people: English sentences that keep what they were made of.

A ``Sentence`` is its English text, so it goes wherever a ``str`` goes. It also remembers its template and
what was put into it, from which ``i18n.sentences`` makes the same sentence in another language. A plain
``str`` is somebody's own words, which nobody translates, however much they look like one of ours. How
sentences cross JSON is in ``orders.sentence_fields``.

Each text stands whole in a call of ``sentence`` or ``template``, where the catalogues' extraction finds it,
and what varies in it has a name.
"""

import re
from collections.abc import Mapping
from typing import Self

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Written:
    """A value that each language writes in its own way: money and instants, in ``orders.values``."""

    __slots__ = ()


class OneOf(tuple["Sentence | str", ...]):
    """Alternatives, of which a sentence says ``a, b or c``."""

    __slots__ = ()

    def __str__(self) -> str:
        """In English."""
        *others, last = self
        return f"{', '.join(others)} or {last}" if others else last


class Series(tuple["Sentence | str", ...]):
    """Items of which a sentence says ``a; b; c``."""

    __slots__ = ()

    def __str__(self) -> str:
        """In every language."""
        return "; ".join(self)


class Sentence(str):
    """An English sentence of ours.

    ``arguments`` are by name: sentences and other texts, whole numbers, amounts of money and
    instants (``orders.values``), ``OneOf`` and ``Series``. Whatever is cut out of it or put together with it
    is plain text again.
    """

    template: str
    plural: str | None
    """The template for any ``number`` but 1; None where the words don't depend on a number."""
    number: int
    """Which of a plural's forms is meant."""
    arguments: "Mapping[str, Argument]"

    def __new__(
        cls, template: str, arguments: "Mapping[str, Argument]", plural: str | None = None
    ) -> Self:
        """Raises KeyError for a template with a placeholder that is no argument."""
        number = arguments.get("number")
        number = number if isinstance(number, int) else 1
        text = template if plural is None or number == 1 else plural
        made = super().__new__(cls, fill(text, arguments))
        made.template, made.plural = template, plural
        made.number, made.arguments = number, arguments
        return made

    def __getnewargs__(self) -> "tuple[str, Mapping[str, Argument], str | None]":  # type: ignore[override]
        """For copies."""
        return self.template, self.arguments, self.plural

    def __str__(self) -> str:
        """Itself: what is the text of an exception still is a sentence."""
        return self


Argument = Sentence | OneOf | Series | Written | str | int


def sentence(template: str, /, **arguments: object) -> Sentence:
    """The template, written out; what is no argument of a sentence is put in by its text."""
    return Sentence(template, {name: _argument(it) for name, it in arguments.items()})


def template(text: str) -> str:
    """A sentence's template, marked for the catalogues, that ``sentence`` is given elsewhere."""
    return text


def plural_sentence(one: str, many: str, number: int, /, **arguments: object) -> Sentence:
    """A sentence whose words depend on a ``number``, which is one of its arguments."""
    given = {name: _argument(it) for name, it in arguments.items()}
    return Sentence(one, {"number": number, **given}, many)


def fill(template: str, arguments: Mapping[str, object]) -> str:
    """A template with the texts of its arguments. Raises KeyError for one that is not there."""
    return _PLACEHOLDER.sub(lambda found: f"{arguments[found[1]]!s}", template)


def _argument(value: object) -> Argument:
    match value:
        case bool():
            return str(value)
        case Sentence() | OneOf() | Series() | Written() | int():
            return value
        case _:
            return str(value)
