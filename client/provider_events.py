"""A provider's news brought to whom it concerns (R5, R6, R15, R17, R23; cases 3, 13-16, 25).

News comes twice, in any order, and about orders whose process has ended or that never were. Once it is
taken, Temporal has it. Whoever brings it tries again until then: a provider by its own retries, and what a
provider never sent is found by reconciliation and brought here as well.
"""

import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from activities.refunds import PaymentProvider, RefundQuestion
from adapters.stripe.events import (
    ChargebackEvent,
    News,
    PaymentDeclinedEvent,
    PaymentEvent,
    ProviderEvent,
    RefundEvent,
)
from client.finished_orders import charge_back_after_the_end, take_after_the_end
from database.webhook_inbox import EventIdReused, SqlWebhookInbox
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, Message, PaymentReceived, RefundUpdate
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView
from workflows import calls

log = logging.getLogger("unbuy.news")


class EventOutcome(StrEnum):
    """What became of news; every one of these is an answer with which the provider need not try again."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


class PaymentNotYetKnown(Exception):
    """Nobody knows the payment yet that this is about: it comes in a moment, or was never sent.

    The provider is to try again later.
    """


class Kept(Protocol):
    """What is kept of orders and of stray money."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order's last view; None when there is no such order."""

    async def stray(self, payment_id: str) -> StrayPaymentState | None:
        """How a stray payment stands; None when it is none."""


class Provider(PaymentProvider, Protocol):
    """A provider that sends news."""

    async def order_of(self, payment_id: str) -> str | None:
        """The order that a payment was made for; None when it is none of ours."""


class ProviderEventHandler:
    """Takes events and brings their news to workflows."""

    def __init__(
        self, client: Client, provider: Provider, kept: Kept, inbox: SqlWebhookInbox
    ) -> None:
        self._client = client
        self._provider = provider
        self._kept = kept
        self._inbox = inbox

    async def take(self, event: ProviderEvent) -> EventOutcome:
        """Take an event, once by its id.

        Raises AnotherBody for another body under the same id, TooEarly, and RPCError while Temporal is
        away: the provider must then not be told that all is well.
        """
        try:
            if await self._inbox.is_taken(event.event_id, event.digest):
                return EventOutcome.DUPLICATE
        except EventIdReused:
            log.error("ALARM: event %s came twice with different bodies", event.event_id)
            raise
        taken = await self.bring(event.news) if event.news else EventOutcome.IGNORED
        await self._inbox.take(event.event_id)
        return taken

    async def bring(self, news: News) -> EventOutcome:
        """Bring news to the process that it concerns; the same again changes nothing. Raises as ``take``."""
        match news:
            case PaymentEvent() | PaymentDeclinedEvent():
                return await self._tell(news.order_id, news.message)
            case RefundEvent():
                return await self._refund(news)
            case ChargebackEvent():
                return await self._chargeback(news)

    async def _tell(self, order_id: str, message: Message) -> EventOutcome:
        try:
            # A signal: it is taken when no worker runs, and what cannot be taken of money goes back.
            await calls.signal(self._client, order_id, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._after_the_end(order_id, message)
        return EventOutcome.ACCEPTED

    async def _refund(self, news: RefundEvent) -> EventOutcome:
        if news.process is None:
            return EventOutcome.IGNORED
        message = news.message
        if news.payment_id:
            # What the event says may be overtaken: what the provider says now is not.
            question = RefundQuestion(
                refund_id=message.refund_id, payment_id=news.payment_id, at=datetime.now(UTC)
            )
            if state := await self._provider.refund_state(question):
                message = RefundUpdate(
                    message_id=message.message_id,
                    refund_id=message.refund_id,
                    status=state.status,
                    reason=state.reason,
                )
        try:
            await self._client.get_workflow_handle(news.process).signal(message.name, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # Its process has ended, so the money is back; should this say otherwise, reconciliation sees it.
            return EventOutcome.DUPLICATE
        return EventOutcome.ACCEPTED

    async def _chargeback(self, news: ChargebackEvent) -> EventOutcome:
        message = news.message
        order_id = news.order_id or await self._provider.order_of(message.payment_id)
        if order_id is None:
            return EventOutcome.IGNORED
        try:
            try:
                # Stray money first: the order that it came for does not know it (R17).
                await calls.charge_back_stray(self._client, message)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                if stray := await self._kept.stray(message.payment_id):
                    return await self._after_the_way_back(stray, message)
                # An update: an order that does not know the payment yet would only list a signal as refused.
                await calls.update(self._client, order_id, message)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if not (isinstance(cause, ApplicationError) and cause.type == NotAllowedNow.__name__):
                raise
            if cause.details[0]["code"] == RefusalCode.ALREADY_ANSWERED.value:
                return EventOutcome.DUPLICATE
            raise PaymentNotYetKnown(
                f"This chargeback, of order {order_id}, cannot be taken: {cause.message}"
            ) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._after_the_end(order_id, message)
        return EventOutcome.ACCEPTED

    async def _after_the_way_back(
        self, stray: StrayPaymentState, message: ChargebackReported
    ) -> EventOutcome:
        try:
            process = await charge_back_after_the_end(self._client, stray, message)
        except NotAllowedNow as refused:
            log.warning("News of stray payment %s is not taken: %s", stray.payment_id, refused)
            return EventOutcome.IGNORED
        return EventOutcome.ACCEPTED if process else EventOutcome.DUPLICATE

    async def _after_the_end(self, order_id: str, message: Message) -> EventOutcome:
        view = await self._kept.order(order_id)
        if isinstance(message, ChargebackReported) and not _has(view, message.payment_id):
            # Its payment is stray money in a moment.
            raise PaymentNotYetKnown(
                f"Neither order {order_id} nor stray money knows the payment yet."
            )
        try:
            process = await take_after_the_end(self._client, order_id, view, message)
        except (NotAllowedNow, LookupError) as refused:
            log.warning("News %s of order %s is not taken: %s", message.name, order_id, refused)
            return EventOutcome.IGNORED
        return EventOutcome.ACCEPTED if process else EventOutcome.DUPLICATE


def _has(view: OrderView | None, payment_id: str) -> bool:
    return bool(view and view.payment and view.payment.payment_id == payment_id)


class Messenger:
    """Implements ``activities.reconciliation.Messenger``: news that a provider never sent, or nobody took."""

    def __init__(self, desk: ProviderEventHandler) -> None:
        self._desk = desk

    async def payment(self, payment: ProviderPayment) -> bool:
        """See ``Messenger``."""
        message = PaymentReceived(
            payment_id=payment.payment_id,
            money=payment.money,
            method=payment.method,
            paid_at=payment.at,
        )
        news = PaymentEvent(order_id=payment.order_id or "", message=message)
        return await self._bring(news)

    async def refund(self, refund: ProviderRefund) -> bool:
        """See ``Messenger``."""
        message = RefundUpdate(
            refund_id=refund.refund_id or "", status=refund.status, reason=refund.reason
        )
        return await self._bring(
            RefundEvent(process=refund.process, payment_id=refund.payment_id, message=message)
        )

    async def chargeback(self, chargeback: ProviderChargeback) -> bool:
        """See ``Messenger``."""
        message = ChargebackReported(
            payment_id=chargeback.payment_id,
            money=chargeback.money,
            status=chargeback.status,
            reason=chargeback.reason,
        )
        return await self._bring(
            ChargebackEvent(
                chargeback_id=chargeback.chargeback_id,
                order_id=chargeback.order_id,
                message=message,
            )
        )

    async def _bring(self, news: News) -> bool:
        return await self._desk.bring(news) is EventOutcome.ACCEPTED
