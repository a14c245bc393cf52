"""``make catalogues``: bring the catalogues to what the sources say, and report what is left to translate.

Texts are taken from calls of gettext's functions and of our own that ``KEYWORDS`` lists, in Python and in
Jinja. English is its own translation, so its catalogue is filled in here; of the others what is new stays
empty, and what nothing says any more is dropped.
"""

import copy
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from i18n.catalogues import LOCALES, path_of

ROOT: Final = Path(__file__).parents[1]

METHODS: Final = [
    # Help is made of the commands' docstrings.
    ("**.py", "cli.help:extract"),
    ("**.jinja", "jinja2"),
]
OPTIONS: Final = {
    # Else a template that cannot be parsed has no texts, silently.
    "**.jinja": {"silent": "false", "trimmed": "true", "newstyle_gettext": "true"},
}
KEYWORDS: Final = {
    **DEFAULT_KEYWORDS,
    "NC_": ((1, "c"), 2),
    "sentence": None,  # orders.sentences
    "template": None,
    "plural_sentence": (1, 2),
}
# gettext's own documentation is no text of ours.
_NOT_SOURCES: Final = frozenset({"i18n/catalogues.py", "i18n/extraction.py"})


@cache
def packages() -> frozenset[str]:
    """Where people's texts are, beside the programs in the root itself: what a wheel has, too."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]
    return frozenset(build["targets"]["wheel"]["hooks"]["custom"]["packages"])


def extract() -> Catalog:
    """Every text that the sources say, with the files that say it."""
    found = Catalog(fuzzy=False)
    for name, _, text, comments, context in _texts():
        if name not in _NOT_SOURCES:
            found.add(text, None, [(name, 0)], auto_comments=comments, context=context)
    return found


def _texts() -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    return extract_from_dir(
        ROOT,
        METHODS,
        OPTIONS,
        KEYWORDS,
        comment_tags=("For translators:",),
        strip_comment_tags=True,
        directory_filter=_is_searched,
    )


def _is_searched(folder: str) -> bool:
    inside = Path(folder).relative_to(ROOT).parts
    return not inside or inside[0] in packages()


def read(locale: str) -> Catalog:
    """A language's catalogue as it stands; an empty one of a new language."""
    path = path_of(locale)
    if not path.exists():
        return Catalog(
            locale,
            project="Unbuy",
            version="1",
            header_comment=f"# What Unbuy says to people: {locale}. See docs/languages.md.",
            msgid_bugs_address="",
            last_translator="",
            language_team="",
            fuzzy=False,
        )
    with path.open("rb") as file:
        return read_po(file, locale)


def missing(catalogue: Catalog) -> list[str]:
    """What is not translated, or only guessed."""
    return [
        str(message.id)
        for message in catalogue
        if message.id and (message.fuzzy or not all(_forms(message.string)))
    ]


def _forms(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string or ("",))


def update(locale: str, found: Catalog) -> Catalog:
    """The catalogue with exactly these texts; translations are kept."""
    catalogue = read(locale)
    # Babel hands on the very messages of the template.
    catalogue.update(copy.deepcopy(found), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    if locale == LOCALES[0]:
        for message in catalogue:
            if message.id:
                message.string = message.id
    path = path_of(locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        # Where a text stands changes with every move, and is found by searching for it.
        write_po(file, catalogue, width=100, no_location=True)
    return catalogue


def main() -> int:
    """Update all catalogues; 1 when something is left to translate."""
    found = extract()
    left = 0
    for locale in LOCALES:
        untranslated = missing(update(locale, found))
        left += len(untranslated)
        sys.stdout.write(
            f"{locale}: {len(found)} texts, {len(untranslated)} to translate in "
            f"{path_of(locale).relative_to(ROOT).as_posix()}\n"
        )
        sys.stdout.writelines(f"  {text}\n" for text in untranslated)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
