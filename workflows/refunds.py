"""What every refund asks of a provider, whoever's money it is (R14, R15, R17, R23)."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundQuestion, RefundRequest, Refunds, RefundState
    from orders.messages import RefundStatus
    from orders.refunds import Refund
    from orders.values import Money
    from workflows.options import MOVE_MONEY
    from workflows.steps import FAILED, run_local


async def ask(refund: Refund, paid: Money, at: datetime, earlier: Sequence[Refund]) -> RefundState:
    """Ask for the money back until the provider answers; what it will not do is a failed refund.

    ``paid`` is what came in by the refund's payment, ``earlier`` its refunds before this one.
    """
    request = RefundRequest(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        money=refund.money,
        paid=paid,
        method=refund.method,
        process=workflow.info().workflow_id,
        given_up=tuple(it.refund_id for it in earlier if not it.is_settled),
        asked_at=at,
    )
    try:
        state: RefundState = await workflow.execute_activity_method(
            Refunds.ask_refund, request, summary=f"refund {refund.money}", **MOVE_MONEY
        )
    except FAILED as error:
        cause = error.__cause__ or error
        reason = cause.message if isinstance(cause, ApplicationError) else str(cause)
        return RefundState(status=RefundStatus.FAILED, reason=reason)
    return state


async def stop(refund: Refund) -> RefundState:
    """R23: have it stopped, as the bank took the same money back; what has become of it."""
    state: RefundState | None = await workflow.execute_activity_method(
        Refunds.stop_refund, _question(refund), summary="stop for a chargeback", **MOVE_MONEY
    )
    refund.stop_asked_at = workflow.now()
    # A provider that has never heard of the refund has nothing to stop.
    return state or RefundState(status=RefundStatus.CANCELED, reason="never asked")


async def look_up(refund: Refund) -> RefundState | None:
    """What became of it; None when the provider does not know it or cannot be asked now."""
    try:
        state: RefundState | None = await run_local(
            Refunds.check_refund, _question(refund), "ask for the refund's state"
        )
    except FAILED:
        workflow.logger.warning("The provider could not be asked for the refund's state")
        return None
    return state


def _question(refund: Refund) -> RefundQuestion:
    return RefundQuestion(
        refund_id=refund.refund_id, payment_id=refund.payment_id, at=workflow.now()
    )
