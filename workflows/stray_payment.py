"""The stray-payment workflow: a payment that no order can accept is refunded in full, once (R17, R23)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, get_args

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
    from orders.sentences import sentence
    from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage, StrayPaymentState
    from orders.values import microseconds
    from workflows import ids
    from workflows.background import BackgroundTasks, should_continue_as_new
    from workflows.messages import as_failure, handles, must_run_as, read_input, read_message
    from workflows.notifications import OutboxDelivery
    from workflows.options import UNTIL_DONE
    from workflows.refunds import RefundSteps
    from workflows.refusals import count_refusal
    from workflows.steps import run_local_then_durable
    from workflows.timer import DeadlineTimer


_RECORDS_ALL: Final = "what nobody is told is recorded"
"""The patch from which on a change is recorded that notifies nobody."""
_ALL_THAT_IS_DUE: Final = "all that is due happens"
"""The patch from which on a reminder comes although the refund is checked at the same instant."""
_TIMER_WAITS: Final = "the timer waits for the refund's check"
"""The patch from which on no timer is started while a refund is checked."""


@workflow.defn(name="StrayPaymentWorkflow")
@handles(get_args(StrayPaymentMessage))
class StrayPaymentWorkflow:
    """One stray payment. Input: ``StrayPaymentInput``; result and query: ``StrayPaymentState``.

    Like an order it accepts what the provider says of its money, and it checks the refund with the provider
    on the same schedule.
    """

    @workflow.init
    def __init__(self, *raw: RawValue) -> None:
        self._input = _restore(raw)
        self._tasks = BackgroundTasks()
        self._outbox = OutboxDelivery(self._tasks)
        self._refunds = RefundSteps(self._tasks)
        self._timer = DeadlineTimer()
        self._recorded = 0
        """How many of the timeline's entries are recorded."""
        self._early: list[StrayPaymentMessage] = []
        """As the order's workflow has them."""

    @property
    def _state(self) -> StrayPaymentState:
        # As in the order's workflow: a handler may run before `run` has failed it for its input.
        if isinstance(self._input, ApplicationError):
            raise self._input
        return self._input

    @workflow.run
    async def run(self, *raw: RawValue) -> StrayPaymentState:
        """Refund the payment and notify the payer; returns once the payer, or the bank, has the money."""
        while self._state.goes_on_from:
            self._tasks.start("catch up", self._catch_up)
            await self._until(lambda: not self._tasks.under_way)
        state = self._state
        if workflow.info().continued_run_id:
            # Messages that the previous run could not deliver are still in the outbox.
            self._outbox.start(state.about)
        while self._act() or not state.is_over:
            if should_continue_as_new():
                workflow.continue_as_new(args=[state])
            if state.refund_check_due and workflow.patched(_TIMER_WAITS):
                # See the order's workflow.
                self._timer.leave()
            else:
                due = state.next_due
                self._timer.set(due.at if due else None, due.what if due else "")
            await self._next_change()
            now = workflow.now()
            are_several = sum(it.at <= now for it in state.schedule()) > 1
            alone = are_several and not workflow.patched(_ALL_THAT_IS_DUE)
            state.let_time_pass(now, first_alone=alone)
        await self._until(workflow.all_handlers_finished)
        return state

    async def _catch_up(self) -> None:
        """As an order's workflow does."""
        state = self._state
        newest = await workflow.execute_activity_method(
            StrayPayments.find_stray, state.payment_id, summary="how it stands", **UNTIL_DONE
        )
        early, self._early = self._early, []
        since, state.goes_on_from = state.goes_on_from, None
        if newest is None or newest.timeline[-1].at == since:
            return
        newest.reopened = True
        newest.goes_on_from = None
        self._input = newest
        for message in early:
            try:
                newest.check(message)
                newest.receive(message, workflow.now())
            except OrderError as error:
                workflow.logger.warning("Refused %s: %s", message.name, error)

    async def _next_change(self) -> None:
        state = self._state
        seen, under_way = len(state.timeline), self._tasks.under_way
        await self._until(
            lambda: (
                self._timer.has_fired
                or len(state.timeline) != seen
                or self._tasks.under_way != under_way
                or should_continue_as_new()
            )
        )

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            await self._tasks.until(condition)
        except asyncio.CancelledError:
            # Ending the workflow would leave somebody's money behind (R15, R17).
            workflow.logger.warning("A stray payment is refunded: its workflow cannot be cancelled")

    def _act(self) -> bool:
        """Start the steps that the state calls for; returns whether any step is under way."""
        state, start = self._state, self._tasks.start
        self._refunds.start(state)
        has_changed = len(state.timeline) != self._recorded
        if state.notifications or (has_changed and workflow.patched(_RECORDS_ALL)):
            start("record", self._record)
        return bool(self._tasks.under_way)

    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Apply what is said of its money; refused messages are logged."""
        try:
            self._receive(name, arguments)
        except OrderError as error:
            count_refusal(name, error)
            workflow.logger.warning("Refused %s: %s", name[:64], error)

    def on_update(self, name: str, arguments: Sequence[RawValue]) -> StrayPaymentState:
        """Apply what is said of its money and return the state."""
        try:
            self._receive(name, arguments)
        except OrderError as error:
            count_refusal(name, error)
            raise as_failure(error) from None
        return self._state

    def validate_update(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Reject an update before anything is written to the history."""
        try:
            self._read(name, arguments)
        except OrderError as error:
            count_refusal(name, error)
            raise as_failure(error) from None

    @workflow.query(
        name="stray_payment",
        description="The stray payment: its refund, its history and what comes next.",
    )
    def stray_payment(self) -> StrayPaymentState:
        """The stray payment's current state."""
        return self._state

    def _receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        message = self._read(name, arguments)
        if self._state.goes_on_from:
            self._early.append(message)
        self._state.receive(message, workflow.now())

    def _read(self, name: str, arguments: Sequence[RawValue]) -> StrayPaymentMessage:
        message = read_message(name, arguments)
        if not isinstance(message, StrayPaymentMessage):
            raise InvalidInput(
                sentence(
                    "A stray payment accepts only what is said of its money, not {name}.",
                    name=name[:64],
                )
            )
        self._state.check(message)
        return message

    async def _record(self) -> None:
        state, info = self._state, workflow.info()
        messages, entries = outbox_messages(state), len(state.timeline)
        stored = StoredStrayPayment(
            first_run_id=info.first_execution_run_id,
            reopened=state.reopened,
            revision=microseconds(workflow.now()),
            # A copy: the step may be retried after the state has changed.
            state=state.model_copy(update={"notifications": []}, deep=True),
        )
        step = StrayPaymentSnapshot(
            postings=tuple(state.postings), messages=messages, stored=stored
        )
        recorded: Recorded | None = await run_local_then_durable(
            StrayPayments.record_stray, step, "book and tell"
        )
        del state.notifications[: len(messages)]
        self._recorded = entries
        # Earlier versions returned nothing.
        if recorded and not recorded.delivered:
            self._outbox.start(state.about)


def _restore(raw: Sequence[RawValue]) -> StrayPaymentState | ApplicationError:
    try:
        state = read_input(raw, StrayPaymentInput, StrayPaymentState)
        if isinstance(state, StrayPaymentState):
            return state
        must_run_as(ids.stray_workflow_id(state.payment_id))
    except ApplicationError as error:
        return error
    return StrayPaymentState.new(state, workflow.now())
