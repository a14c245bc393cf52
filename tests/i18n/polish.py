"""Whether a sentence of ours can be said in Polish."""

import re
from collections.abc import Iterator

from i18n.sentences import localize
from orders.sentence_fields import Text, WithSentences
from orders.sentences import Sentence


class Crossed(WithSentences):
    """A text that goes through JSON, as from an order to whoever reads it."""

    text: Text


def crossed(text: str) -> str:
    return Crossed.model_validate_json(Crossed(text=text).model_dump_json()).text


def said_in_polish(text: str | None) -> bool:
    """Also after it was JSON, and with every sentence in it."""
    if not isinstance(text, Sentence):
        return False
    polish = localize(crossed(text), "pl")
    assert polish == localize(text, "pl")
    left = re.findall(r"\{[a-z_]+\}", polish)
    return polish != text and not left and all(map(said_in_polish, _inside(text)))


def _inside(text: Sentence) -> Iterator[Sentence]:
    for argument in text.arguments.values():
        parts = argument if isinstance(argument, tuple) else (argument,)
        yield from (part for part in parts if isinstance(part, Sentence))
