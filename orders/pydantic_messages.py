"""What pydantic finds wrong, as sentences of ours: by the kind of its error, in its own English words.

https://docs.pydantic.dev/latest/errors/validation_errors/ lists the kinds, and what each says of itself. A
test keeps the words the same as pydantic's, and finds every kind that our models can come to.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from orders.sentences import OneOf, Sentence, plural_sentence, sentence

_QUOTED = re.compile(r"'[^']*'")


def problem_sentence(problem: ErrorDetails) -> str:
    """What is wrong with one value; in pydantic's words as they are where we have none of our own."""
    about = problem.get("ctx", {})
    if problem["type"] == "value_error":
        # The validator's own, which may be a sentence.
        return str(about["error"])
    made = _SENTENCES.get(problem["type"])
    return made(about) if made else problem["msg"]


def _as_it_is(said: Sentence) -> Callable[[Mapping[str, Any]], Sentence]:
    return lambda _: said


def _choice(about: Mapping[str, Any]) -> Sentence:
    # pydantic has the choices of our enums and literals in one text only: 'a', 'b' or 'c'.
    choices = OneOf(_QUOTED.findall(about["expected"]))
    return sentence("Input should be {choices}", choices=choices)


def _too_few(about: Mapping[str, Any]) -> Sentence:
    return plural_sentence(
        "{kind} should have at least {number} item after validation, not {actual}",
        "{kind} should have at least {number} items after validation, not {actual}",
        about["min_length"],
        kind=about["field_type"],
        actual=about["actual_length"],
    )


def _too_many(about: Mapping[str, Any]) -> Sentence:
    return plural_sentence(
        "{kind} should have at most {number} item after validation, not {actual}",
        "{kind} should have at most {number} items after validation, not {actual}",
        about["max_length"],
        kind=about["field_type"],
        actual=about["actual_length"],
    )


def _too_short(about: Mapping[str, Any]) -> Sentence:
    return plural_sentence(
        "String should have at least {number} character",
        "String should have at least {number} characters",
        about["min_length"],
    )


def _too_long(about: Mapping[str, Any]) -> Sentence:
    return plural_sentence(
        "String should have at most {number} character",
        "String should have at most {number} characters",
        about["max_length"],
    )


_AN_ARRAY = _as_it_is(sentence("Input should be a valid array"))
_AN_OBJECT = _as_it_is(sentence("Input should be an object"))


_SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any]], Sentence]]] = {
    "missing": _as_it_is(sentence("Field required")),
    "extra_forbidden": _as_it_is(sentence("Extra inputs are not permitted")),
    "json_invalid": lambda about: sentence("Invalid JSON: {error}", error=about["error"]),
    "model_type": _AN_OBJECT,
    "dict_type": _AN_OBJECT,
    "list_type": _AN_ARRAY,
    "tuple_type": _AN_ARRAY,
    "string_type": _as_it_is(sentence("Input should be a valid string")),
    "bool_type": _as_it_is(sentence("Input should be a valid boolean")),
    "int_type": _as_it_is(sentence("Input should be a valid integer")),
    "int_from_float": _as_it_is(
        sentence("Input should be a valid integer, got a number with a fractional part")
    ),
    "int_parsing": _as_it_is(
        sentence("Input should be a valid integer, unable to parse string as an integer")
    ),
    "int_parsing_size": _as_it_is(
        sentence("Unable to parse input string as an integer, exceeded maximum size")
    ),
    "datetime_parsing": lambda about: sentence(
        "Input should be a valid datetime, {error}", error=about["error"]
    ),
    "datetime_from_date_parsing": lambda about: sentence(
        "Input should be a valid datetime or date, {error}", error=about["error"]
    ),
    "time_delta_type": _as_it_is(sentence("Input should be a valid duration")),
    "time_delta_parsing": lambda about: sentence(
        "Input should be a valid duration, {error}", error=about["error"]
    ),
    "timezone_aware": _as_it_is(sentence("Input should have timezone info")),
    "greater_than": lambda about: sentence(
        "Input should be greater than {least}", least=about["gt"]
    ),
    "greater_than_equal": lambda about: sentence(
        "Input should be greater than or equal to {least}", least=about["ge"]
    ),
    "less_than_equal": lambda about: sentence(
        "Input should be less than or equal to {most}", most=about["le"]
    ),
    "string_pattern_mismatch": lambda about: sentence(
        "String should match pattern '{pattern}'", pattern=about["pattern"]
    ),
    "string_too_short": _too_short,
    "string_too_long": _too_long,
    "too_short": _too_few,
    "too_long": _too_many,
    "enum": _choice,
    "literal_error": _choice,
}
