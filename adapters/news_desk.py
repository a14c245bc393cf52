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

from activities.records import ProviderChargeback, ProviderPayment, ProviderRefund
from activities.refunds import PaymentProvider, RefundQuestion
from adapters.after_the_end import charge_back_after_the_end, take_after_the_end
from adapters.stripe_events import (
    ChargebackNews,
    DeclineNews,
    News,
    PaymentNews,
    ProviderEvent,
    RefundNews,
)
from ledger.inbox import AnotherBody, SqlInbox
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, Message, PaymentReceived, RefundUpdate
from orders.stray import Stray
from orders.view import OrderView
from workflows import calls

log = logging.getLogger("unbuy.news")


class Taken(StrEnum):
    """What became of news; every one of these is an answer with which the provider need not try again."""

    TAKEN = "taken"
    REPEATED = "repeated"
    NOT_OURS = "not_ours"


class TooEarly(Exception):
    """Nobody knows the payment yet that this is about: it comes in a moment, or was never sent.

    The provider is to try again later.
    """


class Kept(Protocol):
    """What is kept of orders and of stray money."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order's last view; None when there is no such order."""

    async def stray(self, payment_id: str) -> Stray | None:
        """How a stray payment stands; None when it is none."""


class Provider(PaymentProvider, Protocol):
    """A provider that sends news."""

    async def order_of(self, payment_id: str) -> str | None:
        """The order that a payment was made for; None when it is none of ours."""


class NewsDesk:
    """Takes events and brings their news to workflows."""

    def __init__(self, client: Client, provider: Provider, kept: Kept, inbox: SqlInbox) -> None:
        self._client = client
        self._provider = provider
        self._kept = kept
        self._inbox = inbox

    async def take(self, event: ProviderEvent) -> Taken:
        """Take an event, once by its id.

        Raises AnotherBody for another body under the same id, TooEarly, and RPCError while Temporal is
        away: the provider must then not be told that all is well.
        """
        try:
            if await self._inbox.is_taken(event.event_id, event.digest):
                return Taken.REPEATED
        except AnotherBody:
            log.error("ALARM: event %s came twice with different bodies", event.event_id)
            raise
        taken = await self.bring(event.news) if event.news else Taken.NOT_OURS
        await self._inbox.take(event.event_id)
        return taken

    async def bring(self, news: News) -> Taken:
        """Bring news to the process that it concerns; the same again changes nothing. Raises as ``take``."""
        match news:
            case PaymentNews() | DeclineNews():
                return await self._tell(news.order_id, news.message)
            case RefundNews():
                return await self._refund(news)
            case ChargebackNews():
                return await self._chargeback(news)

    async def _tell(self, order_id: str, message: Message) -> Taken:
        try:
            # A signal: it is taken when no worker runs, and what cannot be taken of money goes back.
            await calls.signal(self._client, order_id, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._after_the_end(order_id, message)
        return Taken.TAKEN

    async def _refund(self, news: RefundNews) -> Taken:
        if news.process is None:
            return Taken.NOT_OURS
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
            return Taken.REPEATED
        return Taken.TAKEN

    async def _chargeback(self, news: ChargebackNews) -> Taken:
        message = news.message
        order_id = news.order_id or await self._provider.order_of(message.payment_id)
        if order_id is None:
            return Taken.NOT_OURS
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
                return Taken.REPEATED
            raise TooEarly(
                f"This chargeback, of order {order_id}, cannot be taken: {cause.message}"
            ) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._after_the_end(order_id, message)
        return Taken.TAKEN

    async def _after_the_way_back(self, stray: Stray, message: ChargebackReported) -> Taken:
        try:
            process = await charge_back_after_the_end(self._client, stray, message)
        except NotAllowedNow as refused:
            log.warning("News of stray payment %s is not taken: %s", stray.payment_id, refused)
            return Taken.NOT_OURS
        return Taken.TAKEN if process else Taken.REPEATED

    async def _after_the_end(self, order_id: str, message: Message) -> Taken:
        view = await self._kept.order(order_id)
        if isinstance(message, ChargebackReported) and not _has(view, message.payment_id):
            # Its payment is stray money in a moment.
            raise TooEarly(f"Neither order {order_id} nor stray money knows the payment yet.")
        try:
            process = await take_after_the_end(self._client, order_id, view, message)
        except (NotAllowedNow, LookupError) as refused:
            log.warning("News %s of order %s is not taken: %s", message.name, order_id, refused)
            return Taken.NOT_OURS
        return Taken.TAKEN if process else Taken.REPEATED


def _has(view: OrderView | None, payment_id: str) -> bool:
    return bool(view and view.payment and view.payment.payment_id == payment_id)


class Messenger:
    """Implements ``activities.reconciliation.Messenger``: news that a provider never sent, or nobody took."""

    def __init__(self, desk: NewsDesk) -> None:
        self._desk = desk

    async def payment(self, payment: ProviderPayment) -> bool:
        """See ``Messenger``."""
        message = PaymentReceived(
            payment_id=payment.payment_id,
            money=payment.money,
            method=payment.method,
            paid_at=payment.at,
        )
        news = PaymentNews(order_id=payment.order_id or "", message=message)
        return await self._bring(news)

    async def refund(self, refund: ProviderRefund) -> bool:
        """See ``Messenger``."""
        message = RefundUpdate(
            refund_id=refund.refund_id or "", status=refund.status, reason=refund.reason
        )
        return await self._bring(
            RefundNews(process=refund.process, payment_id=refund.payment_id, message=message)
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
            ChargebackNews(
                chargeback_id=chargeback.chargeback_id,
                order_id=chargeback.order_id,
                message=message,
            )
        )

    async def _bring(self, news: News) -> bool:
        return await self._desk.bring(news) is Taken.TAKEN
