"""How sentences cross JSON: beside each, under ``{name}_sentence``, what it was made of.

``{"reason": "Due is exactly 24.90 EUR, ...", "reason_sentence": {"template": "Due is exactly {due}, ...",
"arguments": {"due": {"amount": 2490, "currency": "EUR"}, ...}}}``

The text stays as it was, for whoever reads English. A text without the second field is somebody's own words,
or was written before there was such a field; nothing is guessed from its looks. Only what we make ourselves
has it: no model that a stranger's input is read into takes it, and data that make another text than the one
beside them count for nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from orders.sentences import Argument, OneOf, Sentence, Series
from orders.values import Balance, Frozen, Money, WrittenInstant

SUFFIX = "_sentence"

# Ours have a few hundred characters and a dozen arguments at most.
_LONGEST_TEMPLATE = 1000
_MOST_ARGUMENTS = 20
_Template = Annotated[str, Field(max_length=_LONGEST_TEMPLATE)]
_Name = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class OneOfData(Frozen):
    """Alternatives, one of which is meant."""

    one_of: list["SentenceData | str"] = Field(max_length=50)


class SentenceData(Frozen):
    """A sentence as data. ``template`` is its English words, by which translations are found, with the names
    of its ``arguments`` in braces; ``plural`` are the words for any ``number`` but 1. A list is of items that
    the sentence enumerates.
    """

    template: _Template
    plural: _Template | None = None
    arguments: dict[
        _Name,
        "str | int | Balance | WrittenInstant | OneOfData | SentenceData | list[SentenceData | str]",
    ] = Field(max_length=_MOST_ARGUMENTS)


def _keep(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    # pydantic makes a plain text of every subclass.
    return value if isinstance(value, Sentence) else handler(value)


_KEEPS_SENTENCES = WrapValidator(_keep)

Text = Annotated[str, _KEEPS_SENTENCES]
"""A text that may be a sentence of ours, in a model that derives from ``WithSentences``."""


def with_sentences(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values, and beside each sentence what it was made of, as JSON values."""
    made = {
        f"{name}{SUFFIX}": _data(value)
        for name, value in values.items()
        if isinstance(value, Sentence)
    }
    return {**values, **made}


def read_sentences(values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``with_sentences`` was given, from what it made. Raises nothing for what it did not make."""
    read = dict(values)
    for key in values:
        if key.endswith(SUFFIX) and isinstance(text := read.get(key.removesuffix(SUFFIX)), str):
            read[key.removesuffix(SUFFIX)] = _sentence(text, read.pop(key))
    return read


Details = Annotated[
    dict[str, Any],
    BeforeValidator(lambda values: read_sentences(values) if isinstance(values, dict) else values),
    PlainSerializer(with_sentences, return_type=dict[str, Any]),
]
"""Small JSON details by name, whose texts may be sentences of ours."""


class WithSentences(BaseModel):
    """A model of ours whose fields of type ``Text`` may be sentences."""

    @model_validator(mode="before")
    @classmethod
    def _read_sentences(cls, values: object) -> object:
        return read_sentences(values) if isinstance(values, dict) else values

    @model_serializer(mode="wrap")
    def _with_sentences(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        made = handler(self)
        for name, value in self.__dict__.items():
            if name in made and isinstance(value, Sentence):
                made[f"{name}{SUFFIX}"] = _data(value)
        return dict(made)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """With the fields that are written beside texts."""
        plain = {name: it for name, it in core_schema.items() if name != "serialization"}
        schema = handler(plain)
        properties = handler.resolve_ref_schema(schema).setdefault("properties", {})
        data = handler(SentenceData.__pydantic_core_schema__)
        for name, about in cls.model_fields.items():
            if _KEEPS_SENTENCES in about.metadata or Text in get_args(about.annotation):
                properties[f"{name}{SUFFIX}"] = data
        return schema


def _data(sentence: Sentence) -> dict[str, Any]:
    plural = {} if sentence.plural is None else {"plural": sentence.plural}
    arguments = {name: _argument_data(it) for name, it in sentence.arguments.items()}
    return {"template": sentence.template, **plural, "arguments": arguments}


def _argument_data(argument: Argument) -> Any:
    match argument:
        case Sentence():
            return _data(argument)
        case OneOf():
            return {"one_of": [_argument_data(it) for it in argument]}
        case Series():
            return [_argument_data(it) for it in argument]
        case WrittenInstant():
            return {"at": argument.at.isoformat()}
        case Money() | Balance():
            return {"amount": argument.amount, "currency": argument.currency}
        case str() | int():
            return argument
        case _:
            return str(argument)


def _sentence(text: str, data: object) -> str:
    """The sentence that is made of these data; where that is not this text, the text."""
    try:
        made = _made(data)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return text
    return made if made == text else text


# By hand, as pydantic would take longer for the reasons in an order's view than for all the rest of it.
def _made(data: Any) -> Sentence:
    template, arguments, plural = data["template"], data["arguments"], data.get("plural")
    is_ours = len(template) <= _LONGEST_TEMPLATE and len(arguments) <= _MOST_ARGUMENTS
    if not (is_ours and isinstance(plural, str | None)):
        raise TypeError("This is no sentence of ours.")
    return Sentence(template, {name: _argument(it) for name, it in arguments.items()}, plural)


def _argument(data: Any) -> Argument:
    match data:
        case str() | int():
            return data
        case list():
            return Series(map(_item, data))
        case {"one_of": choices}:
            return OneOf(map(_item, choices))
        case {"at": _}:
            return WrittenInstant.model_validate(data)
        case {"amount": _, "currency": _}:
            return Balance.model_validate(data)
        case _:
            return _made(data)


def _item(data: Any) -> Sentence | str:
    return data if isinstance(data, str) else _made(data)
