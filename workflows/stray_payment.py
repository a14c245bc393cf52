"""The stray-payment workflow: money that no order can take goes back in full, once (R17, R23)."""

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.orders import Recorded
    from activities.stray_payments import (
        StoredStrayPayment,
        StrayPayments,
        StrayPaymentSnapshot,
        outbox_messages,
    )
    from orders.errors import InvalidInput, OrderError
    from orders.messages import ChargebackReported, RefundUpdate
    from orders.refunds import find_refund
    from orders.sentences import sentence
    from orders.stray_payments import StrayPaymentInput, StrayPaymentState
    from orders.values import microseconds
    from workflows import ids
    from workflows.background import BackgroundTasks, should_continue_as_new
    from workflows.messages import as_failure, handles, must_run_as, read_input, read_message
    from workflows.notifications import OutboxDelivery
    from workflows.refunds import RefundSteps
    from workflows.steps import run_local_then_durable
    from workflows.timer import DeadlineTimer


@workflow.defn(name="StrayPaymentWorkflow")
@handles((RefundUpdate, ChargebackReported))
class StrayPaymentWorkflow:
    """Stray money. Input: ``StrayPaymentInput``; result and query ``stray_payment``: ``StrayPaymentState``.

    It listens to ``refund_update`` and ``chargeback`` like an order, and asks the provider at the same
    instants.
    """

    @workflow.init
    def __init__(self, *raw: RawValue) -> None:
        self._input = _restore(raw)
        self._steps = BackgroundTasks()
        self._telling = OutboxDelivery(self._steps)
        self._refunds = RefundSteps(self._steps)
        self._alarm = DeadlineTimer()

    @property
    def _stray(self) -> StrayPaymentState:
        # As in the order's workflow: a handler may run before `run` has failed it for its input.
        if isinstance(self._input, ApplicationError):
            raise self._input
        return self._input

    @workflow.run
    async def run(self, *raw: RawValue) -> StrayPaymentState:
        """Ask for the refund, tell the payer, and stay until the money is back, or the bank has taken it."""
        stray = self._stray
        if workflow.info().continued_run_id:
            # What the run before could not tell yet waits in the outbox.
            self._telling.start(stray.about)
        while self._act() or not stray.is_over:
            if should_continue_as_new():
                workflow.continue_as_new(args=[stray])
            due = stray.next_due
            self._alarm.set(due.at if due else None, due.what if due else "")
            await self._next_change()
            stray.let_time_pass(workflow.now())
        await self._until(workflow.all_handlers_finished)
        return stray

    async def _next_change(self) -> None:
        stray = self._stray
        seen, under_way = len(stray.timeline), self._steps.under_way
        await self._until(
            lambda: (
                self._alarm.rang
                or len(stray.timeline) != seen
                or self._steps.under_way != under_way
                or should_continue_as_new()
            )
        )

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            await self._steps.until(condition)
        except asyncio.CancelledError:
            # Ending the process would leave somebody's money behind (R15, R17).
            workflow.logger.warning("Stray money goes back: its workflow cannot be cancelled")

    def _act(self) -> bool:
        """Start what the money's state asks for and is not under way yet; says whether anything is."""
        stray, start = self._stray, self._steps.start
        self._refunds.start(stray)
        if stray.notices:
            start("record", self._record)
        return bool(self._steps.under_way)

    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """``refund_update`` and ``chargeback``; what stray money does not take is logged."""
        try:
            self._receive(name, arguments)
        except OrderError as error:
            workflow.logger.warning("Refused %s: %s", name[:64], error)

    def on_update(self, name: str, arguments: Sequence[RawValue]) -> StrayPaymentState:
        """``refund_update`` and ``chargeback``; answers with how the stray money stands."""
        try:
            self._receive(name, arguments)
        except OrderError as error:
            raise as_failure(error) from None
        return self._stray

    def validate_update(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Refuse before anything is written to history."""
        try:
            message = self._read(name, arguments)
            if isinstance(message, ChargebackReported) and (
                problem := self._stray.chargeback_problem(message)
            ):
                raise problem
        except OrderError as error:
            raise as_failure(error) from None

    @workflow.query(
        name="stray_payment",
        description="The stray payment: its refund, its history and what comes next.",
    )
    def stray_payment(self) -> StrayPaymentState:
        """How the stray money stands."""
        return self._stray

    def _receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        message, stray, now = self._read(name, arguments), self._stray, workflow.now()
        if isinstance(message, ChargebackReported):
            stray.charged_back(message, now)
        elif refund := find_refund(stray, message.refund_id):
            stray.update_refund(refund, message.status, message.reason, now)

    def _read(self, name: str, arguments: Sequence[RawValue]) -> RefundUpdate | ChargebackReported:
        match read_message(name, arguments):
            case RefundUpdate(refund_id=refund_id) as update:
                if find_refund(self._stray, refund_id) is None:
                    raise InvalidInput(
                        sentence(
                            "This stray payment has no refund {refund_id}.", refund_id=refund_id
                        )
                    )
                return update
            case ChargebackReported(payment_id=payment_id) as chargeback:
                if payment_id != self._stray.payment_id:
                    raise InvalidInput(
                        sentence("This is not payment {payment_id}.", payment_id=payment_id)
                    )
                return chargeback
            case _:
                raise InvalidInput(
                    sentence(
                        "A stray payment accepts only refund_update and chargeback, not {name}.",
                        name=name[:64],
                    )
                )

    async def _record(self) -> None:
        stray, info = self._stray, workflow.info()
        told = outbox_messages(stray)
        kept = StoredStrayPayment(
            first_run_id=info.first_execution_run_id,
            revision=microseconds(workflow.now()),
            # A copy: the step may be tried again when the money has gone on.
            state=stray.model_copy(update={"notices": []}, deep=True),
        )
        step = StrayPaymentSnapshot(postings=tuple(stray.postings), messages=told, stored=kept)
        recorded: Recorded | None = await run_local_then_durable(
            StrayPayments.record_stray, step, "book and tell"
        )
        del stray.notices[: len(told)]
        # An earlier version had nothing to say of it.
        if recorded and not recorded.delivered:
            self._telling.start(stray.about)


def _restore(raw: Sequence[RawValue]) -> StrayPaymentState | ApplicationError:
    try:
        state = read_input(raw, StrayPaymentInput, StrayPaymentState)
        if isinstance(state, StrayPaymentState):
            return state
        must_run_as(ids.stray_workflow_id(state.payment_id))
    except ApplicationError as error:
        return error
    return StrayPaymentState.new(state, workflow.now())
