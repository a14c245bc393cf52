"""The stray-payment workflow: money that no order can take goes back in full, once (R17)."""

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.bookkeeping import Recorded
    from activities.notifications import Letter
    from activities.strays import Strays, StrayStep
    from orders.errors import InvalidInput
    from orders.messages import RefundUpdate, Role
    from orders.sentences import sentence
    from orders.stray import Stray, StrayPayment
    from workflows import ids, refunding
    from workflows.telling import Telling
    from workflows.waiting import Alarm, Steps, should_continue_as_new, surely
    from workflows.wire import as_failure, must_run_as, read_input, read_message


@workflow.defn(name="StrayPaymentWorkflow")
class StrayPaymentWorkflow:
    """Stray money. Input: ``StrayPayment``; result and query ``stray_payment``: ``Stray``.

    It listens to ``refund_update`` like an order, and asks the provider at the same instants.
    """

    @workflow.init
    def __init__(self, *raw: RawValue) -> None:
        self._input = _restore(raw)
        self._steps = Steps()
        self._telling = Telling(self._steps)
        self._alarm = Alarm()

    @property
    def _stray(self) -> Stray:
        # As in the order's workflow: a handler may run before `run` has failed it for its input.
        if isinstance(self._input, ApplicationError):
            raise self._input
        return self._input

    @property
    def _outbox(self) -> str:
        return self._stray.payment.order_id or self._stray.books_id

    @workflow.run
    async def run(self, *raw: RawValue) -> Stray:
        """Ask for the refund, tell the payer, and stay until the money is back."""
        stray = self._stray
        if workflow.info().continued_run_id:
            # What the run before could not tell yet waits in the outbox.
            self._telling.start(self._outbox)
        while self._act() or not stray.refund.is_settled:
            if should_continue_as_new():
                workflow.continue_as_new(args=[stray])
            self._alarm.set(None if stray.refund.is_settled else stray.next_check, "refund_check")
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
        stray = self._stray
        if stray.refund.asked_at is None:
            # Beside the rest: a provider that does not answer must not keep its silence from support (R15).
            self._steps.start("ask", self._ask)
        if stray.check_due:
            self._steps.start("check", self._check)
        if stray.notices:
            self._steps.start("record", self._record)
        return bool(self._steps.under_way)

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """``refund_update``; anything else is logged, as stray money takes no other message."""
        try:
            self._take(name, arguments)
        except InvalidInput as error:
            workflow.logger.warning("Refused %s: %s", name[:64], error)

    @workflow.update(dynamic=True)
    def on_update(self, name: str, arguments: Sequence[RawValue]) -> Stray:
        """``refund_update``; answers with how the stray money stands."""
        try:
            self._take(name, arguments)
        except InvalidInput as error:
            raise as_failure(error) from None
        return self._stray

    @on_update.validator
    def may_update(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Refuse before anything is written to history."""
        try:
            self._read(name, arguments)
        except InvalidInput as error:
            raise as_failure(error) from None

    @workflow.query(name="stray_payment")
    def stray_payment(self) -> Stray:
        """How the stray money stands."""
        return self._stray

    def _take(self, name: str, arguments: Sequence[RawValue]) -> None:
        update = self._read(name, arguments)
        self._stray.news(update.status, update.reason, workflow.now())

    def _read(self, name: str, arguments: Sequence[RawValue]) -> RefundUpdate:
        message = read_message(name, arguments)
        if not isinstance(message, RefundUpdate):
            raise InvalidInput(
                sentence("Stray money takes refund_update only, not {name}.", name=name[:64])
            )
        if message.refund_id != self._stray.refund.refund_id:
            raise InvalidInput(
                sentence("This is not refund {refund_id}.", refund_id=message.refund_id)
            )
        return message

    async def _ask(self) -> None:
        refund = self._stray.refund
        asked_at = workflow.now()
        state = await refunding.ask(refund, self._stray.payment.money, asked_at)
        refund.asked_at = asked_at
        self._stray.news(state.status, state.reason, workflow.now())

    async def _check(self) -> None:
        state = await refunding.look_up(self._stray.refund)
        if state:
            self._stray.news(state.status, state.reason, workflow.now())
        self._stray.checked(workflow.now())

    async def _record(self) -> None:
        stray = self._stray
        payment = stray.payment
        letters = tuple(
            Letter(
                key=notice.key,
                order_id=self._outbox,
                to=notice.to,
                party=payment.payer if notice.to is Role.BUYER else None,
                what=notice.what,
                at=notice.at,
                details=notice.details,
            )
            for notice in stray.notices
        )
        step = StrayStep(postings=tuple(stray.postings), letters=letters)
        recorded: Recorded | None = await surely(Strays.record_stray, step, "book and tell")
        del stray.notices[: len(letters)]
        # An earlier version had nothing to say of it.
        if recorded and not recorded.delivered:
            self._telling.start(self._outbox)


def _restore(raw: Sequence[RawValue]) -> Stray | ApplicationError:
    try:
        state = read_input(raw, StrayPayment, Stray)
        if isinstance(state, Stray):
            return state
        must_run_as(ids.stray_workflow_id(state.payment_id))
    except ApplicationError as error:
        return error
    return Stray.new(state, workflow.now())
