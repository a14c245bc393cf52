"""A provider's events, delivered to workflows (R5, R6, R15, R17, R23; cases 3, 13-16, 25).

Events may arrive twice, in any order, and for finished or unknown orders. An accepted event is stored by
Temporal. Until then the provider retries it; reconciliation redelivers events that never arrived.
"""

import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from temporalio.client import Client

from activities.orders import OrderStore
from activities.provider_events import (
    ChargebackEvent,
    EventData,
    PaymentDeclinedEvent,
    PaymentEvent,
    ProviderEvent,
    RefundEvent,
)
from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from activities.refunds import PaymentProvider, RefundQuestion
from activities.stray_payments import StrayPaymentStore
from client import orders, stray_payments, workflows
from client.errors import NotRunning, UnknownOrder
from client.finished_orders import charge_back_stray_payment, deliver_late
from database.webhook_inbox import EventIdReused, SqlWebhookInbox
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, Message, PaymentReceived, RefundUpdate
from orders.stray_payments import StrayPaymentState

log = logging.getLogger("unbuy.provider_events")


class EventOutcome(StrEnum):
    """The outcome of an event; after any of these the provider need not retry it."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class PaymentNotYetKnown(Exception):
    """The payment of an event has not been reported yet: the provider must retry later."""


class Provider(PaymentProvider, Protocol):
    """A provider that sends events."""

    async def order_of(self, payment_id: str) -> str | None:
        """The order that a payment was made for; None if there is none."""


class ProviderEventHandler:
    """Delivers events to workflows, each once."""

    def __init__(
        self,
        client: Client,
        provider: Provider,
        orders: OrderStore,
        stray_payments: StrayPaymentStore,
        inbox: SqlWebhookInbox,
    ) -> None:
        self._client = client
        self._provider = provider
        self._orders = orders
        self._stray_payments = stray_payments
        self._inbox = inbox

    async def handle(self, event: ProviderEvent) -> EventOutcome:
        """Deliver an event, once by its id.

        Raises EventIdReused for another body under the same id, PaymentNotYetKnown, and RPCError while
        Temporal is unavailable: the provider must then be answered with an error, so that it retries.
        """
        try:
            if await self._inbox.is_delivered(event.event_id, event.digest):
                return EventOutcome.DUPLICATE
        except EventIdReused:
            log.error("ALARM: event %s came twice with different bodies", event.event_id)
            raise
        outcome = await self.deliver(event.data) if event.data else EventOutcome.IGNORED
        await self._inbox.mark_delivered(event.event_id)
        return outcome

    async def deliver(self, event: EventData) -> EventOutcome:
        """Deliver to the workflow concerned; repeats change nothing. Raises as ``handle``."""
        match event:
            case PaymentEvent() | PaymentDeclinedEvent():
                return await self._signal_order(event.order_id, event.message)
            case RefundEvent():
                return await self._update_refund(event)
            case ChargebackEvent():
                return await self._charge_back(event)

    async def _signal_order(self, order_id: str, message: Message) -> EventOutcome:
        try:
            # A signal: it is accepted even while no worker runs, and an order refunds what it cannot accept.
            late = await orders.send_signal(self._client, order_id, message, self._orders.find)
        except (NotAllowedNow, UnknownOrder) as refused:
            return _ignored(message, order_id, refused)
        return EventOutcome.ACCEPTED if late is None else _outcome(late.workflow_id)

    async def _update_refund(self, event: RefundEvent) -> EventOutcome:
        if event.workflow_id is None:
            return EventOutcome.IGNORED
        message = event.message
        if event.payment_id:
            # The event may be out of date; the provider's current answer is not.
            question = RefundQuestion(
                refund_id=message.refund_id, payment_id=event.payment_id, at=datetime.now(UTC)
            )
            if state := await self._provider.refund_state(question):
                message = RefundUpdate(
                    message_id=message.message_id,
                    refund_id=message.refund_id,
                    status=state.status,
                    reason=state.reason,
                )
        try:
            await workflows.signal(self._client, event.workflow_id, message)
        except NotRunning:
            # Its workflow has ended, so the refund has completed; reconciliation reports it otherwise.
            return EventOutcome.DUPLICATE
        return EventOutcome.ACCEPTED

    async def _charge_back(self, event: ChargebackEvent) -> EventOutcome:
        message = event.message
        order_id = event.order_id or await self._provider.order_of(message.payment_id)
        if order_id is None:
            return EventOutcome.IGNORED
        try:
            # Stray payments first: the order that one was made for does not know it (R17).
            if await self._charge_back_stray_payment(message):
                return EventOutcome.ACCEPTED
            if payment := await self._stray_payments.find(message.payment_id):
                return await self._charge_back_finished_stray_payment(payment, message)
            # An update: an order that does not know the payment yet would only list a signal as refused.
            await orders.update(self._client, order_id, message)
        except NotRunning:
            return await self._charge_back_finished_order(order_id, message)
        except NotAllowedNow as refused:
            if refused.code is RefusalCode.ALREADY_ANSWERED:
                return EventOutcome.DUPLICATE
            raise PaymentNotYetKnown(
                f"This chargeback, of order {order_id}, cannot be taken: {refused}"
            ) from None
        return EventOutcome.ACCEPTED

    async def _charge_back_stray_payment(self, message: ChargebackReported) -> bool:
        """Whether a running stray-payment workflow has accepted it."""
        try:
            await stray_payments.charge_back(self._client, message)
        except NotRunning:
            return False
        return True

    async def _charge_back_finished_stray_payment(
        self, payment: StrayPaymentState, message: ChargebackReported
    ) -> EventOutcome:
        try:
            workflow_id = await charge_back_stray_payment(self._client, payment, message)
        except NotAllowedNow as refused:
            return _ignored(message, payment.payment_id, refused)
        return _outcome(workflow_id)

    async def _charge_back_finished_order(
        self, order_id: str, message: ChargebackReported
    ) -> EventOutcome:
        view = await self._orders.find(order_id)
        if not (view and view.payment and view.payment.payment_id == message.payment_id):
            # The payment may be about to become a stray payment.
            raise PaymentNotYetKnown(
                f"Neither order {order_id} nor a stray payment knows the payment yet."
            )
        try:
            late = await deliver_late(self._client, order_id, view, message)
        except NotAllowedNow as refused:
            return _ignored(message, order_id, refused)
        return _outcome(late.workflow_id)


def _outcome(workflow_id: str | None) -> EventOutcome:
    return EventOutcome.ACCEPTED if workflow_id else EventOutcome.DUPLICATE


def _ignored(message: Message, subject: str, refused: Exception) -> EventOutcome:
    log.warning("The event %s of %s is not accepted: %s", message.name, subject, refused)
    return EventOutcome.IGNORED


class ProviderEventRedelivery:
    """Implements ``activities.reconciliation.EventRedelivery``."""

    def __init__(self, handler: ProviderEventHandler) -> None:
        self._handler = handler

    async def payment(self, payment: ProviderPayment) -> bool:
        """See ``EventRedelivery``."""
        message = PaymentReceived(
            payment_id=payment.payment_id,
            money=payment.money,
            method=payment.method,
            paid_at=payment.at,
        )
        return await self._deliver(PaymentEvent(order_id=payment.order_id or "", message=message))

    async def refund(self, refund: ProviderRefund) -> bool:
        """See ``EventRedelivery``."""
        message = RefundUpdate(
            refund_id=refund.refund_id or "", status=refund.status, reason=refund.reason
        )
        return await self._deliver(
            RefundEvent(
                workflow_id=refund.workflow_id, payment_id=refund.payment_id, message=message
            )
        )

    async def chargeback(self, chargeback: ProviderChargeback) -> bool:
        """See ``EventRedelivery``."""
        message = ChargebackReported(
            payment_id=chargeback.payment_id,
            money=chargeback.money,
            status=chargeback.status,
            reason=chargeback.reason,
        )
        return await self._deliver(
            ChargebackEvent(
                chargeback_id=chargeback.chargeback_id,
                order_id=chargeback.order_id,
                message=message,
            )
        )

    async def _deliver(self, event: EventData) -> bool:
        return await self._handler.deliver(event) is EventOutcome.ACCEPTED
