"""What people are told, in words (R21): each notification as a friendly text in its reader's language.

The texts are templates in ``adapters.notifications.templates``, translated by the catalogues. They take the
message's details by name, written out, and ``{order}``; ``{why}``, ``{offer}``, ``{refund}``, ``{goes_on}``,
``{words}``, ``{of_money}``, ``{sum}``, ``{by}``, ``{expected}``, ``{of_number}`` and ``{other_order}`` are
whole clauses, empty where there is nothing to say: a message that an earlier version wrote may lack their
detail. Support, and payers whom nobody knows, read English.
"""

from datetime import datetime, timedelta
from typing import Any

from activities.notifications import OutboxMessage
from adapters.notifications.templates import (
    BY,
    DISCOUNT,
    EXPECTED,
    GOES_ON,
    OF_MONEY,
    OF_NUMBER,
    OFFER,
    OTHER_ORDER,
    REFUND,
    SUM,
    TEXTS,
    UNKNOWN,
    WHY,
    WORDS,
)
from i18n.catalogues import LOCALES, translator
from i18n.formats import days_text, instant_text, money_text
from i18n.labels import payment_method, phrase
from i18n.sentences import localize
from orders.messages import Role
from orders.sentences import Sentence
from orders.values import Balance

# The details that may be codes; what people write is never taken for one.
_CODES = ("reason", "outcome", "kind")


def wording(message: OutboxMessage) -> str:
    """The message's text: one short paragraph that names the order."""
    locale = message.party.locale if message.party else LOCALES[0]
    said = translator(locale)
    text = said.gettext(TEXTS.get((message.what, message.to), UNKNOWN))
    details = {
        name: _written(name, value, locale, message.to) for name, value in message.details.items()
    }

    def clause(text: str, *needed: str) -> str:
        if any(message.details.get(name) is None for name in needed):
            return ""
        return said.gettext(text).format_map(details)

    return text.format_map(
        {
            "order": message.order_id,
            "why": _why(message, locale),
            "offer": clause(DISCOUNT, "offer_id", "money", "amount_due")
            or clause(OFFER, "offer_id"),
            "refund": clause(REFUND[message.to], "money"),
            "goes_on": clause(GOES_ON, "awaits_shipment"),
            "words": clause(WORDS, "note"),
            "of_money": clause(OF_MONEY, "money"),
            "sum": clause(SUM, "money"),
            "by": clause(BY, "due_by"),
            "expected": clause(EXPECTED, "expected_by"),
            "of_number": clause(OF_NUMBER, "number"),
            "other_order": clause(OTHER_ORDER, "other_order_id"),
            **details,
        }
    )


def _written(name: str, value: Any, locale: str, reader: Role) -> str:
    match value:
        case None:
            return "\N{EM DASH}"
        case {"amount": _, "currency": _}:
            return money_text(Balance.model_validate(value), locale)
        case list():
            return ", ".join(_written(name, each, locale, reader) for each in value)
        case int() if name == "days":
            return days_text(timedelta(days=value), locale)
        case str() if name.endswith(("_by", "_at")):
            return instant_text(datetime.fromisoformat(value), locale)
        case str() if name == "method":
            return payment_method(value, locale)
        case str() if name in _CODES:
            return phrase(value, locale, reader)
        case _:
            return str(value)


def _why(message: OutboxMessage, locale: str) -> str:
    reason = message.details.get("reason") or message.details.get("note")
    if not reason:
        return ""
    if isinstance(reason, Sentence):
        return f" {localize(reason, locale)}"
    return translator(locale).gettext(WHY).format(reason=reason)
