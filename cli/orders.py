"""Commands for orders: place, show, watch and list them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text
from temporalio.client import Client, WorkflowExecutionStatus

from cli import rendering, stray_payments
from cli.arguments import Flag, Id, Json, party_id
from cli.connection import connection, open_configured_database
from cli.console import out, plain, print_json
from cli.failure import Failure
from client import orders
from client.errors import OrderIdReused, UnknownOrder, WorkflowFailed
from database.orders import SqlOrders
from i18n.catalogues import N_, translator
from i18n.current import current_locale, gettext
from orders import keys
from orders.errors import InvalidInput
from orders.place_order import PlaceOrder, must_be_placeable
from orders.status import Status
from orders.view import OrderView, is_of
from runtime.program import COMMAND
from runtime.temporal import first_line
from workflows import ids

_ANSWER_WITHIN = timedelta(seconds=15)
_LOOK_EVERY = timedelta(seconds=1)
_MOST_LISTED = 1000
_ROOT = Path(__file__).parents[1]
_SAMPLES = Path("samples")
# What the system says of a file that cannot be read.
_OF_THE_SYSTEM = (
    N_("No such file or directory"),
    N_("Is a directory"),
    N_("Permission denied"),
)


def _code(name: str) -> str:
    """A status as the contract writes it, which is how it is listed; with hyphens it is taken, too."""
    return name.lower().replace("-", "_")


async def place(file: str, /, *, as_json: Json = False) -> int:
    """Place an order (R1) from a JSON file; samples/ has three. The same order again changes nothing.

    Parameters
    ----------
    file
        The order, as JSON.
    as_json
        Print JSON.
    """
    placed = _read_order(file)
    async with connection() as client:
        view = await find_order(client, placed.order_id)
        if view is None:
            try:
                await orders.place(client, placed)
            except OrderIdReused:
                view = await find_order(client, placed.order_id)
    if view and not is_of(view, placed):
        raise Failure(
            gettext(
                "Order {order} exists already, with other contents, and an id is never used again. "
                "Give this one another order_id; to see that one: {unbuy} show {order}",
                order=placed.order_id,
                unbuy=COMMAND,
            )
        )
    if as_json:
        print_json({"order_id": placed.order_id, "placed": view is None})
    elif view is None:
        out.print(
            gettext(
                "Order {order} is placed. To see it: {unbuy} show {order}",
                order=placed.order_id,
                unbuy=COMMAND,
            )
        )
    else:
        out.print(
            gettext(
                "Order {order} exists already, with the same contents. Nothing has changed.",
                order=placed.order_id,
            )
        )
    return 0


async def show(
    order_id: str,
    /,
    *,
    everything: Annotated[Flag, Parameter(name="--all")] = False,
    as_json: Json = False,
) -> int:
    """Show an order: its state and why, its money, what happened, what comes, who can do what.

    Parameters
    ----------
    order_id
        The order; or stray/ and the id of a payment that no order takes.
    everything
        Also what is not possible now, and why.
    as_json
        Print JSON.
    """
    async with connection() as client:
        if payment_id := keys.read_stray_ledger_id(order_id):
            found = await stray_payments.find(client, payment_id)
            if as_json:
                print_json(found)
            else:
                out.print(stray_payments.whole(found))
            return 0
        view = await find_order(client, order_id)
    if view is None:
        raise unknown_order(order_id)
    _show(view, as_json, everything)
    return 0


async def watch(order_id: str, /, *, as_json: Json = False) -> int:
    """Follow an order live, until nothing about it is left to happen.

    Parameters
    ----------
    order_id
        The order.
    as_json
        Print the order as JSON, in one line each time that something has happened.
    """
    shown: set[rendering.TimelineLine] = set()
    over = False
    async with connection() as client:
        while not over:
            over = not await orders.is_running(client, order_id)
            if (view := await find_order(client, order_id)) is None:
                raise unknown_order(order_id)
            if new := [line for line in rendering.history(view) if line not in shown]:
                shown.update(new)
            if new and as_json:
                print_json(view, indent=None)
            elif new:
                out.print(rendering.timeline(new))
                out.print(rendering.heading(view))
                for line in rendering.coming(view)[:1]:
                    out.print(Text(gettext("Next: {line}", line=line)))
            if not over:
                await asyncio.sleep(_LOOK_EVERY.total_seconds())
    return 0


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
                "order_id": ids.read_order_workflow_id(found.id),
                "status": found.typed_search_attributes.get(ids.ORDER_STATUS),
                "buyer": found.typed_search_attributes.get(ids.BUYER_ID),
                "seller": found.typed_search_attributes.get(ids.SELLER_ID),
                "deadline": found.typed_search_attributes.get(ids.ORDER_DEADLINE)
                if found.status is WorkflowExecutionStatus.RUNNING
                else None,
                "terminated": found.status
                not in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED),
            }
            for found in sorted(listed, key=lambda found: found.start_time, reverse=True)
        ]
    if as_json:
        print_json(rows)
        return 0
    table = Table(
        gettext("order"),
        gettext("status"),
        gettext("buyer"),
        gettext("seller"),
        gettext("next"),
        box=None,
    )
    for row in rows:
        at = row["deadline"]
        table.add_row(
            plain(str(row["order_id"])),
            plain(rendering.key_and_name("status", str(row["status"]))),
            plain(str(row["buyer"])),
            plain(str(row["seller"])),
            gettext("process terminated")
            if row["terminated"]
            else rendering.instant(at)
            if isinstance(at, datetime)
            else "",
        )
    out.print(table if rows else gettext("No such orders."))
    if len(rows) == _MOST_LISTED:
        out.print(
            gettext("There may be more than these {most}: narrow the list down.", most=_MOST_LISTED)
        )
    return 0


async def find_order(client: Client, order_id: str) -> OrderView | None:
    """An order as it is now or, once its history is gone, as it ended; None if it never was."""
    try:
        return await orders.show(client, order_id, _ANSWER_WITHIN)
    except WorkflowFailed as error:
        raise Failure(
            gettext("Order {order} cannot be read: {why}", order=order_id, why=first_line(error)),
            status=1,
        ) from None
    except UnknownOrder:
        pass
    async with open_configured_database() as database:
        stored = await SqlOrders(database).find(order_id)
    if stored is not None and stored.status not in Status.ended():
        raise Failure(
            gettext(
                "Order {order} is {status} in the database, but {address}, namespace {namespace}, knows "
                "nothing of it. Perhaps TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and UNBUY_DATABASE_URL do "
                "not belong together; or its process was terminated, and its history is gone.",
                order=order_id,
                status=stored.status.value,
                address=client.service_client.config.target_host,
                namespace=client.namespace,
            ),
            status=1,
        )
    return stored


def unknown_order(order_id: str) -> Failure:
    """There is no such order."""
    return Failure(
        gettext(
            "There is no order {order}. To see which there are: {unbuy} list; "
            "to place one: {unbuy} place FILE",
            order=order_id,
            unbuy=COMMAND,
        )
    )


def _read_order(file: str) -> PlaceOrder:
    """An order from a JSON file."""
    try:
        text = _file_or_sample(file).read_bytes()
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
        placed = PlaceOrder.model_validate_json(text)
        must_be_placeable(placed)
        return placed
    except ValidationError as error:
        problem = InvalidInput.from_validation(file, error)
    except InvalidInput as error:
        problem = error
    raise Failure(
        gettext(
            "{error} samples/order-eur.json shows what an order looks like.",
            error=problem,
        )
    )


def _file_or_sample(file: str) -> Path:
    """The file or, of samples/ where there is none, the sample that came along."""
    path, sample = Path(file), _ROOT / file
    return sample if path.parent == _SAMPLES and not path.exists() else path


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


def _show(view: OrderView, as_json: bool, everything: bool) -> None:
    if as_json:
        print_json(view)
    else:
        out.print(rendering.whole(view, everything=everything))
