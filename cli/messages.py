"""The command that sends an order a message; whatever the order is by then, money is seen to (R17, R23)."""

import sys
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from cyclopts import Parameter
from pydantic import ValidationError
from rich.text import Text
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from cli import rendering
from cli.arguments import Flag, Id
from cli.connection import connection, is_unknown, no_answer
from cli.console import out
from cli.failure import Failure
from cli.orders import find_order, unknown_order
from client.finished_orders import take_after_the_end
from i18n.current import current_locale, gettext
from i18n.sentences import refusal as refusal_in
from orders.errors import InvalidInput, NotAllowedNow
from orders.messages import MESSAGES, Message, PaymentReceived, parse
from runtime.program import COMMAND
from runtime.temporal import first_line
from workflows import calls


async def send(
    order_id: str,
    name: str,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    signal: Flag = False,
    message_id: Id = None,
) -> int:
    """Send an order a message of the contract.

    Parameters
    ----------
    order_id
        The order.
    name
        The message: payment, cancel_request, seller_reply, ...
    json
        Its payload, as docs/messages.md has it; - reads it from standard input.
    signal
        Send a signal, which only records it, instead of an update, which answers.
    message_id
        The same id again changes nothing.
    """
    message = _read_message(name, json, message_id)
    async with connection() as client:
        try:
            if signal:
                await calls.signal(client, order_id, message)
                out.print(
                    gettext(
                        "{name} is sent. What became of it: {unbuy} show {order}",
                        unbuy=COMMAND,
                        name=name,
                        order=order_id,
                    )
                )
                return 0
            view = await calls.update(client, order_id, message)
        except WorkflowUpdateFailedError as error:
            raise Failure(_refusal(message, error.cause), status=1) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise no_answer(
                gettext(
                    " The message may still be taken later; to be sure, send it again with "
                    "--message-id {id}.",
                    id=message.message_id,
                )
            ) from None
        except RPCError as error:
            if not is_unknown(error):
                raise
            return await _send_after_the_end(client, order_id, message)
    out.print(gettext("{name} is taken.", name=name), rendering.heading(view), sep="\n")
    for line in rendering.coming(view):
        out.print(Text(gettext("  Next by itself: {line}", line=line)))
    return 0


async def _send_after_the_end(client: Client, order_id: str, message: Message) -> int:
    """The order takes no message any more; money that comes or goes nevertheless is seen to (R17, R23)."""
    view = await find_order(client, order_id)
    try:
        process = await take_after_the_end(client, order_id, view, message)
    except LookupError:
        raise unknown_order(order_id) from None
    except NotAllowedNow as refused:
        end = f" {rendering.heading(view).plain}" if view else ""
        why = f"{rendering.refusal(refused.reason, None)}{end}"
        raise Failure(
            gettext("{name} is refused. {why}", name=message.name, why=why), status=1
        ) from None
    if process is None:
        out.print(
            gettext(
                "Order {order} knows of this {name} already. Nothing has changed.",
                order=order_id,
                name=message.name,
            )
        )
        return 0
    if isinstance(message, PaymentReceived):
        nobody = gettext("There is no order {order}.", order=order_id)
        state = rendering.heading(view).plain if view else nobody
        why = f"{state} {_goes_back(message)} ({process})."
        raise Failure(gettext("{name} is refused. {why}", name=message.name, why=why), status=1)
    out.print(
        gettext(
            "{name} is taken, by a process of its own ({process}).",
            name=message.name,
            process=process,
        )
    )
    return 0


def _goes_back(payment: PaymentReceived) -> str:
    money = rendering.money(payment.money)
    return gettext(
        "Payment {payment_id} of {money} goes back in full, by a process of its own",
        payment_id=payment.payment_id,
        money=money,
    )


def _refusal(message: Message, cause: BaseException | None) -> str:
    """What an order says of a message that it refuses, and from when it would not."""
    match cause:
        case ApplicationError(type="NotAllowedNow", details=[{"available_from": since}, *_]):
            available_from = datetime.fromisoformat(since) if since else None
            why = rendering.refusal(cause.message, available_from)
        case _:
            why = rendering.refusal(first_line(cause), None)
    if isinstance(message, PaymentReceived):
        why = f"{why} {_goes_back(message)}."
    return gettext("{name} is refused. {why}", name=message.name, why=why)


def _read_message(name: str, json: str | None, message_id: str | None) -> Message:
    """The message as the contract has it; with an id in any case, so that it can be sent again."""
    body = sys.stdin.buffer.read() if json == "-" else (json or "").encode()
    try:
        message = parse(name, [body.strip()])
        given = message.model_dump(exclude_unset=True)
        chosen = message_id or message.message_id or f"cli-{uuid4()}"
        return type(message).model_validate({**given, "message_id": chosen})
    except InvalidInput as error:
        raise Failure(f"{_refusal_of(error)}{_takes(name)}") from None
    except ValidationError as error:
        raise Failure(_refusal_of(InvalidInput.of(name, error))) from None


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


def _refusal_of(error: InvalidInput) -> str:
    """What is wrong with an input, in the current language."""
    return refusal_in(str(error), current_locale())
