"""Sentences cross JSON beside their text, and nobody but us can make one."""

import copy
import json
import pickle
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, Field

from activities.reconciliation import Period
from gateway.multipart import EvidenceFields, ProofFields
from orders.errors import InvalidInput, NotAllowedNow
from orders.messages import MESSAGES, parse
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.sentence_fields import (
    SUFFIX,
    Details,
    SentenceData,
    Text,
    WithSentences,
    read_sentences,
    with_sentences,
)
from orders.sentences import OneOf, Sentence, Series, plural_sentence, sentence
from orders.values import Balance, Frozen
from orders.view import OrderView, view
from tests.orders.builders import Story

SAID = sentence(
    "{name}: {money}, {choices}, {problems}, {more}",
    name="somebody's {name} \\1",
    money=Balance.booked(2490, "EUR"),
    choices=OneOf((sentence("this"), "that", "what else")),
    problems=Series(("one", plural_sentence("{number} thing", "{number} things", 3))),
    more=2,
)


class Noted(WithSentences, Frozen):
    reason: Text | None = None
    details: Details = Field(default_factory=dict)


def crossed(noted: Noted) -> Noted:
    return Noted.model_validate_json(noted.model_dump_json())


def reason_with(data: object, text: str = SAID[:]) -> str:
    read = Noted.model_validate({"reason": text, "reason_sentence": data})
    assert read.reason == text
    return type(read.reason).__name__


def test_a_sentence_is_its_text_and_keeps_what_it_was_made_of() -> None:
    assert SAID == ("somebody's {name} \\1: 24.90 EUR, this, that or what else, one; 3 things, 2")
    assert f"{SAID}" == SAID
    assert isinstance(str(ValueError(SAID)), Sentence)
    for same in (copy.deepcopy(SAID), pickle.loads(pickle.dumps(SAID))):
        assert (same, same.template, same.arguments) == (SAID, SAID.template, SAID.arguments)


def test_what_is_cut_out_of_a_sentence_is_plain_text() -> None:
    for text in (SAID[:], SAID.strip(), SAID + "", f"{SAID}!", "".join([SAID])):
        assert type(text) is str


def test_a_sentence_crosses_json_in_a_field_and_in_details() -> None:
    noted = Noted(reason=SAID, details={"reason": SAID, "days": 5})

    read = crossed(noted)

    for text in (read.reason, read.details["reason"]):
        assert isinstance(text, Sentence)
        assert (text, text.template, text.arguments) == (SAID, SAID.template, SAID.arguments)
    assert read.details["days"] == 5
    assert read.model_dump() == noted.model_dump()


def test_what_was_written_before_sentences_crossed_is_plain_text() -> None:
    read = Noted.model_validate_json(json.dumps({"reason": SAID, "details": {"reason": SAID}}))

    assert type(read.reason) is type(read.details["reason"]) is str
    assert crossed(read) == read
    assert SUFFIX not in read.model_dump_json()


def test_the_data_are_as_the_schema_has_them() -> None:
    data = with_sentences({"reason": SAID})["reason_sentence"]

    assert SentenceData.model_validate(data).model_dump(exclude_unset=True) == data
    assert "reason_sentence" in Noted.model_json_schema(mode="serialization")["properties"]
    assert read_sentences(with_sentences({"reason": SAID})) == {"reason": SAID}


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        "text",
        [],
        {},
        {"template": SAID},
        {"template": SAID, "arguments": "text"},
        {"template": 5, "arguments": {}},
        {"template": SAID, "arguments": {}, "plural": 5},
        {"template": "another text", "arguments": {}},
        {"template": "{missing}", "arguments": {}},
        {"template": "{it.__class__}", "arguments": {"it": "text"}},
        {"template": "{it}", "arguments": {"it": {"amount": 1, "currency": "???"}}},
        {"template": "{it}", "arguments": {f"it{number}": SAID for number in range(30)}},
        {"template": "{it}" * 1000, "arguments": {"it": "x" * 64_000}},
    ],
)
def test_what_makes_another_text_is_plain_text(data: object) -> None:
    assert reason_with(data) == "str"


def test_a_sentence_within_sentences_without_end_is_plain_text() -> None:
    deep: dict[str, Any] = {"template": SAID, "arguments": {}}
    for _ in range(5000):
        deep = {"template": "{it}", "arguments": {"it": deep}}

    assert reason_with(deep) == "str"


def test_views_and_refusals_carry_their_sentences() -> None:
    story = Story()
    refused = story.must_refuse("cancel_withdrawal")
    shown = view(Story().until_shipped().order)

    told = NotAllowedNow.from_details(json.loads(json.dumps(refused.details())))
    read = OrderView.model_validate_json(shown.model_dump_json())

    assert isinstance(told.reason, Sentence)
    assert told.details() == refused.details()
    reasons = [it.reason for actions in read.actions.values() for it in actions if it.reason]
    assert reasons
    assert all(isinstance(reason, Sentence) for reason in reasons)


def _models(kind: object) -> Iterator[type[BaseModel]]:
    """All models that are read within this one."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from _models(field.annotation)
            assert Details not in (field.annotation, *field.metadata)
    for part in get_args(kind):
        yield from _models(part)


@pytest.mark.parametrize(
    "kind", [*MESSAGES.values(), PlaceOrder, ProofFields, EvidenceFields, Period]
)
def test_no_input_of_a_strangers_can_have_sentences(kind: type[BaseModel]) -> None:
    """Case 72: what says that it is one of ours is an unknown field."""
    assert not [it for it in _models(kind) if issubclass(it, WithSentences)]
    assert [it for it in _models(Order) if issubclass(it, WithSentences)]


def test_a_stranger_cannot_send_a_sentence() -> None:
    data = with_sentences({"note": SAID})["note_sentence"]
    body = {"reason": "other", "note": SAID, "note_sentence": data}

    with pytest.raises(InvalidInput, match="note_sentence: Extra inputs are not permitted"):
        parse("cancel_request", [json.dumps(body).encode()])
