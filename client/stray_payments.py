"""The Python client of stray payments: those that no order accepts (R17)."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from client import workflows
from client.errors import NotRunning, Overtaken, domain_errors
from client.reopening import reopen_stray_payment
from orders import keys
from orders.messages import (
    ChargebackReported,
    Message,
    OutsideRefundReported,
    PaymentDeclined,
    RefundUpdate,
)
from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage, StrayPaymentState
from workflows import ids
from workflows.markdown import as_code
from workflows.stray_payment import StrayPaymentWorkflow


class StoredStrayPayments(Protocol):
    """Stray payments as they were last recorded, which outlive their workflows."""

    async def find(self, payment_id: str) -> StrayPaymentState | None:
        """A stray payment's recorded state; None if there is none."""


StrayPaymentHandle = WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]


async def refund(client: Client, payment: StrayPaymentInput) -> StrayPaymentHandle:
    """Start the full refund of a payment that no order accepts; each payment is refunded once."""
    try:
        return await client.start_workflow(
            StrayPaymentWorkflow.run,
            args=[payment],
            id=ids.stray_workflow_id(payment.payment_id),
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Payment {as_code(payment.payment_id)}: {payment.money} goes back "
            f"({payment.reason})",
        )
    except WorkflowAlreadyStartedError:
        return handle(client, payment.payment_id)


def handle(client: Client, payment_id: str) -> StrayPaymentHandle:
    """The handle of a stray payment's workflow, whether it exists or not."""
    workflow_id = ids.stray_workflow_id(payment_id)
    return client.get_workflow_handle_for(StrayPaymentWorkflow.run, workflow_id)


async def is_running(client: Client, payment_id: str) -> bool:
    """Whether the stray payment's workflow runs: its refund has not completed."""
    return await workflows.is_running(client, ids.stray_workflow_id(payment_id))


async def show(client: Client, payment_id: str) -> StrayPaymentState | None:
    """The stray payment as it is now, or as it ended; None if Temporal has none."""
    unknown = NotRunning(ids.stray_workflow_id(payment_id))
    try:
        with domain_errors(unknown):
            state, _ = await workflows.read(
                client, ids.stray_workflow_id(payment_id), "stray_payment", StrayPaymentState
            )
    except NotRunning:
        return None
    return state


async def send(
    client: Client, payment_id: str, message: StrayPaymentMessage, stored: StoredStrayPayments
) -> bool:
    """Report what has become of a stray payment's money, also after its workflow has ended.

    Returns whether there is such a payment. Raises as ``StrayPaymentState.check``.
    """
    workflow_id = ids.stray_workflow_id(payment_id)
    while True:
        try:
            await workflows.update(client, workflow_id, message, StrayPaymentState)
        except NotRunning:
            with suppress(Overtaken):
                return await _send_late(client, payment_id, message, stored)
        else:
            return True


async def _send_late(
    client: Client, payment_id: str, message: StrayPaymentMessage, stored: StoredStrayPayments
) -> bool:
    ended = await workflows.last_run(client, ids.stray_workflow_id(payment_id))
    # Read after it has ended, as an order's.
    state = await stored.find(payment_id)
    if state is None:
        return False
    state.check(message)
    # On a copy: what says nothing new starts nothing.
    if state.model_copy(deep=True).receive(message, datetime.now(UTC)):
        await reopen_stray_payment(client, state, message, ended)
    return True


async def send_if_stray(
    client: Client, message: Message, stored: StoredStrayPayments
) -> str | None:
    """Report what an order does not take to the stray payment that it is about; its workflow's id.

    Whoever reports need not know which payments no order takes. None if it is about no stray payment.
    """
    match message:
        case RefundUpdate(refund_id=refund_id):
            payment_id = keys.read_stray_refund_id(refund_id)
        case ChargebackReported() | OutsideRefundReported() | PaymentDeclined():
            payment_id = message.payment_id
        case _:
            return None
    if payment_id and await send(client, payment_id, message, stored):
        return ids.stray_workflow_id(payment_id)
    return None
