"""The language in which a program speaks to whoever runs it.

One for the whole run, chosen at its start, as gettext has it; ``i18n.negotiation`` says which. Pages and
letters have many readers at once and name the language each time instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from i18n.catalogues import LOCALES, Locale, translator

_SPOKEN: Final[ContextVar[Locale]] = ContextVar("spoken", default=LOCALES[0])


@contextmanager
def speaking(locale: Locale) -> Iterator[None]:
    """Speak this language within the block; English is spoken without one."""
    before = _SPOKEN.set(locale)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def spoken() -> Locale:
    """The language that is spoken."""
    return _SPOKEN.get()


def say(text: str, /, **parts: object) -> str:
    """A text in the language that is spoken, with its parts."""
    return translator(spoken()).gettext(text).format(**parts)


def say_number(one: str, many: str, number: int, /) -> str:
    """A text about a number in the language that is spoken, in the plural that the number asks for."""
    return translator(spoken()).ngettext(one, many, number).format(number=number)
