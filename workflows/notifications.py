"""Delivery of the notifications that a workflow's first attempt could not deliver (R21)."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications import Notifications
    from workflows.background import BackgroundTasks
    from workflows.options import NOTIFY
    from workflows.steps import FAILED


class OutboxDelivery:
    """Empties an outbox in the background; deadlines and money never wait for it."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks
        self._pending = False

    def start(self, order_id: str) -> None:
        """Start delivering the messages of this outbox."""
        # Also while it is being emptied: newer messages may have been missed.
        self._pending = True
        self._tasks.start("deliver", partial(self._deliver, order_id))

    async def _deliver(self, order_id: str) -> None:
        while self._pending:
            self._pending = False
            await deliver(order_id)


async def deliver(order_id: str) -> None:
    """Deliver the messages of an outbox, for a week at most; then the rest stay there."""
    try:
        await workflow.execute_activity_method(
            Notifications.deliver_notices,
            order_id,
            summary="deliver what waits in the outbox",
            **NOTIFY,
        )
    except FAILED:
        workflow.logger.warning("Notifications could not be delivered; they stay in the outbox")
