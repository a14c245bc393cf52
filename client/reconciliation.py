"""Running reconciliation, now or daily."""

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
from temporalio.common import WorkflowIDConflictPolicy

from activities.reconciliation import Report
from workflows import ids
from workflows.reconciliation import ReconciliationWorkflow

# Days. Longer than an order waits for a refund; older records are compared on request.
_LOOK_BACK = 35


async def reconcile(client: Client, days: int) -> Report:
    """Compare provider, ledger and workflows now, looking back ``days``; joins a run in progress."""
    return await client.execute_workflow(
        ReconciliationWorkflow.run,
        days,
        id=ids.RECONCILIATION,
        task_queue=ids.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Reconciliation of the last {days} days",
    )


async def schedule_daily(client: Client) -> None:
    """Schedule a daily run. An existing schedule, which may have been edited, is left as it is."""
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
