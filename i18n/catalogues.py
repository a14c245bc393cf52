"""What people read, in their language: gettext catalogues, one for each language.

Texts stand in the sources in English, where they are used; the English text is the key of its translation
in ``locale/{language}/LC_MESSAGES/unbuy.po``. ``make catalogues`` brings the catalogues to what the sources
say, and docs/languages.md has how to add a text or a language.

Where the text is chosen by a code rather than written where it is used, ``N_`` and ``NC_`` mark it.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

DOMAIN: Final = "unbuy"
FOLDER: Final = Path(__file__).with_name("locale")

Locale = Literal["en", "pl"]
LOCALES: Final[tuple[Locale, ...]] = ("en", "pl")
"""The languages that there are; the first is spoken to whom no other is known of."""


def N_(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is used."""
    return text


def NC_(context: str, text: str) -> str:
    """Mark a text that means something else, or is inflected otherwise, elsewhere."""
    return text


def path_of(locale: str) -> Path:
    """The file of a language's catalogue."""
    return FOLDER / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def translator(locale: str) -> NullTranslations:
    """The language's ``gettext``, ``ngettext``, ``pgettext`` and ``npgettext``; Jinja takes it whole.

    Read from its ``.po`` file once: there is no compiled catalogue that could be stale or missing.
    Raises KeyError for a language that there is none of.
    """
    if locale not in LOCALES:
        raise KeyError(f"There is no catalogue for {locale!r}; there are {', '.join(LOCALES)}.")
    if locale == LOCALES[0]:
        # The sources' own words; a test holds that its catalogue has no others.
        return NullTranslations()
    # What reads catalogues takes its time to import.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path_of(locale).open("rb") as file:
        catalogue = read_po(file, locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
