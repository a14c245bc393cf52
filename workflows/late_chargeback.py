"""The late-chargeback workflow: a chargeback of an order or stray payment whose workflow has ended (R23)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.chargebacks import Chargebacks, LateChargeback, LateChargebackOutcome
    from workflows.notifications import deliver
    from workflows.options import UNTIL_DONE


@workflow.defn(name="LateChargebackWorkflow")
class LateChargebackWorkflow:
    """One chargeback event. Input: ``LateChargeback``.

    It waits for nothing further: the bank's decision is an event of its own. It is a workflow because the
    event must be booked however long the database is unavailable.
    """

    @workflow.run
    async def run(self, late: LateChargeback) -> None:
        """Record and book the chargeback, then notify. Fails with NotAllowedNow for an impossible one."""
        outcome: LateChargebackOutcome | None = await workflow.execute_activity_method(
            Chargebacks.take_late,
            late,
            summary=f"chargeback {late.chargeback.status}",
            **UNTIL_DONE,
        )
        # Earlier versions returned nothing, or no outbox: then it is the order's.
        if outcome and not outcome.delivered and (outbox := outcome.outbox or late.order_id):
            await deliver(outbox)
