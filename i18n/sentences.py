"""The rules' sentences in another language: what is refused, and why.

A refusal travels as its English sentence, in views, failures and histories (contract). Here its template is
found again among the catalogue's texts, and the sentence is said anew in the reader's language, with money
and alternatives as that language writes them. What no template fits stays as it is: somebody's own words, or
the sentence of another version.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final, NamedTuple

from babel.messages.pofile import read_po
from pydantic import ValidationError

from i18n.catalogues import LOCALES, path_of, translator
from i18n.formats import list_text, money_text
from i18n.pydantic_messages import COMPLAINTS
from orders.values import Balance, Money, decimals

SPEAKERS: Final = (
    "orders/",
    "workflows/",
    "activities/",
    "adapters/local/provider.py",
    "adapters/tracking/rules.py",
    "adapters/proof_store.py",
    "runtime/temporal.py",
    "gateway/",
    "database/schema.py",
    "runtime/wiring.py",
)
"""Whose texts travel as sentences: the rooms, and the servers, that know no language but English."""

_PART = re.compile(r"\\{(\w+)\\}")
_MONEY = re.compile(r"(-?\d+(?:\.(\d+))?) ([A-Z]{3})")
_OR = re.compile(r", | or ")
_PROBLEM = re.compile(r"(?:(?P<where>[\w.]+|\(unreadable name\)): )?(?P<text>.+)", re.DOTALL)
_LONGEST: Final = 4000
"""Characters; our own sentences stay well below."""


class _Template(NamedTuple):
    text: str
    plural: str | None
    pattern: re.Pattern[str]


def refusal(text: str, locale: str) -> str:
    """A sentence of the rules in this language; any other text as it is."""
    return known_sentence(text, locale) or text


@lru_cache(maxsize=1000)
def known_sentence(text: str, locale: str) -> str | None:
    """A sentence of the rules in this language, in English as it is; None for a text that is not theirs."""
    if len(text) > _LONGEST:
        return None
    for template in _templates():
        if found := template.pattern.fullmatch(text):
            return text if locale == LOCALES[0] else _said(template, found.groupdict(), locale)
    return None


def _said(template: _Template, parts: dict[str, str], locale: str) -> str:
    said = translator(locale)
    if template.plural is None:
        text = said.gettext(template.text)
    else:
        text = said.ngettext(template.text, template.plural, int(parts["number"]))
    return text.format(**{name: _part(name, part, locale) for name, part in parts.items()})


def _part(name: str, part: str, locale: str) -> str:
    if name == "problems":
        return "; ".join(_problem(problem, locale) for problem in part.split("; "))
    if name in ("statuses", "choices"):
        return list_text([refusal(it, locale) for it in _OR.split(part)], locale)
    if found := _MONEY.fullmatch(part):
        return _money(found, locale) or part
    return refusal(part, locale)


def _money(found: re.Match[str], locale: str) -> str | None:
    number, places, currency = found.groups()
    if len(places or "") != decimals(currency):
        return None
    amount = int(Decimal(number).scaleb(decimals(currency)))
    try:
        money = Money.model_validate({"amount": abs(amount), "currency": currency})
        return money_text(Balance(amount=amount, currency=money.currency), locale)
    except ValidationError:
        return None


def _problem(problem: str, locale: str) -> str:
    found = _PROBLEM.fullmatch(problem)
    if found is None:
        return problem
    text = refusal(found["text"], locale)
    return f"{refusal(found['where'], locale)}: {text}" if found["where"] else text


@cache
def _templates() -> tuple[_Template, ...]:
    """The one with the longest words of its own first: it says the most of what it fits."""
    return tuple(sorted(_known(), key=lambda it: -len(_PART.sub("", re.escape(it.text)))))


def _known() -> Iterator[_Template]:
    with path_of(LOCALES[0]).open("rb") as file:
        for message in read_po(file):
            said_by = [path for path, _ in message.locations]
            if isinstance(message.id, str) and any(it.startswith(SPEAKERS) for it in said_by):
                yield _Template(message.id, None, _pattern(message.id))
    for complaint in COMPLAINTS:
        forms = (complaint,) if isinstance(complaint, str) else complaint
        for form in forms:
            yield _Template(forms[0], forms[1] if len(forms) > 1 else None, _pattern(form))


def _pattern(text: str) -> re.Pattern[str]:
    named: set[str] = set()

    def part(found: re.Match[str]) -> str:
        """The same again where a part stands a second time."""
        name = found[1]
        again = name in named
        named.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>.+)"

    return re.compile(_PART.sub(part, re.escape(text)), re.DOTALL)
