"""The language in which a program speaks to whoever runs it.

One for the whole run, chosen at its start, as gettext has it; ``i18n.negotiation`` says which. Pages and
letters have many readers at once and name the language each time instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from i18n.catalogues import LOCALES, Locale, translator
from i18n.sentences import localize
from orders.sentences import sentence

_CURRENT: Final[ContextVar[Locale]] = ContextVar("current_locale", default=LOCALES[0])


@contextmanager
def use_locale(locale: Locale) -> Iterator[None]:
    """Use this language within the block; outside of any it is English."""
    before = _CURRENT.set(locale)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def current_locale() -> Locale:
    """The language of whoever runs the program."""
    return _CURRENT.get()


def gettext(text: str, /, **parts: object) -> str:
    """A text in the current language, with its parts; sentences among them are in it as well."""
    return localize(sentence(text, **parts), current_locale())


def ngettext(one: str, many: str, number: int, /) -> str:
    """A text about a number in the current language, in the plural that the number asks for."""
    return translator(current_locale()).ngettext(one, many, number).format(number=number)
