"""The steps of a refund, the same for orders and stray payments (R14, R15, R17, R23)."""

from functools import partial
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundQuestion, RefundRequest, Refunds, RefundState
    from orders.allocation import PaymentFacts, was_refused_for_a_won_chargeback
    from orders.messages import RefundStatus
    from orders.refunds import Refund, RefundOwner, RefundReport, refund_under_way
    from orders.sentences import sentence
    from workflows.background import BackgroundTasks
    from workflows.messages import reason_of
    from workflows.options import MOVE_MONEY
    from workflows.steps import FAILED, run_local


_ASKED_ANEW: Final = "a refund refused before a chargeback was won is asked for anew"
_ONLY_BEFORE: Final = "a refund that is due to a won chargeback is not refused by it"
"""The patch from which on it is also where the refusal came after the bank's decision."""


class RefundSteps:
    """Requests, stops and checks a refund in the background.

    The workflow goes on meanwhile, so that support learns of a provider that does not answer.
    """

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks

    def start(self, owner: PaymentFacts) -> None:
        """Start the steps that the refund's state calls for and that are not under way yet."""
        if (refund := refund_under_way(owner)) is None:
            return
        if not refund.stopping and _is_refused(owner, refund):
            # Also one whose stop was answered only once the chargeback was won.
            refund.stopping, refund.stop_asked_at = True, None
        ask_task = f"ask {refund.refund_id}"
        if not refund.stopping and refund.asked_at is None:
            self._tasks.start(ask_task, partial(self._request, owner, refund))
        # A refund that is being requested can be stopped only once the provider knows it.
        is_being_asked = ask_task in self._tasks.under_way
        if refund.stopping and refund.stop_asked_at is None and not is_being_asked:
            self._tasks.start(f"stop {refund.refund_id}", partial(self._stop, owner, refund))
        if owner.refund_check_due:
            self._tasks.start(f"check {refund.refund_id}", partial(self._check, owner, refund))

    async def _request(self, owner: RefundOwner, refund: Refund) -> None:
        """R14: request the refund until the provider answers."""
        asked_at = workflow.now()
        request = RefundRequest(
            refund_id=refund.refund_id,
            payment_id=refund.payment_id,
            money=refund.money,
            paid=owner.paid,
            method=refund.method,
            workflow_id=workflow.info().workflow_id,
            given_up=tuple(it.refund_id for it in owner.earlier_refunds if not it.is_settled),
            asked_at=asked_at,
        )
        state = await _request_until_answered(request)
        refund.asked_at = asked_at
        owner.refund_asked(refund)
        owner.update_refund(refund, _report(state), workflow.now())

    async def _stop(self, owner: RefundOwner, refund: Refund) -> None:
        """R23: the payer has the same money another way; stop the refund, or account for it."""
        refund.stop_is_being_asked = True
        state: RefundState | None = await workflow.execute_activity_method(
            Refunds.stop_refund, _question(refund), summary="stop for a chargeback", **MOVE_MONEY
        )
        refund.stop_is_being_asked = False
        refund.stop_asked_at = workflow.now()
        owner.refund_asked(refund)
        # A provider that does not know the refund has nothing to stop.
        state = state or RefundState(
            status=RefundStatus.CANCELED, reason=sentence("It was never asked for.")
        )
        owner.update_refund(refund, _report(state), workflow.now())

    async def _check(self, owner: RefundOwner, refund: Refund) -> None:
        """R14, R15: ask for the refund's state; without an answer, it is checked again later."""
        state = await _look_up(refund)
        owner.refund_checked(refund, _report(state) if state else None, workflow.now())


async def _request_until_answered(request: RefundRequest) -> RefundState:
    """The refund's state as the provider answers; a refusal is a failed refund."""
    try:
        state: RefundState = await workflow.execute_activity_method(
            Refunds.ask_refund, request, summary=f"refund {request.money}", **MOVE_MONEY
        )
    except FAILED as error:
        cause = error.__cause__ or error
        reason = reason_of(cause) if isinstance(cause, ApplicationError) else str(cause)
        return RefundState(status=RefundStatus.FAILED, reason=reason)
    return state


async def _look_up(refund: Refund) -> RefundState | None:
    """The refund's state; None if the provider does not know it or is unavailable."""
    try:
        state: RefundState | None = await run_local(
            Refunds.check_refund, _question(refund), "ask for the refund's state"
        )
    except FAILED:
        workflow.logger.warning("The provider could not be asked for the refund's state")
        return None
    return state


def _report(state: RefundState) -> RefundReport:
    return RefundReport(state.status, state.reason, said_at=state.said_at, act_by=state.act_by)


def _question(refund: Refund) -> RefundQuestion:
    return RefundQuestion(
        refund_id=refund.refund_id, payment_id=refund.payment_id, at=workflow.now()
    )


def _is_refused(owner: PaymentFacts, refund: Refund) -> bool:
    if was_refused_for_a_won_chargeback(owner, refund):
        return workflow.patched(_ASKED_ANEW)
    was_taken_for_it = was_refused_for_a_won_chargeback(owner, refund, or_due_to_it=True)
    return was_taken_for_it and not workflow.patched(_ONLY_BEFORE) and workflow.patched(_ASKED_ANEW)
