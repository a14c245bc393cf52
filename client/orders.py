"""The Python client of orders. Other languages use the names of the contract."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from client import workflows
from client.amounts import AmountRule, any_amount, refuse_unpayable
from client.errors import NotRunning, OrderIdReused, Overtaken, UnknownOrder, domain_errors
from client.finished_orders import LateDelivery, StoredOrder, deliver_late
from client.proofs import HasProof, no_store, refuse_unknown_proof
from client.stray_payments import StoredStrayPayments, send_if_stray
from orders.errors import NotAllowedNow
from orders.messages import Message
from orders.order import Order
from orders.place_order import PlaceOrder, must_be_placeable
from orders.reopening import terminated
from orders.view import OrderView, deadline
from workflows import ids, summary
from workflows.order import OrderWorkflow


async def place(client: Client, placed: PlaceOrder) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """Place an order (R1). Raises OrderIdReused for an id that Temporal knows, and InvalidInput."""
    must_be_placeable(placed)
    new = Order.new(placed, datetime.now(UTC))
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(ids.ORDER_STATUS, new.status.value),
            SearchAttributePair(ids.BUYER_ID, placed.buyer.id),
            SearchAttributePair(ids.SELLER_ID, placed.seller.id),
            SearchAttributePair(ids.ORDER_DEADLINE, deadline(new) or new.pay_by),
        ]
    )
    try:
        return await client.start_workflow(
            OrderWorkflow.run,
            args=[placed],
            id=ids.order_workflow_id(placed.order_id),
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=attributes,
            static_summary=summary.summary(placed),
            static_details=summary.about(placed),
        )
    except WorkflowAlreadyStartedError:
        raise OrderIdReused(placed.order_id) from None


def handle(client: Client, order_id: str) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """The handle of an order's workflow, whether it exists or not."""
    return client.get_workflow_handle_for(OrderWorkflow.run, ids.order_workflow_id(order_id))


async def show(client: Client, order_id: str, patience: timedelta | None = None) -> OrderView:
    """The order as it is now, or as it ended. Raises UnknownOrder, NoAnswer and WorkflowFailed."""
    with domain_errors(UnknownOrder(order_id)):
        view, is_terminated = await workflows.read(
            client, ids.order_workflow_id(order_id), "order", OrderView, patience
        )
        return terminated(view) if is_terminated else view


async def is_running(client: Client, order_id: str) -> bool:
    """Whether the order's workflow runs: something about the order is left to happen."""
    return await workflows.is_running(client, ids.order_workflow_id(order_id))


async def signal(client: Client, order_id: str, message: Message) -> None:
    """Signal a running order, which lists refused messages in ``refused``. Raises NotRunning."""
    await workflows.signal(client, ids.order_workflow_id(order_id), message)


async def update(
    client: Client, order_id: str, message: Message, patience: timedelta | None = None
) -> OrderView:
    """Update a running order and return its view. Raises as ``workflows.update``."""
    workflow_id = ids.order_workflow_id(order_id)
    return await workflows.update(client, workflow_id, message, OrderView, patience)


async def send(
    client: Client,
    order_id: str,
    message: Message,
    stored: StoredOrder,
    patience: timedelta | None = None,
    *,
    strays: StoredStrayPayments | None = None,
    problem_of: AmountRule = any_amount,
    has_proof: HasProof = no_store,
) -> OrderView | LateDelivery:
    """Update an order; if it has finished, what is said of its money counts nevertheless (R15, R17, R23).

    With ``strays``, what is said of a payment that the order did not take reaches that one.

    Raises as ``refuse_unpayable``, ``refuse_unknown_proof``, ``update`` and ``deliver_late``, and never
    NotRunning.
    """
    view = partial(show, client, order_id, patience)
    await refuse_unpayable(message, problem_of, view)
    await refuse_unknown_proof(order_id, message, has_proof, view)
    try:
        while True:
            try:
                return await update(client, order_id, message, patience)
            except NotRunning:
                with suppress(Overtaken):
                    return await deliver_late(client, order_id, stored, message)
    except (NotAllowedNow, UnknownOrder):
        if strays and (workflow_id := await send_if_stray(client, message, strays)):
            return LateDelivery(await stored(order_id), workflow_id)
        raise


async def send_signal(
    client: Client,
    order_id: str,
    message: Message,
    stored: StoredOrder,
    *,
    problem_of: AmountRule = any_amount,
    has_proof: HasProof = no_store,
) -> LateDelivery | None:
    """Signal an order; otherwise as ``send``. Returns None if the order is running."""
    view = partial(show, client, order_id)
    await refuse_unpayable(message, problem_of, view)
    await refuse_unknown_proof(order_id, message, has_proof, view)
    while True:
        try:
            await signal(client, order_id, message)
        except NotRunning:
            with suppress(Overtaken):
                return await deliver_late(client, order_id, stored, message)
        else:
            return None
