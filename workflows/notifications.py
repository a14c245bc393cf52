"""How a workflow has people told what its first try could not tell them (R21)."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications import Notifications
    from workflows.background import BackgroundTasks
    from workflows.options import NOTIFY
    from workflows.steps import FAILED


class OutboxDelivery:
    """Has an outbox emptied beside the story: deadlines and money never wait for it."""

    def __init__(self, steps: BackgroundTasks) -> None:
        self._steps = steps
        self._wanted = False

    def start(self, order_id: str) -> None:
        """Something waits in this outbox."""
        # Also while it is being emptied: what is new may have been missed.
        self._wanted = True
        self._steps.start("deliver", partial(self._deliver, order_id))

    async def _deliver(self, order_id: str) -> None:
        while self._wanted:
            self._wanted = False
            await deliver(order_id)


async def deliver(order_id: str) -> None:
    """Have all that waits delivered, for a week at most; then the rest stays in the outbox."""
    try:
        await workflow.execute_activity_method(
            Notifications.deliver_notices,
            order_id,
            summary="deliver what waits in the outbox",
            **NOTIFY,
        )
    except FAILED:
        workflow.logger.warning("Notices were given up; they stay in the outbox")
