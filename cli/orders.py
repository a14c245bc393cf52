"""What the commands share: reaching Temporal and the database, and reading what was typed.

Whatever goes wrong is a ``Failure``: a sentence with the remedy.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from database.connection import DATABASE_ERRORS, Database
from database.orders import SqlOrders
from database.schema import NewerDatabase
from i18n.catalogues import N_, translator
from i18n.current import current_locale, gettext
from i18n.sentences import refusal as refusal_in
from orders.errors import InvalidInput
from orders.messages import MESSAGES, Message, parse
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.values import PartyId
from orders.view import OrderView
from runtime.settings import Settings, complaints
from runtime.temporal import (
    BadConfiguration,
    Unreachable,
    connect,
    first_line,
    is_unknown_namespace,
    refusal,
)
from workflows import calls

# What the system says of a file that cannot be read.
_OF_THE_SYSTEM = (
    N_("No such file or directory"),
    N_("Is a directory"),
    N_("Permission denied"),
)
_ANSWER_WITHIN = timedelta(seconds=15)


class Failure(Exception):
    """What a command could not do: a sentence with the remedy, and the exit status."""

    def __init__(self, sentence: str, status: int = 2) -> None:
        super().__init__(sentence)
        self.status = status


@asynccontextmanager
async def connection() -> AsyncIterator[Client]:
    """A client of the configured Temporal service; what its calls can fail with becomes a sentence."""
    try:
        client = await connect()
    except BadConfiguration as error:
        raise Failure(str(error)) from None
    except Unreachable as error:
        raise Failure(
            gettext(
                "{error} Start it with `make up`, or set TEMPORAL_ADDRESS to where it is.",
                error=error,
            ),
            status=1,
        ) from None
    try:
        yield client
    except RPCError as error:
        if _is_no_answer(error):
            raise no_answer() from None
        raise Failure(refusal(client, error), status=1) from None


@asynccontextmanager
async def open_configured_database() -> AsyncIterator[Database]:
    """The database of the settings."""
    url = read_settings().database_url
    try:
        database = await Database.open(url)
        try:
            yield database
        finally:
            await database.close()
    except NewerDatabase as error:
        raise Failure(refusal_in(str(error), current_locale()), status=1) from None
    except DATABASE_ERRORS as error:
        raise Failure(
            gettext(
                "The database cannot be read ({why}). UNBUY_DATABASE_URL says where it is.",
                why=first_line(error),
            ),
            status=1,
        ) from None


def read_settings() -> Settings:
    """The settings of this installation."""
    try:
        return Settings()
    except ValidationError as error:
        raise Failure(complaints(error)) from None


async def find_order(client: Client, order_id: str) -> OrderView | None:
    """An order as it is now or, once its history is gone, as it ended; None if it never was."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN.total_seconds()):
            return await calls.show(client, order_id)
    except TimeoutError:
        raise no_answer() from None
    except WorkflowQueryFailedError as error:
        raise Failure(
            gettext("Order {order} cannot be read: {why}", order=order_id, why=first_line(error)),
            status=1,
        ) from None
    except RPCError as error:
        if not is_unknown(error):
            raise
    async with open_configured_database() as database:
        kept = await SqlOrders(database).find(order_id)
    if kept is not None and kept.status not in (Status.SHIPPED, Status.CLOSED):
        raise Failure(
            gettext(
                "Order {order} is {status} in the database, but {address}, namespace {namespace}, knows "
                "nothing of it. Perhaps TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and UNBUY_DATABASE_URL do "
                "not belong together; or its process was terminated, and its history is gone.",
                order=order_id,
                status=kept.status.value,
                address=client.service_client.config.target_host,
                namespace=client.namespace,
            ),
            status=1,
        )
    return kept


def is_unknown(error: RPCError) -> bool:
    """Whether Temporal knows no process of this id, or none that still runs."""
    return error.status is RPCStatusCode.NOT_FOUND and not is_unknown_namespace(error)


async def is_over(client: Client, order_id: str) -> bool:
    """Whether an order's process has ended; also when its history is gone."""
    try:
        described = await calls.order(client, order_id).describe()
    except RPCError as error:
        if not is_unknown(error):
            raise
        return True
    return described.status is not WorkflowExecutionStatus.RUNNING


def read_order(file: str) -> PlaceOrder:
    """An order from a JSON file."""
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise Failure(
            gettext(
                "{file} cannot be read: {why}. Give the path of a JSON file, such as "
                "samples/order-eur.json.",
                file=file,
                why=translator(current_locale()).gettext(error.strerror or str(error)),
            )
        ) from None
    try:
        return PlaceOrder.model_validate_json(text)
    except ValidationError as error:
        raise Failure(
            gettext(
                "{error} samples/order-eur.json shows what an order looks like.",
                error=refusal_of(InvalidInput.of(file, error)),
            )
        ) from None


def read_message(name: str, json: str | None, message_id: str | None) -> Message:
    """The message as the contract has it; with an id in any case, so that it can be sent again."""
    body = sys.stdin.buffer.read() if json == "-" else (json or "").encode()
    try:
        message = parse(name, [body.strip()])
        given = message.model_dump(exclude_unset=True)
        chosen = message_id or message.message_id or f"cli-{uuid4()}"
        return type(message).model_validate({**given, "message_id": chosen})
    except InvalidInput as error:
        raise Failure(f"{refusal_of(error)}{_takes(name)}") from None
    except ValidationError as error:
        raise Failure(refusal_of(InvalidInput.of(name, error))) from None


def _takes(name: str) -> str:
    model = MESSAGES.get(name)
    if model is None:
        return ""
    fields = model.model_fields.items()
    needed = ", ".join(field for field, about in fields if about.is_required()) or gettext(
        "nothing"
    )
    optional = ", ".join(field for field, about in fields if not about.is_required())
    return gettext(
        " {name} takes {needed}; optional: {optional}.", name=name, needed=needed, optional=optional
    )


def refusal_of(error: InvalidInput) -> str:
    """What is wrong with an input, in the current language."""
    return refusal_in(str(error), current_locale())


def party_id(role: Literal["buyer", "seller", "support", "provider"], party: str) -> str:
    """The id of somebody in this role; one that could be nobody's is refused."""
    try:
        return TypeAdapter(PartyId).validate_python(party)
    except ValidationError:
        raise Failure(
            gettext(
                "{nobody}: an id has up to 64 letters, digits or any of . _ : | @ + -",
                nobody=_nobody(role),
            )
        ) from None


def _nobody(role: Literal["buyer", "seller", "support", "provider"]) -> str:
    match role:
        case "buyer":
            return gettext("There can be no buyer of this id")
        case "seller":
            return gettext("There can be no seller of this id")
        case "support":
            return gettext("Nobody in support can have this id")
        case "provider":
            return gettext("There can be no payment provider of this id")


def unknown_order(order_id: str) -> Failure:
    """There is no such order."""
    return Failure(
        gettext(
            "There is no order {order}. To see which there are: python starter.py list; "
            "to place one: python starter.py place FILE",
            order=order_id,
        )
    )


def no_answer(hint: str = "") -> Failure:
    """Temporal is there, but no worker; ``hint`` says what became of the request."""
    return Failure(
        gettext("No worker answers. Start one with `python worker.py`, and try again.") + hint,
        status=1,
    )


def _is_no_answer(error: RPCError) -> bool:
    """Whether a call waited in vain, or Temporal knows that no worker would take it."""
    return error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED) or (
        error.status is RPCStatusCode.FAILED_PRECONDITION and "poller" in error.message
    )
