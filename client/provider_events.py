"""A provider's events, delivered to workflows (R5, R6, R15, R17, R23; cases 3, 13-16, 25).

Events may arrive twice, in any order, and for finished or unknown orders. Each only says what has changed:
the provider is asked how that stands, so the order in which events come does not matter. Where it concerns a
payment whose own event has not come, that is delivered first. An accepted event is stored by Temporal. Until
then the provider retries it; reconciliation redelivers events that never arrived.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

from temporalio.client import Client

from activities.orders import OrderStore
from activities.provider_events import EventSubject, ProviderEvent, SubjectKind
from activities.provider_messages import (
    chargeback_message,
    first_of_each_id,
    is_own,
    outside_refund_message,
    own_refund_message,
    payment_message,
)
from activities.provider_records import ProviderPayment, ProviderRecords, ProviderRefund
from activities.stray_payments import StrayPaymentStore
from client import orders, stray_payments
from client.errors import UnknownOrder
from client.finished_orders import LateDelivery
from database.webhook_inbox import EventIdReused, SqlWebhookInbox
from orders.errors import NotAllowedNow, OrderError
from orders.messages import Message, PaymentDeclined, RefundUpdate
from orders.payments import Payment
from orders.stray_payments import StrayPaymentMessage

log = logging.getLogger("unbuy.provider_events")


class EventOutcome(StrEnum):
    """The outcome of an event; after any of these the provider need not retry it."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class PaymentNotYetKnown(Exception):
    """The payment of an event is about to be known: the provider must retry soon."""


class _UnknownRefund(Exception):
    """A workflow does not know a refund by an id of ours."""


class ProviderEventHandler:
    """Delivers events to workflows, each once."""

    def __init__(
        self,
        client: Client,
        provider: ProviderRecords,
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
        now = datetime.now(UTC)
        match subject.kind:
            case SubjectKind.PAYMENT:
                payment = await self._provider.find_payment(subject.id)
                return await self._pay(payment, now) if payment else EventOutcome.IGNORED
            case SubjectKind.REFUND:
                refund = await self._provider.find_refund(subject.id)
                of_payment = await self._provider.refunds_of(refund.payment_id) if refund else []
                these = [it for it in first_of_each_id(of_payment) if it.provider_id == subject.id]
                return await self._refund_all(these, now)
            case SubjectKind.REFUNDS_OF_PAYMENT:
                refunds = await self._provider.refunds_of(subject.id)
                return await self._refund_all(first_of_each_id(refunds), now)
            case SubjectKind.CHARGEBACK:
                chargeback = await self._provider.find_chargeback(subject.id)
                if chargeback is None:
                    return EventOutcome.IGNORED
                message = chargeback_message(chargeback, now)
                return await self._tell(chargeback.order_id, chargeback.payment_id, message)

    async def _pay(self, payment: ProviderPayment, said_at: datetime) -> EventOutcome:
        if (order_id := payment.order_id) is None:
            return EventOutcome.IGNORED
        message = payment_message(payment, said_at)
        if isinstance(message, PaymentDeclined) and await stray_payments.send(
            self._client, payment.payment_id, message, self._stray_payments
        ):
            return EventOutcome.ACCEPTED
        try:
            # A signal: it is accepted even while no worker runs, and an order refunds what it cannot accept.
            late = await orders.send_signal(self._client, order_id, message, self._orders.find)
        except (NotAllowedNow, UnknownOrder) as refused:
            return _ignored(message, order_id, refused)
        return _outcome(late)

    async def _refund_all(
        self, refunds: Iterable[ProviderRefund], said_at: datetime
    ) -> EventOutcome:
        outcomes = {await self._refund(refund, said_at) for refund in refunds}
        return next((it for it in EventOutcome if it in outcomes), EventOutcome.IGNORED)

    async def _refund(self, refund: ProviderRefund, said_at: datetime) -> EventOutcome:
        owner = refund.order_id, refund.payment_id
        if is_own(refund):
            with suppress(_UnknownRefund):
                return await self._tell(*owner, own_refund_message(refund, said_at))
        # One of ours that its workflow does not know, as it was reset, counts as nobody's, too (R24).
        return await self._tell(*owner, outside_refund_message(refund, said_at))

    async def _tell(
        self, order_id: str | None, payment_id: str, message: StrayPaymentMessage
    ) -> EventOutcome:
        """Deliver what has happened to a payment's money. Raises PaymentNotYetKnown and _UnknownRefund."""
        if order_id:
            await self._must_know_payment(order_id, payment_id)
        try:
            # Stray payments first: the order that one was made for does not know it (R17).
            if await stray_payments.send(self._client, payment_id, message, self._stray_payments):
                return EventOutcome.ACCEPTED
            if order_id is None:
                return EventOutcome.IGNORED
            # An update: an order that does not know the payment yet would only list a signal as refused.
            answer = await orders.send(self._client, order_id, message, self._orders.find)
        except UnknownOrder as refused:
            return _ignored(message, str(order_id), refused)
        except OrderError as refused:
            # A refund that its workflow knows is always accepted.
            if isinstance(message, RefundUpdate):
                raise _UnknownRefund from None
            raise PaymentNotYetKnown(
                f"The {message.name} of order {order_id} cannot be taken: {refused}"
            ) from None
        return _outcome(answer if isinstance(answer, LateDelivery) else None)

    async def _must_know_payment(self, order_id: str, payment_id: str) -> None:
        """Deliver a payment whose own event has not come yet."""
        view = await self._orders.find(order_id)
        if view and isinstance(view.payment, Payment) and view.payment_id == payment_id:
            return
        if await self._stray_payments.find(payment_id):
            return
        now = datetime.now(UTC)
        if payment := await self._provider.find_payment(payment_id):
            await self._pay(payment, now)


def _outcome(late: LateDelivery | None) -> EventOutcome:
    is_repeat = late is not None and late.workflow_id is None
    return EventOutcome.DUPLICATE if is_repeat else EventOutcome.ACCEPTED


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
