"""The order-webhook workflow: delivers one change of an order to the subscribed endpoints.

Each change has a workflow of its own, so that the order neither waits for it nor has it in its history. As a
workflow id is used once, repeated announcements of a change are delivered once.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.webhooks import Announcement, Delivery, OrderWebhooks
    from workflows.options import DELIVER_WEBHOOK
    from workflows.steps import FAILED


@workflow.defn(name="OrderWebhookWorkflow")
class OrderWebhookWorkflow:
    """One change of an order. Input: ``Announcement``."""

    @workflow.run
    async def run(self, announcement: Announcement) -> None:
        """Deliver to all endpoints concurrently. Fails with ``GivenUp`` if one never accepted it."""
        delivered = await asyncio.gather(
            *(self._deliver(announcement, endpoint) for endpoint in announcement.endpoints)
        )
        if not all(delivered):
            # So that it is listed among failed workflows; resetting it delivers the webhook again.
            raise ApplicationError("An endpoint never took this webhook.", type="GivenUp")

    async def _deliver(self, announcement: Announcement, endpoint: str) -> bool:
        delivery = Delivery(webhook=announcement.webhook, endpoint=endpoint)
        try:
            await workflow.execute_activity_method(
                OrderWebhooks.deliver_webhook, delivery, summary=f"to {endpoint}", **DELIVER_WEBHOOK
            )
        except FAILED as error:
            workflow.logger.error("Given up the webhook to %s: %s", endpoint, error.__cause__)
            return False
        return True
