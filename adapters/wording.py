"""What people are told, in words (R21): each notice as a friendly text in its reader's language.

The texts are templates in ``wording_en`` and ``wording_pl``, one for each notice and role. Support,
and payers whom nobody knows, read English.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activities.notifications import Letter
from adapters import wording_en, wording_pl
from adapters.formats import days_text, instant_text, money_text
from orders.messages import Role
from orders.values import Money


@dataclass(frozen=True)
class Language:
    """One language's texts. Templates take the letter's details by name, written out, and
    ``{order}``; ``{why}`` and ``{offer}`` are whole clauses, empty where there is nothing to say.
    """

    locale: str
    texts: Mapping[tuple[str, Role], str]
    words: Mapping[str, str]
    """Codes of the contract (reasons, outcomes, kinds) as they read within a sentence."""
    reasons: Mapping[str, str]
    """Sentences that the system itself writes as a reason, by a pattern of the English one."""
    why: str
    offer: str
    unknown: str
    """For a notice that this version has no text for."""


LANGUAGES = {
    "en": Language(
        locale="en",
        texts=wording_en.TEXTS,
        words=wording_en.WORDS,
        reasons={},
        why=wording_en.WHY,
        offer=wording_en.OFFER,
        unknown=wording_en.UNKNOWN,
    ),
    "pl": Language(
        locale="pl",
        texts=wording_pl.TEXTS,
        words=wording_pl.WORDS,
        reasons=wording_pl.REASONS,
        why=wording_pl.WHY,
        offer=wording_pl.OFFER,
        unknown=wording_pl.UNKNOWN,
    ),
}


# The details that may be codes; what people write is never taken for one.
_CODES = ("reason", "outcome", "kind")


def wording(letter: Letter) -> str:
    """The letter's text: one short paragraph that names the order."""
    language = LANGUAGES[letter.party.locale if letter.party else "en"]
    text = language.texts.get((letter.what, letter.to), language.unknown)
    return text.format_map(
        {
            "order": letter.order_id,
            "why": _why(letter, language),
            "offer": language.offer if "offer_id" in letter.details else "",
            **{name: _written(name, value, language) for name, value in letter.details.items()},
        }
    )


def _written(name: str, value: Any, language: Language) -> str:
    match value:
        case None:
            return "\N{EM DASH}"
        case {"amount": _, "currency": _}:
            return money_text(Money.model_validate(value), language.locale)
        case int() if name == "days":
            return days_text(timedelta(days=value), language.locale)
        case str() if name.endswith(("_by", "_at")):
            return instant_text(datetime.fromisoformat(value), language.locale)
        case str() if name in _CODES:
            return language.words.get(value, value)
        case _:
            return str(value)


def _why(letter: Letter, language: Language) -> str:
    reason = letter.details.get("reason") or letter.details.get("note")
    if not reason:
        return ""
    for pattern, translated in language.reasons.items():
        if found := re.fullmatch(pattern, reason):
            return f" {found.expand(translated)}"
    return language.why.format(reason=reason)
