"""The order workflow: an order's whole life, from being placed until the last cent has moved (R1-R23).

Handlers apply messages to the order at once, through ``orders``; ``run`` acts on the resulting state. Steps
outside the workflow are derived from that state, so they are started again after a continue-as-new.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributePair
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.disputes import DisputeCase, Disputes
    from activities.orders import (
        OrderExists,
        OrderRecords,
        OrderSnapshot,
        Recorded,
        as_recorded,
    )
    from activities.stray_payments import StrayPayments
    from activities.tracking import Tracking, TrackingCheck
    from orders.closing import is_over
    from orders.disputes import Dispute, DisputeStatus
    from orders.errors import InvalidInput, NotAllowedNow, OrderError
    from orders.handlers import (
        check,
        is_repeat,
        receive,
        record_refusal,
        send_back,
        sent_back_before,
    )
    from orders.messages import MESSAGES, Message, PaymentReceived
    from orders.order import Order, StrayPayment
    from orders.place_order import PlaceOrder, must_be_placeable
    from orders.reopening import reopened
    from orders.schedule import ScheduledEvent, let_time_pass, schedule
    from orders.sentences import sentence
    from orders.shipments import TrackingEvidence, tracking_verdict
    from orders.status import Status
    from orders.stray_payments import StrayPaymentInput
    from orders.values import microseconds
    from orders.view import OrderView, deadline, view
    from workflows import ids, summary
    from workflows.background import BackgroundTasks, should_continue_as_new
    from workflows.markdown import as_code
    from workflows.messages import as_failure, handles, must_run_as, read_input, read_message
    from workflows.notifications import OutboxDelivery
    from workflows.options import UNTIL_DONE
    from workflows.refunds import RefundSteps
    from workflows.refusals import count_refusal
    from workflows.steps import FAILED, run_durable, run_local_then_durable
    from workflows.timer import DeadlineTimer


_NEAR_ENOUGH = timedelta(minutes=1)


@workflow.defn(name="OrderWorkflow")
@handles(MESSAGES.values())
class OrderWorkflow:
    """One order. Input: ``PlaceOrder``; result: its final ``OrderView``; query: ``order``.

    Every message of the contract is a signal and an update of the same name.
    """

    @workflow.init
    def __init__(self, *raw: RawValue) -> None:
        self._input = _restore(raw)
        self._tasks = BackgroundTasks()
        self._outbox = OutboxDelivery(self._tasks)
        self._refunds = RefundSteps(self._tasks)
        self._recorded = -1
        self._shown: tuple[int, list[ScheduledEvent]] | None = None
        self._closed_by_deadline = False
        self._timer = DeadlineTimer()
        self._early: list[Message] = []
        """What has come before a reopened order knew how it stands."""

    @property
    def _order(self) -> Order:
        # A handler may run before `run`; then it fails the workflow for an invalid input.
        if isinstance(self._input, ApplicationError):
            raise self._input
        return self._input

    @workflow.run
    async def run(self, *raw: RawValue) -> OrderView:
        """Run the order until nothing about it is left to happen."""
        while self._order.goes_on_from:
            self._tasks.start("catch up", self._catch_up)
            await self._until(lambda: not self._tasks.under_way)
        order = self._order
        if workflow.info().continued_run_id:
            # Messages that the previous run could not deliver are still in the outbox.
            self._outbox.start(order.placed.order_id)

        # 20 days to pay, and a day to check the payment (R1-R6).
        while order.status in (Status.AWAITING_PAYMENT, Status.PAYMENT_REVIEW):
            await self._next_change()

        # Shipment or cancellation: requests, answers, proofs, disputes (R7-R13, R16, R18-R20a).
        while order.is_open:
            await self._next_change()

        # The money is settled, however long that takes, and everyone is notified (R14-R17, R21,
        # R23). A late event may still reopen the money side.
        while True:
            while not is_over(order) or self._act():
                await self._next_change()
            if workflow.all_handlers_finished():
                return view(order)
            await self._until(workflow.all_handlers_finished)

    def on_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Apply any message of the contract; refused ones are listed in ``refused``."""
        try:
            self._receive(read_message(name, arguments))
        except OrderError as error:
            count_refusal(name, error)
            record_refusal(self._order, name, str(error), workflow.now())

    def on_update(self, name: str, arguments: Sequence[RawValue]) -> OrderView:
        """Apply any message of the contract and return the order's view.

        Fails with NotAllowedNow or InvalidInput.
        """
        try:
            message = read_message(name, arguments)
            is_new = self._receive(message)
        except OrderError as error:
            count_refusal(name, error)
            record_refusal(self._order, name, str(error), workflow.now())
            raise as_failure(error) from None
        if not is_new and (refused := sent_back_before(self._order, message)):
            raise as_failure(refused)
        return view(self._order)

    def validate_update(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Reject an update before anything is written to the history.

        A payment is always admitted: its money has moved, and the order must refund what it cannot accept
        (R17).
        """
        try:
            message = read_message(name, arguments)
            if not (is_repeat(self._order, message) or isinstance(message, PaymentReceived)):
                check(self._order, message, workflow.now())
        except OrderError as error:
            count_refusal(name, error)
            raise as_failure(error) from None

    @workflow.query(
        name="order",
        description="The whole order: its status, its money, its history and what comes next.",
    )
    def order_view(self) -> OrderView:
        """The order as everyone may see it."""
        return view(self._order)

    def _receive(self, message: Message) -> bool:
        at = workflow.now()
        if self._order.goes_on_from:
            self._early.append(message)
        try:
            return receive(self._order, message, at)
        except NotAllowedNow as refused:
            if isinstance(message, PaymentReceived):
                send_back(self._order, message, refused, at)
            raise

    async def _catch_up(self) -> None:
        """R23: go on from what was recorded last.

        Of two that reopen an order at once the later may have read it before the earlier one's run. While
        this one runs no other does, so what is read now is the last.
        """
        order = self._order
        newest = await workflow.execute_activity_method(
            OrderRecords.find_order,
            order.placed.order_id,
            summary="how it stands",
            **UNTIL_DONE,
        )
        early, self._early = self._early, []
        since, order.goes_on_from = order.goes_on_from, None
        if newest is None or newest.timeline[-1].at == since:
            return
        self._input = reopened(newest, workflow.now())
        self._input.goes_on_from = None
        for message in early:
            try:
                self._receive(message)
            except OrderError as error:
                record_refusal(self._order, message.name, str(error), workflow.now())

    async def _next_change(self) -> None:
        """Act on the order as it is, then wait for a message, a finished step or the next instant."""
        order = self._order
        self._act()
        if should_continue_as_new():
            workflow.continue_as_new(args=[order])
        if order.refund_check_due and order.rules > 2:
            # A check runs locally. A timer that is cancelled when it ends may have been started in the same
            # task on replay, that is, never (docs/decisions/0021-queries-and-local-activities.md).
            self._timer.leave()
        else:
            coming = next(iter(schedule(order)), None)
            # Most orders are over before a timer fires that they have no more use for.
            set_timer = self._timer.set_by if order.rules > 3 else self._timer.set
            set_timer(coming.at if coming else None, coming.what if coming else "")
        seen, under_way = order.revision, self._tasks.under_way
        # Repeated messages change nothing, but they too lengthen the history.
        await self._until(
            lambda: (
                self._timer.has_fired
                or order.revision != seen
                or self._tasks.under_way != under_way
                or should_continue_as_new()
            )
        )
        was_open = order.is_open
        let_time_pass(order, workflow.now())
        if was_open and not order.is_open:
            self._closed_by_deadline = True

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            await self._tasks.until(condition)
        except asyncio.CancelledError:
            # Ending the workflow would leave somebody's money behind (R15).
            record_refusal(
                self._order,
                "cancel",
                sentence(
                    "An order ends by its own rules; send cancel_request instead of cancelling its "
                    "workflow."
                ),
                workflow.now(),
            )

    def _act(self) -> bool:
        """Start the steps that the order's state calls for; returns whether any step is under way."""
        order = self._order
        self._show()
        start = self._tasks.start
        for payment in order.stray_payments_to_start:
            start(f"stray {payment.payment_id}", partial(self._start_stray_payment, payment))
        if order.shipment:
            for evidence in order.shipment.tracking:
                if evidence.is_verifying:
                    start(f"verify {evidence.number}", partial(self._verify, evidence))
        self._refunds.start(order)
        for dispute in (*order.earlier_disputes, *([order.dispute] if order.dispute else [])):
            if order.filed.get(dispute.dispute_id) != dispute.fingerprint:
                start(f"file {dispute.dispute_id}", partial(self._file_dispute, dispute))
        if order.revision > self._recorded:
            start("record", self._record)
        return bool(self._tasks.under_way)

    def _show(self) -> None:
        """Update the web UI's details and the search attributes; one write, of changed values only."""
        order = self._order
        shown = (order.revision, schedule(order))
        if shown == self._shown:
            return
        self._shown = shown
        workflow.set_current_details(summary.current(order))
        present = workflow.info().typed_search_attributes
        wanted: list[SearchAttributePair[Any]] = [
            SearchAttributePair(ids.ORDER_STATUS, order.status.value),
            SearchAttributePair(ids.BUYER_ID, order.placed.buyer.id),
            SearchAttributePair(ids.SELLER_ID, order.placed.seller.id),
        ]
        updates = [p.key.value_set(p.value) for p in wanted if present.get(p.key) != p.value]
        due = deadline(order)
        current = present.get(ids.ORDER_DEADLINE)
        # A finished order keeps its last deadline: nobody looks it up, and each write has a cost. For
        # the same reason the initial deadline, by its starter's clock, is near enough.
        if due and (current is None or abs(current - due) > _NEAR_ENOUGH):
            updates.append(ids.ORDER_DEADLINE.value_set(due))
        if updates:
            workflow.upsert_search_attributes(updates)

    async def _record(self) -> None:
        """Store the order's view, book its postings and notify everyone concerned (R21)."""
        order = self._order
        seen = order.revision
        info = workflow.info()
        step = OrderSnapshot(
            revision=microseconds(workflow.now()),
            first_run_id=info.first_execution_run_id,
            reopened=order.reopened,
            # A copy: the step may be retried after the order has changed.
            view=as_recorded(view(order)),
            postings=tuple(order.postings),
            notifications=tuple(order.notifications),
        )
        label = f"keep {order.status.value}"
        durably, self._closed_by_deadline = self._closed_by_deadline, False
        try:
            if durably:
                # A local activity takes effect even when its workflow task is discarded, and a payment may
                # arrive before that task runs again. A closing is notified only once it is certain.
                recorded: Recorded = await workflow.execute_activity_method(
                    OrderRecords.record_order, step, summary=label, **UNTIL_DONE
                )
            else:
                recorded = await run_local_then_durable(OrderRecords.record_order, step, label)
        except FAILED as error:
            cause = error if isinstance(error, ApplicationError) else error.__cause__
            if isinstance(cause, ApplicationError) and cause.type == OrderExists.__name__:
                self._tasks.end_with(cause)
                return
            raise
        self._recorded = seen
        recorded_keys = {notice.key for notice in step.notifications}
        order.notifications = [
            notice for notice in order.notifications if notice.key not in recorded_keys
        ]
        if not recorded.delivered:
            self._outbox.start(order.placed.order_id)

    async def _verify(self, evidence: TrackingEvidence) -> None:
        """R11: have a tracking number verified."""
        placed = self._order.placed
        verdict = await run_durable(
            Tracking.verify_tracking,
            TrackingCheck(
                order_id=placed.order_id,
                seller_id=placed.seller.id,
                buyer_id=placed.buyer.id,
                number=evidence.number,
                carrier=evidence.carrier,
            ),
            f"verify {as_code(evidence.number)}",
        )
        tracking_verdict(self._order, evidence, verdict, workflow.now())

    async def _file_dispute(self, dispute: Dispute) -> None:
        """R8, R12: file the dispute's current state with the dispute system."""
        order = self._order
        filed = dispute.fingerprint
        case = DisputeCase(order_id=order.placed.order_id, dispute=dispute.model_copy(deep=True))
        await run_durable(Disputes.file_dispute, case, f"dispute {case.dispute.status}")
        order.filed[dispute.dispute_id] = filed
        if dispute.status is DisputeStatus.OPEN:
            dispute.status = DisputeStatus.UNDER_REVIEW
            order.revision += 1
        if dispute in order.earlier_disputes and filed == dispute.fingerprint:
            order.earlier_disputes.remove(dispute)

    async def _start_stray_payment(self, stray_payment: StrayPayment) -> None:
        """R17: have a payment that this order cannot accept refunded by a separate workflow."""
        placed = self._order.placed
        payment = StrayPaymentInput(
            payment_id=stray_payment.payment_id,
            money=stray_payment.money,
            method=stray_payment.method,
            reason=stray_payment.reason,
            order_id=placed.order_id,
            payer=placed.buyer,
            chargebacks=stray_payment.chargebacks,
            outside_refunds=stray_payment.outside_refunds,
        )
        await run_durable(StrayPayments.start_stray, payment, f"send back {stray_payment.money}")
        self._order.stray_payments_to_start.remove(stray_payment)


def _restore(raw: Sequence[RawValue]) -> Order | ApplicationError:
    try:
        state = read_input(raw, PlaceOrder, Order)
        if isinstance(state, Order):
            return state
        _judge(state)
        must_run_as(ids.order_workflow_id(state.order_id))
    except ApplicationError as error:
        return error
    # Asked once: a run that continues has it in its state.
    later = (version for version in (5, 4, 3, 2) if workflow.patched(f"rules {version}"))
    return Order.new(state, workflow.now(), next(later, 1))


def _judge(placed: PlaceOrder) -> None:
    try:
        must_be_placeable(placed)
    except InvalidInput as error:
        # Some orders are older than this rule.
        if workflow.patched("placeable"):
            raise as_failure(error) from None
