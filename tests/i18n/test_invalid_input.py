"""What is wrong with bad input is said in its sender's language."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from i18n.sentences import localize
from orders.errors import InvalidInput
from orders.messages import MESSAGES, parse
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.pydantic_messages import problem_sentence
from orders.sentences import Sentence, Series
from tests.i18n.polish import crossed, said_in_polish
from tests.orders.builders import (
    message,
    photo,
    place,
)
from tests.orders.test_transitions import FIELDS

_BAD: tuple[Any, ...] = (
    *(None, 1, -1, 1.5, "", "x" * 2000, "\x00", True, [], {}, "soon", "2026-03-01T12:00:00"),
    *(10**30, "1", "PT0S", "P1M", "P99999D", ["x"] * 11, "0001-01-01T00:00:00+14:00"),
    *(
        {"amount": amount, "currency": currency}
        for amount, currency in product((-1, 0, 1.5, "1", 10**30), ("EUR", "xx"))
    ),
    {"id": "", "name": "x", "locale": "de", "unknown": 1},
    [{"sku": "x", "title": "t", "quantity": 0, "unit_price": {"amount": 1, "currency": "EUR"}}],
)


def _bodies() -> Iterator[tuple[type[BaseModel], str]]:
    for name, model in MESSAGES.items():
        for field, value in product(model.model_fields, _BAD):
            yield model, json.dumps({**_sound(name), field: value})
        for text in ("{", "[]", "1", "nul", '{"a":1,}'):
            yield model, text
    placed = place().model_dump(mode="json")
    for field, value in product(Policy.model_fields, _BAD):
        yield PlaceOrder, json.dumps({**placed, "policy": {field: value}})
    for field, value in product(placed, _BAD):
        yield PlaceOrder, json.dumps({**placed, field: value})
    yield PlaceOrder, json.dumps({**placed, "policy": {"dispute_reminder": "PT1S"}})
    yield PlaceOrder, json.dumps({**placed, "lines": [{"\x00": 1}], "\n": 2})


def _validation_errors() -> Iterator[tuple[str, ValidationError]]:
    for model, body in _bodies():
        try:
            model.model_validate_json(body)
        except ValidationError as error:
            yield model.__name__, error


def _invalid() -> Iterator[str]:
    for name, error in _validation_errors():
        yield str(InvalidInput.from_validation(name, error))
    yield _refused("no_such_message")
    yield _refused("payment", b"{}", b"{}")
    yield _refused("cancel_request", b'{"reason":1,"reason":2}')


def _sound(name: str) -> dict[str, Any]:
    fields = photo() if name == "shipment_proof" else FIELDS[name]
    return dict(json.loads(message(name, **fields).model_dump_json(exclude_unset=True)))


def _refused(name: str, *bodies: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse(name, list(bodies))
    return str(caught.value)


def _problems(text: str) -> Iterator[str]:
    """What is wrong, without the fields' names."""
    assert isinstance(text, Sentence)
    problems = text.arguments.get("problems", Series())
    assert isinstance(problems, Series)
    for problem in problems:
        assert isinstance(problem, Sentence), problem
        named = problem.arguments.get("problem", problem)
        assert isinstance(named, str)
        yield named


def test_what_is_wrong_with_bad_input_is_said_in_polish() -> None:
    """Cases 17 and 51: pydantic's words as well as ours."""
    invalid = list(_invalid())
    problems = [problem for text in invalid for problem in _problems(text)]

    assert len(set(problems)) > 30
    assert [it for it in problems if not said_in_polish(it)] == []
    assert [it for it in invalid if localize(crossed(it), "pl") == it] == []


def test_pydantics_problems_are_said_in_its_own_words() -> None:
    """Whoever looks them up finds them in its documentation."""
    found = [
        problem
        for _, error in _validation_errors()
        for problem in error.errors(include_url=False, include_input=False)
    ]

    assert len({problem["type"] for problem in found}) > 15
    for problem in found:
        assert problem_sentence(problem) == problem["msg"].removeprefix("Value error, ")
