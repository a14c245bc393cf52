"""Decoding of signals, updates and workflow inputs, and encoding of the errors they are answered with.

Nothing that a caller sends may fail a workflow task. The SDK passes handlers as many arguments as arrived,
so they accept any number of raw values, and ``orders.messages.parse`` reports what is wrong with them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.exceptions import ApplicationError

from orders.errors import InvalidInput, NotAllowedNow, OrderError
from orders.messages import Message, parse
from orders.repeated_keys import refuse_repeated_keys
from orders.sentence_fields import read_sentences, with_sentences
from orders.sentences import sentence
from orders.values import ANY_CASE

_JSON = b"json/plain"
_REOPENED = b'{"reopened":'
_NULL = b"binary/null"

# Bytes. Anything larger is rejected unread: validating a megabyte of unknown fields takes longer than a
# workflow task may.
_LARGEST_MESSAGE = 64 * 1024
_LARGEST_INPUT = 512 * 1024

_Input = TypeVar("_Input", bound=BaseModel)
_State = TypeVar("_State", bound=BaseModel)
_Handlers = TypeVar("_Handlers", bound="MessageHandlers")


class LenientInputConverter(PydanticPayloadConverter):
    """Passes a workflow its input undecoded where it accepts any number of raw values.

    The SDK drops the type hints of ``*raw``, so that a payload that isn't JSON, or a missing one, would fail
    the first workflow task for ever. Only the worker's own client uses this converter.
    """

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[object]:
        """See base class."""
        if type_hints is None:
            return [RawValue(payload) for payload in payloads]
        return super().from_payloads(payloads, type_hints)


class Reopened(BaseModel, Generic[_State]):
    """The input of a workflow that is started again after it has ended: the state that it ended in."""

    reopened: _State


class MessageHandlers(Protocol):
    """A workflow's handlers for any message by name, with however many arguments arrived."""

    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Apply a signal; must not raise for one that is refused."""

    def on_update(self, name: str, arguments: Sequence[RawValue]) -> Any:
        """Apply an update and return its result. Raises ApplicationError."""

    def validate_update(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Raise an ApplicationError to reject an update before it enters the history."""


def handles(messages: Iterable[type[Message]]) -> Callable[[type[_Handlers]], type[_Handlers]]:
    """Register each message as a signal and an update, and handlers for unknown names.

    Temporal's web UI and CLI list the names with their descriptions.
    """

    def register(workflow_class: type[_Handlers]) -> type[_Handlers]:
        for message in messages:
            _register(workflow_class, message.name, message.description())
        unknown = "Choose a name: any other is refused."
        workflow.signal(dynamic=True, description=unknown)(workflow_class.on_signal)
        update = workflow.update(dynamic=True, description=unknown)(workflow_class.on_update)
        update.validator(workflow_class.validate_update)
        return workflow_class

    return register


def _register(workflow_class: type[MessageHandlers], name: str, description: str) -> None:
    def on_signal(self: MessageHandlers, *raw: RawValue) -> None:
        self.on_signal(name, raw)

    def on_update(self: MessageHandlers, *raw: RawValue) -> Any:
        return self.on_update(name, raw)

    def validate_update(self: MessageHandlers, *raw: RawValue) -> None:
        self.validate_update(name, raw)

    workflow.signal(name=name, description=description)(on_signal)
    workflow.update(name=name, description=description)(on_update).validator(validate_update)
    setattr(workflow_class, f"on_{name}_signal", on_signal)
    setattr(workflow_class, f"on_{name}_update", on_update)


def json_of(raw: RawValue, what: str, largest: int = _LARGEST_MESSAGE) -> bytes:
    """The JSON text of a payload, at most ``largest`` bytes. Raises InvalidInput if it is not."""
    encoding = raw.payload.metadata.get("encoding", b"")
    if encoding == _NULL:
        return b"null"
    if encoding != _JSON:
        raise InvalidInput(
            sentence(
                "{what} arrived as {encoding}; send it as JSON (encoding json/plain).",
                what=what,
                encoding=encoding.decode(errors="replace") or "bytes of no encoding",
            )
        )
    if len(raw.payload.data) > largest:
        raise InvalidInput(
            sentence(
                "{what} has {size} bytes; at most {largest} are accepted.",
                what=what,
                size=len(raw.payload.data),
                largest=largest,
            )
        )
    return raw.payload.data


def read_message(name: str, arguments: Sequence[RawValue]) -> Message:
    """Parse the message of a signal or an update. Raises InvalidInput."""
    return parse(name, [json_of(raw, name) for raw in arguments], ANY_CASE)


def as_failure(error: OrderError) -> ApplicationError:
    """The failure that a caller of an update sees (contract: ``NotAllowedNow``, ``InvalidInput``)."""
    if isinstance(error, NotAllowedNow):
        return ApplicationError(
            str(error), error.details(), type="NotAllowedNow", non_retryable=True
        )
    return ApplicationError(
        str(error),
        with_sentences({"reason": str(error)}),
        type="InvalidInput",
        non_retryable=True,
    )


def reason_of(failure: ApplicationError) -> str:
    """A failure's reason: a sentence for those of ``as_failure`` and ``ProviderRefusal``."""
    match failure.details:
        case [{"reason": _} as details, *_]:
            return str(read_sentences(details)["reason"])
        case _:
            return failure.message


def read_input(
    raw: Sequence[RawValue], wanted: type[_Input], state: type[_State]
) -> _Input | _State:
    """Parse a workflow's input: what it is started with, or its whole state if it goes on from that.

    It does after a continue-as-new, and when it is started again (``Reopened``). Raises an ApplicationError
    that names the invalid field and why; the workflow then fails at once.
    """
    name = wanted.__name__
    try:
        if workflow.info().continued_run_id:
            return state.model_validate_json(raw[0].payload.data)
        if len(raw) != 1:
            raise InvalidInput(
                sentence(
                    "Exactly one {name} is needed as input, but {number} arrived.",
                    name=name,
                    number=len(raw),
                )
            )
        if raw[0].payload.data.startswith(_REOPENED):
            reopened: type[Reopened[_State]] = Reopened[state]  # type: ignore[valid-type]
            return reopened.model_validate_json(raw[0].payload.data).reopened
        body = json_of(raw[0], name, _LARGEST_INPUT)
        given = wanted.model_validate_json(body, context=ANY_CASE)
        refuse_repeated_keys(body)
        return given
    except ValidationError as error:
        raise as_failure(InvalidInput.from_validation(name, error)) from None
    except InvalidInput as error:
        raise as_failure(error) from None


def must_run_as(workflow_id: str) -> None:
    """Raise an ApplicationError unless the workflow runs under this id, by which it is looked up."""
    if workflow.info().workflow_id != workflow_id:
        required = sentence("It must run under the workflow id {id}.", id=workflow_id)
        raise as_failure(InvalidInput(required))
