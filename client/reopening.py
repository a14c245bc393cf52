"""Starting the workflow of an order or a stray payment again for what is said of its money after it has
ended.

Under the same workflow id, with the state that it ended in and the message as a signal: if two do so at
once, or it runs after all, the message is delivered to the one that runs.
"""

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

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
    client: Client, order: Order, message: Message
) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """Start an order's workflow again, or signal it if it runs."""
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
    client: Client, state: StrayPaymentState, message: Message
) -> WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]:
    """Start a stray payment's workflow again, or signal it if it runs."""
    return await client.start_workflow(
        StrayPaymentWorkflow.run,
        args=[Reopened(reopened=state.model_copy(update={"reopened": True}))],
        id=ids.stray_workflow_id(state.payment_id),
        task_queue=ids.TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal=message.name,
        start_signal_args=[message],
        static_summary=f"Payment {as_code(state.payment_id)}: reopened for {message.name}",
    )
