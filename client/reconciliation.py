"""Running reconciliation now; daily, it runs by ``client.schedules``."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.reconciliation import Report
from workflows import ids
from workflows.reconciliation import ReconciliationWorkflow


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
