"""How a change of an order is sent to the systems that subscribed to it."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.webhooks import Announcement
from workflows import ids
from workflows.order_webhook import OrderWebhookWorkflow

# It is done within a local step (workflows.options.LOCAL), and is tried again.
_WITHIN = timedelta(seconds=1)


async def announce(client: Client, announcement: Announcement) -> None:
    """Have a change of an order delivered; the same change again changes nothing."""
    webhook = announcement.webhook
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            OrderWebhookWorkflow.run,
            announcement,
            id=ids.order_webhook_workflow_id(webhook.order_id, webhook.id),
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Order {webhook.order_id}: {webhook.what}",
            rpc_timeout=_WITHIN,
        )
