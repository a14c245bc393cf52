"""What runs daily, by Temporal Schedules."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
)

from workflows import ids
from workflows.reconciliation import ReconciliationWorkflow
from workflows.retention import RetentionWorkflow

# Days. Longer than an order waits for a refund; older records are compared on request.
_LOOK_BACK = 35


async def schedule_reconciliation(client: Client) -> None:
    """Have reconciliation run daily. An existing schedule, which may have been edited, is left as it is."""
    start = ScheduleActionStartWorkflow(
        ReconciliationWorkflow.run,
        _LOOK_BACK,
        id=f"{ids.RECONCILIATION}-daily",
        task_queue=ids.TASK_QUEUE,
        static_summary=f"Reconciliation of the last {_LOOK_BACK} days",
    )
    await _schedule_daily(client, ids.RECONCILIATION, start)


async def schedule_retention(client: Client) -> None:
    """Have retention run daily; otherwise as ``schedule_reconciliation``."""
    start = ScheduleActionStartWorkflow(
        RetentionWorkflow.run,
        id=f"{ids.RETENTION}-daily",
        task_queue=ids.TASK_QUEUE,
        static_summary="Removing what has been kept for long enough",
    )
    await _schedule_daily(client, ids.RETENTION, start)


async def _schedule_daily(
    client: Client, schedule_id: str, start: ScheduleActionStartWorkflow
) -> None:
    daily = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))])
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(schedule_id, Schedule(action=start, spec=daily))
