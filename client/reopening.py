"""Starting the workflow of an order or a stray payment again for what is said of its money after it has
ended.

Under the same workflow id, with the state that it ended in and the message as a signal: if two do so at
once, the message is delivered to the one that runs. The state was read after the run ``ended``; where
another one has begun since, it may be old, and what that run has booked would be booked again: Overtaken.
"""

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from client.errors import Overtaken
from client.workflows import Run, last_run
from orders.messages import Message
from orders.order import Order
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView
from workflows import ids, summary
from workflows.markdown import as_code
from workflows.messages import Reopened
from workflows.order import OrderWorkflow
from workflows.stray_payment import StrayPaymentWorkflow


async def reopen_order(
    client: Client, order: Order, message: Message, ended: Run
) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """Start an order's workflow again. Raises Overtaken."""
    await _must_be_the_last(client, ids.order_workflow_id(order.placed.order_id), ended)
    return await client.start_workflow(
        OrderWorkflow.run,
        args=[Reopened(reopened=order)],
        id=ids.order_workflow_id(order.placed.order_id),
        task_queue=ids.TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal=message.name,
        start_signal_args=[message],
        static_summary=summary.summary(order.placed),
        static_details=summary.about(order.placed),
    )


async def reopen_stray_payment(
    client: Client, state: StrayPaymentState, message: Message, ended: Run
) -> WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]:
    """Start a stray payment's workflow again. Raises Overtaken."""
    await _must_be_the_last(client, ids.stray_workflow_id(state.payment_id), ended)
    again = {"reopened": True, "goes_on_from": state.timeline[-1].at}
    return await client.start_workflow(
        StrayPaymentWorkflow.run,
        args=[Reopened(reopened=state.model_copy(update=again))],
        id=ids.stray_workflow_id(state.payment_id),
        task_queue=ids.TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal=message.name,
        start_signal_args=[message],
        static_summary=f"Payment {as_code(state.payment_id)}: reopened for {message.name}",
    )


async def _must_be_the_last(client: Client, workflow_id: str, ended: Run) -> None:
    # Temporal starts nothing on condition of the last run. Whoever is overtaken within the time of this
    # request is found out by the run itself, which reads anew.
    if ended.is_running or await last_run(client, workflow_id) != ended:
        raise Overtaken(workflow_id)
