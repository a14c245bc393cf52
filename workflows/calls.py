"""How Python code talks to orders: start, tell, ask. Other languages do the same by the contract's names."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
    WorkflowHandle,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.chargebacks import LateChargeback
from activities.reconciliation import Report
from activities.webhooks import Announcement
from orders.messages import ChargebackReported, Message
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView, deadline
from workflows import ids, summary
from workflows.late_chargeback import LateChargebackWorkflow
from workflows.order import OrderWorkflow
from workflows.order_webhook import OrderWebhookWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.stray_payment import StrayPaymentWorkflow

PATIENCE = timedelta(seconds=30)
"""Longer than a worker takes to come back from a restart, short enough for a person to wait."""

# Announcing is done within a brief step (workflows.options.BRIEFLY), and is tried again.
_ANNOUNCE_WITHIN = timedelta(seconds=1)

# Days. Longer than an order waits for a refund; older money is compared when somebody asks for it.
_LOOK_BACK = 35


async def place(client: Client, placed: PlaceOrder) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """Place an order (R1). Raises WorkflowAlreadyStartedError for an id that was ever used."""
    new = Order.new(placed, datetime.now(UTC))
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(ids.ORDER_STATUS, new.status.value),
            SearchAttributePair(ids.BUYER_ID, placed.buyer.id),
            SearchAttributePair(ids.SELLER_ID, placed.seller.id),
            SearchAttributePair(ids.ORDER_DEADLINE, deadline(new) or new.pay_by),
        ]
    )
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


def order(client: Client, order_id: str) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """The handle of an order, whether it exists or not."""
    return client.get_workflow_handle_for(OrderWorkflow.run, ids.order_workflow_id(order_id))


async def signal(client: Client, order_id: str, message: Message) -> None:
    """Tell an order without waiting for its answer; what it cannot take it lists in ``refused``."""
    await order(client, order_id).signal(message.name, message)


async def update(
    client: Client, order_id: str, message: Message, patience: timedelta | None = None
) -> OrderView:
    """Tell an order and get its view. Raises WorkflowUpdateFailedError with the order's refusal, and
    WorkflowUpdateRPCTimeoutOrCancelledError when no worker answers: the message may still be taken.
    """
    view: OrderView = await order(client, order_id).execute_update(
        message.name,
        message,
        id=_update_id(message),
        result_type=OrderView,
        rpc_timeout=patience or PATIENCE,
    )
    return view


def _update_id(message: Message) -> str | None:
    # Temporal knows an update by its id alone: with the name in it, an id that was used for another
    # message does not fetch that one's answer.
    return message.message_id and f"{message.name}:{message.message_id}"


async def show(client: Client, order_id: str, patience: timedelta | None = None) -> OrderView:
    """The order as it is now, or as it ended."""
    return await order(client, order_id).query(OrderWorkflow.order_view, rpc_timeout=patience)


async def send_back(
    client: Client, stray: StrayPaymentInput
) -> WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]:
    """Start the way back of a payment that no order takes (R17); the same payment goes back once."""
    workflow_id = ids.stray_workflow_id(stray.payment_id)
    try:
        return await client.start_workflow(
            StrayPaymentWorkflow.run,
            args=[stray],
            id=workflow_id,
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Payment {stray.payment_id}: {stray.money} goes back ({stray.reason})",
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle_for(StrayPaymentWorkflow.run, workflow_id)


async def charge_back_stray(client: Client, news: ChargebackReported) -> None:
    """Tell stray money that its payer's bank takes it back (R23), or has decided.

    Raises WorkflowUpdateFailedError with its refusal.
    """
    stray = client.get_workflow_handle(ids.stray_workflow_id(news.payment_id))
    await stray.execute_update(news.name, news, id=_update_id(news), rpc_timeout=PATIENCE)


async def charge_back_late(
    client: Client, order_id: str | None, news: ChargebackReported
) -> WorkflowHandle[LateChargebackWorkflow, None]:
    """Take a chargeback of an order whose process has ended (R23); the same news again changes nothing.

    ``order_id`` is None for stray money.
    """
    workflow_id = ids.late_chargeback_workflow_id(news.payment_id, news.status)
    late = LateChargeback(order_id=order_id, news=news, at=datetime.now(UTC))
    whose = f"Order {order_id}" if order_id else f"Stray payment {news.payment_id}"
    try:
        return await client.start_workflow(
            LateChargebackWorkflow.run,
            late,
            id=workflow_id,
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"{whose}: chargeback {news.status} of {news.money}",
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle_for(LateChargebackWorkflow.run, workflow_id)


async def announce(client: Client, announcement: Announcement) -> None:
    """Have a change of an order delivered to those who subscribed; the same change again changes nothing."""
    webhook = announcement.webhook
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            OrderWebhookWorkflow.run,
            announcement,
            id=ids.order_webhook_workflow_id(webhook.order_id, webhook.id),
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Order {webhook.order_id}: {webhook.what}",
            rpc_timeout=_ANNOUNCE_WITHIN,
        )


async def reconcile(client: Client, days: int) -> Report:
    """Compare provider, ledger and workflows now, looking back so many days; joins one that runs."""
    return await client.execute_workflow(
        ReconciliationWorkflow.run,
        days,
        id=ids.RECONCILIATION,
        task_queue=ids.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Reconciliation of the last {days} days",
    )


async def schedule_reconciliation(client: Client) -> None:
    """Have it done every day. A schedule that is there already, perhaps changed by somebody, stays."""
    start = ScheduleActionStartWorkflow(
        ReconciliationWorkflow.run,
        _LOOK_BACK,
        id=f"{ids.RECONCILIATION}-daily",
        task_queue=ids.TASK_QUEUE,
        static_summary=f"Reconciliation of the last {_LOOK_BACK} days",
    )
    daily = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))])
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(ids.RECONCILIATION, Schedule(action=start, spec=daily))
