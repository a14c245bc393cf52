"""The command that sends an order a message; whatever the order is by then, money is seen to (R17, R23)."""

import sys
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from cyclopts import Parameter
from pydantic import ValidationError
from rich.text import Text
from temporalio.client import Client

from activities.tracking import form_problem
from adapters.proof_files import StoreUnavailable
from adapters.proof_store import ProofStore
from adapters.tracking.rules import CarrierRules
from cli import rendering, stray_payments
from cli.arguments import Flag, Id, Json
from cli.connection import connection, no_answer
from cli.console import err, out, plain, print_json
from cli.failure import Failure
from cli.orders import find_order, unknown_order
from cli.settings import read_settings
from client import orders
from client.errors import NoAnswer, UnknownOrder, WorkflowFailed
from client.finished_orders import LateDelivery
from i18n.current import current_locale, gettext
from i18n.sentences import localize
from orders import keys
from orders.errors import InvalidInput, NotAllowedNow
from orders.messages import MESSAGES, Message, PaymentReceived, parse
from orders.stored_files import StoredFile
from orders.view import OrderView
from runtime.program import COMMAND
from runtime.settings import Settings
from runtime.temporal import first_line
from runtime.wiring import amount_rule


async def send(
    order_id: str,
    name: str,
    json: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    signal: Flag = False,
    message_id: Id = None,
    as_json: Json = False,
) -> int:
    """Send an order a message of the contract.

    Parameters
    ----------
    order_id
        The order; or stray/ and the id of a payment that no order takes.
    name
        The message: payment, cancel_request, seller_reply, ...
    json
        Its payload, as docs/messages.md has it; - reads it from standard input.
    signal
        Send a signal, which only records it, instead of an update, which answers.
    message_id
        The same id again changes nothing.
    as_json
        Print JSON.
    """
    message = _read_message(name, json, message_id)
    _must_be_meant(message, may_ask=json != "-")
    if payment_id := keys.read_stray_ledger_id(order_id):
        return await _send_to_stray_payment(payment_id, message, as_json)
    async with connection() as client:
        stored = partial(find_order, client)
        strays = stray_payments.RecordedStrayPayments()
        sending = orders.send_signal if signal else partial(orders.send, strays=strays)
        settings = read_settings()
        try:
            answer = await sending(
                client,
                order_id,
                message,
                stored,
                problem_of=amount_rule(settings),
                has_proof=partial(_has_proof, settings),
            )
        except UnknownOrder:
            raise unknown_order(order_id) from None
        except NotAllowedNow as error:
            raise await _refused(client, order_id, message, error) from None
        except InvalidInput as error:
            raise _failure(message, rendering.refusal(str(error), None)) from None
        except StoreUnavailable as error:
            raise Failure(localize(str(error), current_locale()), status=1) from None
        except WorkflowFailed as error:
            raise _failure(message, plain(first_line(error))) from None
        except NoAnswer:
            raise no_answer(
                gettext(
                    " The message may still be taken later; to be sure, send it again with "
                    "--message-id {id}.",
                    id=message.message_id,
                )
            ) from None
    if (
        isinstance(answer, LateDelivery)
        and answer.workflow_id
        and isinstance(message, PaymentReceived)
    ):
        raise _refunded(order_id, message, answer)
    if as_json:
        print_json(_result(order_id, message, answer))
        return 0
    match answer:
        case None:
            out.print(
                gettext(
                    "{name} is sent. What became of it: {unbuy} show {order}",
                    unbuy=COMMAND,
                    name=name,
                    order=order_id,
                )
            )
        case OrderView():
            out.print(gettext("{name} accepted.", name=name), rendering.heading(answer), sep="\n")
            for line in rendering.coming(answer):
                out.print(Text(gettext("  Next: {line}", line=line)))
        case LateDelivery():
            _print_late(order_id, message, answer)
    return 0


async def _has_proof(settings: Settings, order_id: str, proof: StoredFile) -> bool:
    return await ProofStore.at(settings.proof_store).has(order_id, proof)


async def _send_to_stray_payment(payment_id: str, message: Message, as_json: bool) -> int:
    async with connection() as client:
        try:
            found = await stray_payments.tell(client, payment_id, message)
        except InvalidInput as error:
            raise _failure(message, rendering.refusal(str(error), None)) from None
        except NoAnswer:
            raise no_answer() from None
    if as_json:
        print_json(found)
    else:
        out.print(gettext("{name} accepted.", name=message.name), stray_payments.whole(found))
    return 0


def _print_late(order_id: str, message: Message, late: LateDelivery) -> None:
    """The order takes no message any more; money that comes or goes nevertheless is seen to (R17, R23)."""
    if late.workflow_id is None:
        out.print(
            gettext(
                "Order {order} knows of this {name} already. Nothing has changed.",
                order=order_id,
                name=message.name,
            )
        )
        return
    out.print(
        gettext(
            "{name} accepted: a separate workflow handles it ({process}).",
            name=message.name,
            process=late.workflow_id,
        )
    )


def _result(
    order_id: str, message: Message, answer: OrderView | LateDelivery | None
) -> dict[str, Any]:
    """What became of a message, for another program (docs/commands.md)."""
    match answer:
        case None:
            outcome, view = "sent", None
        case OrderView() as view:
            outcome = "accepted"
        case LateDelivery(view=view, workflow_id=None):
            outcome = "known_already"
        case LateDelivery(view=view):
            outcome = "left_to_workflow"
    return {
        "order_id": order_id,
        "message": message.name,
        "message_id": message.message_id,
        "outcome": outcome,
        "workflow_id": answer.workflow_id if isinstance(answer, LateDelivery) else None,
        "order": view,
    }


def _refunded(order_id: str, payment: PaymentReceived, late: LateDelivery) -> Failure:
    """A payment that comes too late is refunded by a workflow of its own (R17)."""
    nobody = gettext("There is no order {order}.", order=order_id)
    state = rendering.heading(late.view).plain if late.view else nobody
    return _failure(payment, f"{state} {_goes_back(payment)} ({late.workflow_id}).")


async def _refused(
    client: Client, order_id: str, message: Message, error: NotAllowedNow
) -> Failure:
    """What an order says of a message that it refuses, and from when it would not."""
    why = rendering.refusal(error.reason, error.available_from)
    if isinstance(message, PaymentReceived):
        why = f"{why} {_goes_back(message)}."
    elif not await orders.is_running(client, order_id) and (
        view := await find_order(client, order_id)
    ):
        why = f"{why} {rendering.heading(view).plain}"
    return _failure(message, why, error)


def _failure(message: Message, why: str, error: NotAllowedNow | None = None) -> Failure:
    return Failure(
        gettext("{name} is refused. {why}", name=message.name, why=why),
        status=1,
        code=error.code.value if error else None,
        available_from=error.available_from if error else None,
    )


def _goes_back(payment: PaymentReceived) -> str:
    money = rendering.money(payment.money)
    return gettext(
        "Payment {payment_id} of {money} is returned in full by a separate workflow",
        payment_id=payment.payment_id,
        money=money,
    )


def _read_message(name: str, json: str | None, message_id: str | None) -> Message:
    """The message as the contract has it; with an id in any case, so that it can be sent again."""
    body = sys.stdin.buffer.read() if json == "-" else (json or "").encode()
    try:
        message = parse(name, [body.strip()])
        given = message.model_dump(exclude_unset=True)
        chosen = message_id or message.message_id or f"cli-{uuid4()}"
        return type(message).model_validate({**given, "message_id": chosen})
    except InvalidInput as error:
        raise Failure(f"{localize(str(error), current_locale())}{_takes(name)}") from None
    except ValidationError as error:
        raise Failure(str(InvalidInput.from_validation(name, error))) from None


def _must_be_meant(message: Message, *, may_ask: bool) -> None:
    """R11: whoever types a number is told what is wrong with its form, and may correct it.

    What a program sends is sent. Raises Failure.
    """
    why = form_problem(CarrierRules(), message)
    if not why:
        return
    err.print(plain(localize(why, current_locale())))
    if may_ask and sys.stdin.isatty():
        err.print(gettext("Send it as it is? (yes/no)"), end=" ")
        if input().strip().casefold() not in ("yes", gettext("yes")):
            why = gettext("Nothing is sent. Send it again with the right number.")
            raise Failure(why, status=1)


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
