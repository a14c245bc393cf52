"""What people enter in forms: read as the contract's messages, or told what is wrong with which field."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.pages.forms import FORMS, Field
from gateway.problems import Invalid, MessageRefused, Problem
from i18n.catalogues import LOCALES, N_
from i18n.formats import currency_symbol
from orders.errors import InvalidInput, RefusalCode
from orders.messages import Message, parse
from orders.sentences import Sentence, sentence
from orders.tracking_numbers import read_number
from orders.values import MAX_AMOUNT, Balance, decimals

MISSING: Final = {
    "hidden": N_("Something is missing from this form: open the page again and resend it."),
    "choice": N_("Choose one."),
    "yes_or_no": N_("Choose one."),
    "file": N_("Choose a file."),
    "long": N_("Write something here."),
    "money": N_("Enter an amount."),
    "number": N_("Enter a number."),
    "text": N_("Enter something here."),
}
"""What is said of a field that must not be empty."""

_MISSING_WITH: Final = {
    ("seller_message", "discount"): N_("Enter the discount, or choose another topic."),
    ("seller_message", "bonus"): N_("Enter the bonus, or choose another topic."),
    ("dispute_decision", "money"): N_("Enter the amount, or choose another decision."),
}
"""The same of one that goes with a choice."""

_AMOUNT_OF: Final = {
    "seller_message": "discount",
    "settlement_offer": "money",
    "dispute_decision": "money",
}
"""The field that an order means when it refuses an amount."""


class WrongFields(Invalid):
    """What is wrong with which fields of a form, each a sentence; answered with this status."""

    def __init__(self, fields: Mapping[str, str], status: int = Invalid.status) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
        self.answered = status


def read(name: str, entered: Mapping[str, str], currency: str) -> Message:
    """The message of a submitted form; its amounts are in this currency.

    A field that only a choice has is left out without that choice. Raises WrongFields, and InvalidInput for
    what no form of ours sends.
    """
    payload: dict[str, Any] = {"message_id": entered.get("message_id") or None}
    wrong: dict[str, str] = {}
    chosen = {entered.get(it.name) for it in FORMS[name].fields if it.kind == "choice"}
    for field in FORMS[name].fields:
        text = entered.get(field.name, "").strip()
        if field.only_with and field.only_with not in chosen:
            continue
        try:
            if field.kind == "yes":
                payload[field.name] = bool(text)
            elif text:
                payload[field.name] = _value(field, text, currency)
            elif field.required or (name, field.name) in _MISSING_WITH:
                wrong[field.name] = _missing(name, field)
        except InvalidInput as error:
            wrong[field.name] = error.args[0]
    if wrong:
        raise WrongFields(wrong)
    return parse(name, [json.dumps(payload).encode()])


def wrong_fields(name: str, problem: Problem) -> Mapping[str, str]:
    """What a problem says of the form's fields; empty where it is about none."""
    if isinstance(problem, WrongFields):
        return problem.fields
    code = problem.more.get("code") if isinstance(problem, MessageRefused) else None
    if code == RefusalCode.WRONG_AMOUNT and name in _AMOUNT_OF:
        return {_AMOUNT_OF[name]: problem.detail}
    return {}


def _missing(name: str, field: Field) -> Sentence:
    return Sentence(_MISSING_WITH.get((name, field.name)) or MISSING[field.kind], {})


def _value(field: Field, text: str, currency: str) -> Any:
    match field.kind:
        case "yes_or_no":
            return text == "yes"
        case "money":
            return {"amount": minor_units(text, currency), "currency": currency}
        case "number":
            return _whole_number(text, field.most)
        case "text" if field.name in ("number", "tracking_number"):
            return _tracking_number(text)
        case "text" | "long" if len(text) > field.most:
            raise InvalidInput(
                sentence("This is too long: {most} characters at most.", most=field.most)
            )
        case _:
            return text


def _whole_number(text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= number <= most:
        raise InvalidInput(sentence("Enter a whole number from 1 to {most}.", most=most))
    return number


def _tracking_number(text: str) -> str:
    try:
        read_number(text)
    except ValueError:
        raise InvalidInput(
            sentence("Enter a tracking number: 4 to 50 letters and digits.")
        ) from None
    return text


def minor_units(text: str, currency: str) -> int:
    """An amount as people write it, in minor units and exactly: ``12,50``, ``1 234.50``, ``1.234,50 zł``.

    Raises InvalidInput, also for an amount of nothing.
    """
    places = decimals(currency)
    found = re.fullmatch(r"(\D*?)([\d.,]+)(\D*)", re.sub(r"[\s\u00a0\u202f']", "", text))
    beside, plain = (found[1] + found[3], found[2]) if found else ("", "")
    known = {currency, *(currency_symbol(currency, locale) for locale in LOCALES)}
    if beside and beside.lower() not in {it.lower() for it in known}:
        plain = ""  # of another currency
    whole, fraction = _parts(plain, places)
    amount = int(f"{whole}{fraction.ljust(places, '0')}") if whole else 0
    if not whole or len(fraction) > places or not 0 < amount <= MAX_AMOUNT:
        raise InvalidInput(
            sentence(
                "Enter an amount such as {sample}.",
                sample=Balance.booked(1250 if places == 2 else 12 * 10**places, currency),
            )
        )
    return amount


def _parts(text: str, places: int) -> tuple[str, str]:
    """Whole and fraction, each empty where it is unclear: ``1.234`` may be one or more than a thousand."""
    if found := re.fullmatch(rf"(\d{{1,15}})(?:[.,](\d{{0,{places}}}))?", text):
        return found[1], found[2] or ""
    for group, mark in (",", "."), (".", ","):
        grouped = rf"(\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)(?:{re.escape(mark)}(\d+))?"
        found = re.fullmatch(grouped, text)
        if found and (found[2] or places == 0 or text.count(group) > 1):
            return found[1].replace(group, ""), found[2] or ""
    return "", ""
