"""The order-webhook workflow: one change of an order on its way to those who subscribed to changes.

A process of its own for each change: the order neither waits for it nor has it in its history, and
Temporal's rule that an id is used once makes one delivery of however many announcements.
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
        """Deliver it to each endpoint, none waiting for another. Fails when one never took it."""
        reached = await asyncio.gather(
            *(self._deliver(announcement, endpoint) for endpoint in announcement.endpoints)
        )
        if not all(reached):
            # So that whoever looks for failed processes finds it; a reset of it delivers it again.
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
