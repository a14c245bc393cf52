"""Orders lived through by the rules alone: no server, no worker, and neighbours who answer at once."""

from datetime import datetime, timedelta

from adapters.tracking.rules import CarrierRules
from orders.errors import NotAllowedNow
from orders.handlers import check, receive, record_refusal, send_back
from orders.messages import Message, PaymentReceived, RefundStatus
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.refunds import RefundOwner, RefundReport, refund_under_way
from orders.schedule import let_time_pass, schedule
from orders.shipments import tracking_verdict
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView, view
from tests.orders.builders import START
from workflows import ids

SETTLES_AFTER = timedelta(days=3)


class RulesDriver:
    """See ``Driver``: one order and its stray payments, with one clock."""

    def __init__(self) -> None:
        self._now = START
        self._stray_payments: dict[str, StrayPaymentState] = {}
        self._failing: dict[str, str] = {}

    async def place(self, placed: PlaceOrder) -> None:
        self._order = Order.new(placed, self._now)
        self._act()

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        try:
            receive(self._order, message, self._now)
        except NotAllowedNow as refused:
            if isinstance(message, PaymentReceived):
                send_back(self._order, message, refused, self._now)
            record_refusal(self._order, message.name, str(refused), self._now)
        self._act()

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        check(self._order, message, self._now)
        receive(self._order, message, self._now)
        self._act()
        return view(self._order)

    async def view(self, placed: PlaceOrder) -> OrderView:
        return view(self._order)

    async def now(self, workflow_id: str) -> datetime:
        return self._now

    async def pass_time(self, workflow_id: str, by: timedelta) -> None:
        until = self._now + by
        while (due := self._next_due()) and due <= until:
            self._now = due
            self._act()
        self._now = until
        self._act()

    async def rest(self, workflow_id: str) -> None:
        """Whatever there was to do is done."""

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        return self._stray_payments.get(payment_id)

    async def end(self, workflow_id: str) -> None:
        if workflow_id == ids.order_workflow_id(self._order.placed.order_id):
            assert not view(self._order).next
        else:
            strays = self._stray_payments.values()
            assert all(it.is_over for it in strays)

    async def fail_refunds_of(self, payment_id: str, reason: str) -> None:
        self._failing[payment_id] = reason

    async def settle_refund(self, refund_id: str) -> None:
        """That it is settled the order is told by a message."""

    def _next_due(self) -> datetime | None:
        owners = self._stray_payments.values()
        due = [it.next_due.at for it in owners if it.next_due]
        due += [it.at for it in schedule(self._order)[:1]]
        return min(due, default=None)

    def _act(self) -> None:
        """All that is due, and all that workers and neighbours do because of it."""
        order = self._order
        let_time_pass(order, self._now)
        for stray in order.stray_payments_to_start:
            found = StrayPaymentInput(
                payment_id=stray.payment_id,
                money=stray.money,
                method=stray.method,
                reason=stray.reason,
                order_id=order.placed.order_id,
                payer=order.placed.buyer,
            )
            self._stray_payments[stray.payment_id] = StrayPaymentState.new(found, self._now)
        order.stray_payments_to_start.clear()
        for evidence in order.shipment.tracking if order.shipment else ():
            if evidence.is_verifying:
                verdict = CarrierRules().judge(evidence.number, evidence.carrier)
                tracking_verdict(order, evidence, verdict, self._now)
        for stray_payment in self._stray_payments.values():
            stray_payment.let_time_pass(self._now)
            self._refund(stray_payment)
        self._refund(order)
        let_time_pass(order, self._now)

    def _refund(self, owner: RefundOwner) -> None:
        if not (refund := refund_under_way(owner)):
            return
        failing = self._failing.get(refund.payment_id, "")
        if refund.stopping and refund.stop_asked_at is None:
            refund.stop_asked_at = self._now
            owner.refund_asked(refund)
            owner.update_refund(
                refund, RefundReport(RefundStatus.CANCELED, "Stopped on request."), self._now
            )
        elif refund.asked_at is None:
            refund.asked_at = self._now
            owner.refund_asked(refund)
            asked = RefundStatus.FAILED if failing else RefundStatus.PENDING
            owner.update_refund(refund, RefundReport(asked, failing), self._now)
        elif owner.refund_check_due:
            is_settled = self._now >= refund.asked_at + SETTLES_AFTER
            paid = RefundStatus.SUCCEEDED if is_settled else RefundStatus.PENDING
            status = RefundStatus.FAILED if failing else paid
            owner.refund_checked(refund, RefundReport(status, failing), self._now)
