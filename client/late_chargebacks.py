"""Booking chargebacks of finished orders and stray payments (R23)."""

from datetime import UTC, datetime

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.chargebacks import LateChargeback
from orders.messages import ChargebackReported
from workflows import ids
from workflows.late_chargeback import LateChargebackWorkflow


async def start(
    client: Client, order_id: str | None, message: ChargebackReported
) -> WorkflowHandle[LateChargebackWorkflow, None]:
    """Start booking a chargeback, once per payment and status; ``order_id`` is None for a stray payment."""
    workflow_id = ids.late_chargeback_workflow_id(message.payment_id, message.status)
    late = LateChargeback(order_id=order_id, chargeback=message, at=datetime.now(UTC))
    subject = f"Order {order_id}" if order_id else f"Stray payment {message.payment_id}"
    try:
        return await client.start_workflow(
            LateChargebackWorkflow.run,
            late,
            id=workflow_id,
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"{subject}: chargeback {message.status} of {message.money}",
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle_for(LateChargebackWorkflow.run, workflow_id)
