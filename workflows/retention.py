"""The retention workflow: daily by a Temporal Schedule."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import RemovedRows, Retention
    from workflows.options import CLEAN_UP


@workflow.defn(name="RetentionWorkflow")
class RetentionWorkflow:
    """Removes what has been kept for long enough. Result: ``RemovedRows``."""

    @workflow.run
    async def run(self) -> RemovedRows:
        """Remove what is too old now."""
        removed: RemovedRows = await workflow.execute_activity_method(
            Retention.remove_expired, workflow.now(), **CLEAN_UP
        )
        workflow.set_current_details(
            "\n".join(f"- {kept}: {rows} rows removed" for kept, rows in removed.removed.items())
        )
        return removed
