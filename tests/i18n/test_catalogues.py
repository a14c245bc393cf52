"""The catalogues are whole: nothing is missing, guessed, left over or said with other parts."""

import ast
import re
from collections.abc import Iterator

import pytest
from babel.messages import Catalog, Message

from i18n.catalogues import LOCALES, translator
from i18n.extraction import KEYWORDS, ROOT, extract, missing, packages, read

_PARTS = re.compile(r"\{\w*\}|%\(\w+\)s")
_POLISH = [(1, 0), (2, 1), (4, 1), (5, 2), (12, 2), (14, 2), (21, 2), (22, 1), (112, 2), (122, 1)]


def _messages(locale: str) -> list[Message]:
    return [message for message in read(locale) if message.id]


def _forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def _key(message: Message) -> tuple[str | None, tuple[str, ...]]:
    return message.context, tuple(_forms(message.id))


@pytest.mark.parametrize("locale", LOCALES)
def test_no_translation_is_missing_fuzzy_or_obsolete(locale: str) -> None:
    catalogue = read(locale)

    assert missing(catalogue) == [], "run `make catalogues` and translate what it lists"
    assert not catalogue.obsolete


def test_english_is_what_the_sources_say() -> None:
    """Its catalogue is not read, so that nobody waits for it."""
    english = _messages("en")

    assert [it.id for it in english if _forms(it.string) != _forms(it.id)] == []


@pytest.fixture(scope="module")
def extracted() -> Catalog:
    """What the sources say: to read them all takes a second."""
    return extract()


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalogue_has_exactly_the_messages_of_the_sources(
    extracted: Catalog, locale: str
) -> None:
    said = {_key(message) for message in extracted if message.id}

    assert {_key(message) for message in _messages(locale)} == said, "run `make catalogues`"


def test_extraction_reads_every_package_with_texts(extracted: Catalog) -> None:
    """A wrong path would make it silently empty."""
    files = {path for message in extracted for path, _ in message.locations}

    assert {"orders", "workflows", "activities", "adapters", "i18n"} <= {
        path.partition("/")[0] for path in files
    }
    assert {"orders/refusals.py", "adapters/notifications/texts.py", "i18n/labels.py"} <= files
    assert not any(path.startswith(("tests", ".venv")) for path in files)
    assert len(extracted) > 400


@pytest.mark.parametrize("locale", LOCALES)
def test_a_translation_has_the_placeholders_of_its_text(locale: str) -> None:
    for message in _messages(locale):
        wanted = {part for form in _forms(message.id) for part in _PARTS.findall(form)}
        for form in _forms(message.string):
            assert set(_PARTS.findall(form)) == wanted, message.id
            assert form.startswith(" ") == _forms(message.id)[0].startswith(" "), message.id
            assert form.endswith(".") == _forms(message.id)[0].endswith("."), message.id


def test_polish_has_three_forms_of_every_plural_and_takes_the_right_one() -> None:
    plurals = [message for message in _messages("pl") if isinstance(message.id, tuple)]

    assert plurals
    for message in plurals:
        forms = _forms(message.string)
        assert len(forms) == 3, message.id
        for number, form in _POLISH:
            one, many = _forms(message.id)
            said = translator("pl").ngettext(one, many, number)
            assert said == forms[form], number


def test_english_is_the_text_of_the_sources() -> None:
    for message in _messages("en"):
        assert tuple(_forms(message.string)) == tuple(_forms(message.id))


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError, match="there are en, pl"):
        translator("de")


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for file in (
        *ROOT.glob("*.py"),
        *(file for package in packages() for file in (ROOT / package).rglob("*.py")),
    ):
        yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    ours = {"sentence", "plural_sentence", "template", "gettext", "ngettext", "N_", "NC_"}
    assert ours <= KEYWORDS.keys()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ours:
            yield node


def test_texts_are_literals_that_extraction_finds() -> None:
    """A text that is put together at run time would never be translated."""
    calls = [(name, call) for name, tree in _trees() for call in _calls(tree)]

    assert len(calls) > 300
    for name, call in calls:
        # Number rules and silence say what was marked above them; gettext is handed its texts.
        handed_on = {
            "adapters/tracking/rules.py": "reason",
            "i18n/current.py": "text",
            "orders/if_nothing.py": "text",
        }
        if ast.unparse(call.args[0]) == handed_on.get(name):
            continue
        assert isinstance(call.args[0], ast.Constant), f"{name}:{call.lineno}"


def test_no_text_is_inside_an_f_string() -> None:
    """Since Python 3.12 an f-string is no longer one token, and Babel finds no text in it."""
    for name, tree in _trees():
        for text in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
            assert not list(_calls(text)), f"{name}:{text.lineno}"
