"""The two questions every refund asks a provider, whoever's money it is (R14, R15, R17)."""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundQuestion, RefundRequest, Refunds, RefundState
    from orders.messages import RefundStatus
    from orders.model import Refund
    from orders.values import Money
    from workflows.options import MOVE_MONEY
    from workflows.waiting import FAILED, briefly


async def ask(
    refund: Refund, paid: Money, at: datetime, given_up: tuple[str, ...] = ()
) -> RefundState:
    """Ask for the money back until the provider answers; what it will not do is a failed refund.

    ``paid`` is what came in by the refund's payment, ``given_up`` its refunds that will not be paid.
    """
    request = RefundRequest(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        money=refund.money,
        paid=paid,
        method=refund.method,
        process=workflow.info().workflow_id,
        given_up=given_up,
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


def question(refund: Refund) -> RefundQuestion:
    """Which refund is meant, now."""
    return RefundQuestion(
        refund_id=refund.refund_id, payment_id=refund.payment_id, at=workflow.now()
    )


async def look_up(refund: Refund) -> RefundState | None:
    """What became of it; None when the provider does not know it or cannot be asked now."""
    try:
        state: RefundState | None = await briefly(
            Refunds.check_refund, question(refund), "ask for the refund's state"
        )
    except FAILED:
        workflow.logger.warning("The provider could not be asked for the refund's state")
        return None
    return state
