"""The late-chargeback workflow: the bank takes money back when the process that took it has ended (R23).

It is an order's, or stray money that has gone back by then (R17).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.chargebacks import Chargebacks, LateChargeback, LateChargebackOutcome
    from workflows.notifications import deliver
    from workflows.options import UNTIL_DONE


@workflow.defn(name="LateChargebackWorkflow")
class LateChargebackWorkflow:
    """One piece of news of a chargeback. Input: ``LateChargeback``.

    Nothing waits here: the bank's decision comes as another piece of news. It is a process because the
    news must be booked however long the database is away.
    """

    @workflow.run
    async def run(self, late: LateChargeback) -> None:
        """Take it into the ledger and what is kept. Fails when it cannot be right (NotAllowedNow)."""
        taken: LateChargebackOutcome | None = await workflow.execute_activity_method(
            Chargebacks.take_late,
            late,
            summary=f"chargeback {late.chargeback.status}",
            **UNTIL_DONE,
        )
        # An earlier version had nothing to say of it, or not whose outbox it is: then it is the order's.
        if taken and not taken.delivered and (outbox := taken.outbox or late.order_id):
            await deliver(outbox)
