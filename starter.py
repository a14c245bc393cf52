"""The command line: place orders, tell them things, and see how they stand.

Every answer is a sentence or a table, and so is everything that goes wrong. Exit status: 0 done, 1 refused
or impossible now, 2 asked for wrongly. Temporal is found by its own environment configuration, and orders
whose history is gone in the database of the settings.
"""

import asyncio
import io
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from cyclopts import App, CycloptsError, Parameter
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError

from cli import accounting, rendering
from cli import help as cli_help
from cli.orders import (
    Failure,
    connection,
    find_order,
    is_over,
    is_unknown,
    no_answer,
    open_configured_database,
    party_id,
    read_message,
    read_order,
    read_settings,
    unknown_order,
)
from client.finished_orders import take_after_the_end
from database.outbox import SqlOutbox
from deploy.embedded import SETTLING_TIME, EmbeddedServerError
from i18n.catalogues import Locale
from i18n.current import gettext, use_locale
from i18n.negotiation import known, of_terminal
from orders.errors import NotAllowedNow
from orders.messages import Message, PaymentReceived, Role
from orders.status import Status
from orders.view import OrderView, is_of
from runtime.temporal import first_line
from workflows import calls, ids

_LOOK_EVERY = timedelta(seconds=1)
_MOST_LISTED = 1000
_QUIETLY: Final[dict[str, Any]] = {
    "exit_on_error": False,
    "print_error": False,
    "result_action": "return_value",
}

app = App(
    name="starter.py",
    version_flags=(),
    help_format=cli_help.FORMAT,
    help_formatter=cli_help.SpokenHelp(),
)
# Nobody's text may be taken for markup.
out = (
    Console(highlight=False, markup=False, emoji=False)
    if sys.stdout.isatty()
    else Console(
        file=rendering.Piped(),
        width=rendering.UNWRAPPED,
        highlight=False,
        markup=False,
        emoji=False,
    )
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _code(name: str) -> str:
    """A status as the contract writes it, which is how it is listed; with hyphens it is taken, too."""
    return name.lower().replace("-", "_")


Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Json = Annotated[Flag, Parameter(name="--json")]
Id = Annotated[str | None, Parameter(metavar="ID")]


@app.command
async def place(file: str, /) -> int:
    """Place an order (R1) from a JSON file; samples/ has three. The same order again changes nothing.

    Parameters
    ----------
    file
        The order, as JSON.
    """
    placed = read_order(file)
    async with connection() as client:
        view = await find_order(client, placed.order_id)
        if view is None:
            try:
                await calls.place(client, placed)
            except WorkflowAlreadyStartedError:
                view = await find_order(client, placed.order_id)
    if view is None:
        out.print(
            gettext(
                "Order {order} is placed. To see it: python starter.py show {order}",
                order=placed.order_id,
            )
        )
        return 0
    if not is_of(view, placed):
        raise Failure(
            gettext(
                "Order {order} exists already, with other contents, and an id is never used again. "
                "Give this one another order_id; to see that one: python starter.py show {order}",
                order=placed.order_id,
            )
        )
    out.print(
        gettext(
            "Order {order} exists already, with the same contents. Nothing has changed.",
            order=placed.order_id,
        )
    )
    return 0


@app.command
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
    message = read_message(name, json, message_id)
    async with connection() as client:
        try:
            if signal:
                await calls.signal(client, order_id, message)
                out.print(
                    gettext(
                        "{name} is sent. What became of it: python starter.py show {order}",
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


@app.command
async def show(order_id: str, /, *, as_json: Json = False) -> int:
    """Show an order: its state and why, its money, what happened, what comes, who can do what.

    Parameters
    ----------
    order_id
        The order.
    as_json
        Print JSON.
    """
    async with connection() as client:
        view = await find_order(client, order_id)
    if view is None:
        raise unknown_order(order_id)
    _show(view, as_json)
    return 0


@app.command
async def watch(order_id: str, /) -> int:
    """Follow an order live, until nothing about it is left to happen.

    Parameters
    ----------
    order_id
        The order.
    """
    told: set[rendering.TimelineLine] = set()
    over = False
    async with connection() as client:
        while not over:
            over = await is_over(client, order_id)
            if (view := await find_order(client, order_id)) is None:
                raise unknown_order(order_id)
            if new := [line for line in rendering.history(view) if line not in told]:
                told.update(new)
                out.print(rendering.timeline(new))
                out.print(rendering.heading(view))
                for line in rendering.coming(view)[:1]:
                    out.print(Text(gettext("Next by itself: {line}", line=line)))
            if not over:
                await asyncio.sleep(_LOOK_EVERY.total_seconds())
    return 0


@app.command(name="list")
async def list_orders(
    *,
    status: Annotated[Status | None, Parameter(name_transform=_code)] = None,
    buyer: Id = None,
    seller: Id = None,
    overdue: Flag = False,
    as_json: Json = False,
) -> int:
    """List orders, newest first.

    Parameters
    ----------
    status
        Only those in this status.
    buyer
        Only those of this buyer, by id.
    seller
        Only those of this seller, by id.
    overdue
        Only those whose next deadline has passed, such as a refund that is late.
    as_json
        Print JSON.
    """
    query = _query(status, buyer, seller, overdue)
    async with connection() as client:
        listed = [found async for found in client.list_workflows(query, limit=_MOST_LISTED)]
        rows = [
            {
                "order_id": found.id.removeprefix(ids.order_workflow_id("")),
                "status": found.typed_search_attributes.get(ids.ORDER_STATUS),
                "buyer": found.typed_search_attributes.get(ids.BUYER_ID),
                "seller": found.typed_search_attributes.get(ids.SELLER_ID),
                "deadline": found.typed_search_attributes.get(ids.ORDER_DEADLINE)
                if found.status is WorkflowExecutionStatus.RUNNING
                else None,
            }
            for found in sorted(listed, key=lambda found: found.start_time, reverse=True)
        ]
    if as_json:
        out.print(to_json(rows, indent=2).decode(), soft_wrap=True)
        return 0
    table = Table(
        gettext("order"),
        gettext("status"),
        gettext("buyer"),
        gettext("seller"),
        gettext("next by itself"),
        box=None,
    )
    for row in rows:
        at = row["deadline"]
        table.add_row(
            rendering.plain(str(row["order_id"])),
            rendering.plain(rendering.key_and_name("status", str(row["status"]))),
            rendering.plain(str(row["buyer"])),
            rendering.plain(str(row["seller"])),
            rendering.instant(at) if isinstance(at, datetime) else "",
        )
    out.print(table if rows else gettext("No such orders."))
    if len(rows) == _MOST_LISTED:
        out.print(
            gettext("There may be more than these {most}: narrow the list down.", most=_MOST_LISTED)
        )
    return 0


@app.command
async def outbox(order_id: str | None = None, /) -> int:
    """Show what people were told (R21), by order or all of it, from the local outbox.

    Parameters
    ----------
    order_id
        The order; without it, all.
    """
    async with open_configured_database() as database:
        entries = await SqlOutbox(database).entries(order_id)
    for text in rendering.letters(entries):
        out.print(text)
    if not entries:
        out.print(
            gettext(
                "Nobody has been told anything about order {order}.",
                order=rendering.plain(order_id),
            )
            if order_id
            else gettext("Nobody has been told anything yet.")
        )
    return 0


@app.command
async def reconcile(*, days: Annotated[int, Parameter(metavar="DAYS")] = 35) -> int:
    """Compare what the payment provider, the ledger and the workflows say of the same money.

    News that never came is brought again; everything that differs is printed.

    Parameters
    ----------
    days
        How many days to look back.
    """
    return await accounting.reconcile(out, days)


@app.command
async def books() -> int:
    """Print the sums of all orders: the trial balance, which is zero, and the money held per status."""
    return await accounting.books(out)


@app.command
async def token(
    role: Literal["buyer", "seller", "support", "provider"],
    sub: str,
    /,
    *,
    lifetime: Annotated[
        timedelta, Parameter(metavar="DURATION", show_default=cli_help.lifetime_text)
    ] = timedelta(days=30),
) -> int:
    """Print a bearer token for the gateway, for local use: it is signed with this machine's own secret.

    Parameters
    ----------
    role
        What its holder acts as.
    sub
        The party's id, such as buyer-7.
    lifetime
        How long it counts, such as 30d.
    """
    # Only here: the other commands need no gateway.
    from deploy.secret import token_secret
    from gateway.tokens import SecretTokens

    if lifetime <= timedelta(0):
        raise Failure(
            gettext("A token must count for longer than nothing: give a --lifetime such as 30d.")
        )
    signing = SecretTokens(token_secret(read_settings()))
    out.print(signing.issue(Role(role), party_id(role, sub), lifetime), soft_wrap=True)
    return 0


@app.command
async def demo(*, keep: Flag = False) -> int:
    """Live through every ending of an order, on a real Temporal server, in virtual time.

    Parameters
    ----------
    keep
        Leave server, web UI and worker running until Ctrl-C.
    """
    # Only here: the other commands need neither the worker nor the embedded server.
    from demo.performance import perform

    return await perform(out, keep=keep)


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


def _query(status: Status | None, buyer: str | None, seller: str | None, overdue: bool) -> str:
    """A visibility query. Only checked values go into it, and none of them can hold a quote."""
    parts = ["WorkflowType = 'OrderWorkflow'"]
    if status:
        parts.append(f"{ids.ORDER_STATUS.name} = '{status.value}'")
    if buyer is not None:
        parts.append(f"{ids.BUYER_ID.name} = '{party_id('buyer', buyer)}'")
    if seller is not None:
        parts.append(f"{ids.SELLER_ID.name} = '{party_id('seller', seller)}'")
    if overdue:
        now = datetime.now(UTC).isoformat()
        parts.append(f"{ids.ORDER_DEADLINE.name} < '{now}' AND ExecutionStatus = 'Running'")
    return " AND ".join(parts)


def _show(view: OrderView, as_json: bool) -> None:
    if as_json:
        out.print(view.model_dump_json(indent=2), soft_wrap=True)
    else:
        out.print(rendering.whole(view))


@app.meta.default
async def _in_language(
    *command: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    lang: Locale | None = None,
) -> int:
    """Orders: place them, tell them things, see how they stand.

    Parameters
    ----------
    lang
        The language of answers; else that of UNBUY_LANG, LC_ALL, LC_MESSAGES or LANG.
    """
    # `run` speaks it already, since help and complaints do not come by here.
    status = await app.run_async(command, **_QUIETLY)
    return status if isinstance(status, int) else 0


async def run(arguments: Sequence[str]) -> int:
    """Run a command in a loop that runs already; its exit status."""
    ordered = _language_first(arguments)
    with use_locale(_language_of(ordered) or of_terminal(os.environ)):
        return await _run(ordered)


async def _run(arguments: Sequence[str]) -> int:
    try:
        status = await app.meta.run_async(arguments, **_QUIETLY)
    except Failure as failure:
        err.print(rendering.plain(str(failure)))
        return failure.status
    except CycloptsError as error:
        err.print(rendering.plain(cli_help.complaint(error)))
        return 2
    except EmbeddedServerError as error:
        err.print(str(error))
        return 1
    return status if isinstance(status, int) else 0


def _language_first(arguments: Sequence[str]) -> list[str]:
    """The same with ``--lang`` in front: behind, it could be a payload, which may begin with a hyphen."""
    given = list(arguments)
    for at, argument in enumerate(given):
        if argument == "--lang" or argument.startswith("--lang="):
            end = at + (2 if argument == "--lang" else 1)
            return [*given[at:end], *given[:at], *given[end:]]
    return given


def _language_of(ordered: Sequence[str]) -> Locale | None:
    match ordered:
        case ["--lang", locale, *_]:
            return known(locale)
        case [first, *_] if first.startswith("--lang="):
            return known(first.removeprefix("--lang="))
        case _:
            return None


async def _run_and_settle(arguments: Sequence[str]) -> int:
    try:
        return await run(arguments)
    finally:
        await asyncio.sleep(SETTLING_TIME.total_seconds())


def main(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets a question mark, not an error.
            stream.reconfigure(errors="replace")
    try:
        return asyncio.run(_run_and_settle(arguments))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


def _quiet_core() -> None:
    # It prints its warnings to standard output, amid what a command answers.
    said = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=said)))


if __name__ == "__main__":
    _quiet_core()
    sys.exit(main(sys.argv[1:]))
