"""A provider's events, delivered to workflows (R5, R6, R15, R17, R23; cases 3, 13-16, 25).

Events may arrive twice, in any order, and for finished or unknown orders. Each only says what has changed:
the provider is asked how that stands, so the order in which events come does not matter. Where it concerns a
payment whose own event has not come, that is delivered first. An accepted event is stored by Temporal. Until
then the provider retries it; reconciliation redelivers events that never arrived.
"""

import logging
from enum import StrEnum
from typing import Protocol

from temporalio.client import Client

from activities.orders import OrderStore
from activities.provider_events import EventSubject, ProviderEvent, SubjectKind
from activities.provider_records import (
    ProviderChargeback,
    ProviderPayment,
    ProviderRecords,
    ProviderRefund,
)
from activities.refunds import PaymentProvider
from activities.stray_payments import StrayPaymentStore
from client import orders, stray_payments
from client.errors import UnknownOrder
from client.finished_orders import LateDelivery
from database.webhook_inbox import EventIdReused, SqlWebhookInbox
from orders.errors import NotAllowedNow
from orders.messages import (
    ChargebackReported,
    Message,
    PaymentDeclined,
    PaymentReceived,
    RefundUpdate,
)
from workflows import ids

log = logging.getLogger("unbuy.provider_events")


class EventOutcome(StrEnum):
    """The outcome of an event; after any of these the provider need not retry it."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class PaymentNotYetKnown(Exception):
    """The payment of an event is about to be known: the provider must retry soon."""


class Provider(PaymentProvider, ProviderRecords, Protocol):
    """A provider that sends events, and can be asked how what they are about stands."""


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

        Raises EventIdReused for another type under the same id, PaymentNotYetKnown, and RPCError while
        Temporal is unavailable: the provider must then be answered with an error, so that it retries.
        """
        if event.subject is None:
            return EventOutcome.IGNORED
        try:
            if await self._inbox.is_delivered(event.event_id, event.type):
                return EventOutcome.DUPLICATE
        except EventIdReused:
            log.error("ALARM: event %s came twice with different types", event.event_id)
            raise
        outcome = await self.deliver(event.subject)
        if outcome is not EventOutcome.IGNORED:
            await self._inbox.mark_delivered(event.event_id, event.type)
        return outcome

    async def deliver(self, subject: EventSubject) -> EventOutcome:
        """Deliver how it stands now to its workflow; repeats change nothing. Raises as ``handle``."""
        match subject.kind:
            case SubjectKind.PAYMENT:
                payment = await self._provider.find_payment(subject.id)
                return await self._pay(payment) if payment else EventOutcome.IGNORED
            case SubjectKind.REFUND:
                refund = await self._provider.find_refund(subject.id)
                return await self._update_refund(refund) if refund else EventOutcome.IGNORED
            case SubjectKind.REFUNDS_OF_PAYMENT:
                refunds = await self._provider.refunds_of(subject.id)
                outcomes = {await self._update_refund(refund) for refund in refunds}
                return next((it for it in EventOutcome if it in outcomes), EventOutcome.IGNORED)
            case SubjectKind.CHARGEBACK:
                chargeback = await self._provider.find_chargeback(subject.id)
                return await self._charge_back(chargeback) if chargeback else EventOutcome.IGNORED

    async def _pay(self, payment: ProviderPayment) -> EventOutcome:
        message = _payment_message(payment)
        if payment.order_id is None or message is None:
            return EventOutcome.IGNORED
        try:
            # A signal: it is accepted even while no worker runs, and an order refunds what it cannot accept.
            late = await orders.send_signal(
                self._client, payment.order_id, message, self._orders.find
            )
        except (NotAllowedNow, UnknownOrder) as refused:
            return _ignored(message, payment.order_id, refused)
        return EventOutcome.ACCEPTED if late is None else _outcome(late.workflow_id)

    async def _update_refund(self, refund: ProviderRefund) -> EventOutcome:
        if refund.workflow_id is None or refund.refund_id is None:
            return EventOutcome.IGNORED
        message = RefundUpdate(
            refund_id=refund.refund_id, status=refund.status, reason=refund.reason
        )
        if payment_id := ids.read_stray_workflow_id(refund.workflow_id):
            is_known = await stray_payments.send(
                self._client, payment_id, message, self._stray_payments
            )
            return EventOutcome.ACCEPTED if is_known else EventOutcome.IGNORED
        order_id = ids.read_order_workflow_id(refund.workflow_id)
        try:
            late = await orders.send_signal(self._client, order_id, message, self._orders.find)
        except (NotAllowedNow, UnknownOrder) as refused:
            return _ignored(message, order_id, refused)
        return EventOutcome.ACCEPTED if late is None else _outcome(late.workflow_id)

    async def _charge_back(self, chargeback: ProviderChargeback) -> EventOutcome:
        order_id = chargeback.order_id
        if order_id is None:
            return EventOutcome.IGNORED
        message = ChargebackReported(
            payment_id=chargeback.payment_id,
            chargeback_id=chargeback.chargeback_id,
            money=chargeback.money,
            status=chargeback.status,
            reason=chargeback.reason,
        )
        await self._must_know_payment(order_id, chargeback.payment_id)
        # Stray payments first: the order that one was made for does not know it (R17).
        payment_id, stored = message.payment_id, self._stray_payments
        if await stray_payments.send(self._client, payment_id, message, stored):
            return EventOutcome.ACCEPTED
        try:
            # An update: an order that does not know the payment yet would only list a signal as refused.
            answer = await orders.send(self._client, order_id, message, self._orders.find)
        except (NotAllowedNow, UnknownOrder) as refused:
            raise PaymentNotYetKnown(
                f"This chargeback, of order {order_id}, cannot be taken: {refused}"
            ) from None
        is_repeat = isinstance(answer, LateDelivery) and answer.workflow_id is None
        return EventOutcome.DUPLICATE if is_repeat else EventOutcome.ACCEPTED

    async def _must_know_payment(self, order_id: str, payment_id: str) -> None:
        """Deliver a payment whose own event has not come yet."""
        view = await self._orders.find(order_id)
        if view and view.payment and view.payment.payment_id == payment_id:
            return
        if await self._stray_payments.find(payment_id):
            return
        if payment := await self._provider.find_payment(payment_id):
            await self._pay(payment)


def _payment_message(payment: ProviderPayment) -> PaymentReceived | PaymentDeclined | None:
    match payment.status:
        case "succeeded":
            return PaymentReceived(
                payment_id=payment.payment_id,
                money=payment.money,
                method=payment.method,
                paid_at=payment.at,
            )
        case "failed":
            return PaymentDeclined(payment_id=payment.payment_id, reason=payment.reason)
        case "pending":
            return None


def _outcome(workflow_id: str | None) -> EventOutcome:
    return EventOutcome.ACCEPTED if workflow_id else EventOutcome.DUPLICATE


def _ignored(message: Message, subject: str, refused: Exception) -> EventOutcome:
    log.warning("The event %s of %s is not accepted: %s", message.name, subject, refused)
    return EventOutcome.IGNORED


class ProviderEventRedelivery:
    """Implements ``activities.reconciliation.EventRedelivery``."""

    def __init__(self, handler: ProviderEventHandler) -> None:
        self._handler = handler

    async def deliver(self, subject: EventSubject) -> bool:
        """See ``EventRedelivery``."""
        return await self._handler.deliver(subject) is EventOutcome.ACCEPTED
