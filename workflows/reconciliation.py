"""The reconciliation workflow: daily by a Temporal Schedule, and on request."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciliation import PATIENCE, Period, Reconciliation, Report
    from workflows.markdown import as_code
    from workflows.options import COMPARE


@workflow.defn(name="ReconciliationWorkflow")
class ReconciliationWorkflow:
    """Compares provider, ledger and workflows. Input: days to look back; result: ``Report``."""

    @workflow.run
    async def run(self, days: int) -> Report:
        """Compare once; the findings are in the result and in the web UI."""
        now = workflow.now()
        period = Period(since=now - timedelta(days=days), until=now - PATIENCE)
        report: Report = await workflow.execute_activity_method(
            Reconciliation.reconcile, period, summary=f"the last {days} days", **COMPARE
        )
        workflow.set_current_details(_written(report))
        if report.findings:
            workflow.logger.error("Reconciliation found %d differences", len(report.findings))
        return report


def _written(report: Report) -> str:
    compared = (
        f"Compared {report.payments} payments, {report.refunds} refunds, {report.chargebacks} "
        f"chargebacks and {report.orders} orders: {len(report.findings) + report.more} differences."
    )
    lines = [
        f"- {as_code(it.about)} {it.what}: expected {as_code(it.expected)}, found {as_code(it.found)}"
        + (" (brought again)" if it.repaired else "")
        for it in report.findings[:50]
    ]
    return "\n".join([compared, "", *lines])
