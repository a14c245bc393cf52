"""The late-chargeback workflow: the bank takes money back of an order whose own process has ended (R23)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.bookkeeping import Recorded
    from activities.chargebacks import Chargebacks, LateChargeback
    from workflows.options import PATIENTLY
    from workflows.telling import deliver


@workflow.defn(name="LateChargebackWorkflow")
class LateChargebackWorkflow:
    """One piece of news of a chargeback. Input: ``LateChargeback``.

    Nothing waits here: the bank's decision comes as another piece of news. It is a process because the
    news must be booked however long the database is away.
    """

    @workflow.run
    async def run(self, late: LateChargeback) -> None:
        """Take it into the ledger and the order's view. Fails when it cannot be right (NotAllowedNow)."""
        recorded: Recorded | None = await workflow.execute_activity_method(
            Chargebacks.take_late, late, summary=f"chargeback {late.news.status}", **PATIENTLY
        )
        # An earlier version had nothing to say of it.
        if recorded and not recorded.delivered:
            await deliver(late.order_id)
