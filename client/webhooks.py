"""Starting the delivery of webhooks."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.webhooks import Announcement
from workflows import ids
from workflows.markdown import as_code
from workflows.order_webhook import OrderWebhookWorkflow

# Called within a local activity (workflows.options.LOCAL), which is retried.
_WITHIN = timedelta(seconds=1)


async def announce(client: Client, announcement: Announcement) -> None:
    """Start delivering a change of an order; repeats change nothing."""
    webhook = announcement.webhook
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            OrderWebhookWorkflow.run,
            announcement,
            id=ids.order_webhook_workflow_id(webhook.order_id, webhook.id),
            task_queue=ids.TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"Order {as_code(webhook.order_id)}: {webhook.what}",
            rpc_timeout=_WITHIN,
        )
