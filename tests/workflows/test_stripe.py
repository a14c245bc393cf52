"""An order whose money is at Stripe: its webhooks reach the order, and its faults do not."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest_asyncio
from pydantic import SecretStr

from adapters.stripe.events import read_event
from adapters.stripe.provider import StripeProvider
from client.errors import NoAnswer
from client.provider_events import PaymentNotYetKnown, ProviderEventHandler
from database.connection import Database
from database.ledger import SqlLedger
from database.webhook_inbox import EventIdReused
from demo.waiting import until
from orders.status import CloseReason, Status
from runtime.wiring import provider_event_handler, reconciliation
from testing.stripe.faults import InjectedFault
from testing.stripe.peer import API_KEY, Peer
from tests.orders.builders import eur
from tests.workflows.conftest import RealTimeStory


@dataclasses.dataclass
class AtStripe:
    """An order, Stripe, and a webhook that tells the one what the other says."""

    order: RealTimeStory
    provider: StripeProvider
    peer: Peer
    handler: ProviderEventHandler

    async def is_paid(self) -> str:
        """The buyer pays; the payment's id."""
        order_id = self.order.placed.order_id
        payment_id = await self.peer.checkout.pay(order_id, eur(2490))
        await self.peer.front.webhooks.deliver()
        return payment_id

    async def webhook(self, body: bytes, signed: str) -> int:
        """The answer's status; what is answered by a 503, as while a workflow task fails, comes again."""
        return await until(lambda: self._webhook(body, signed), lambda status: status != 503)

    async def _webhook(self, body: bytes, signed: str) -> int:
        secret = SecretStr(self.peer.front.webhooks.secret)
        try:
            await self.handler.handle(read_event(body, signed, [secret], datetime.now(UTC)))
        except PaymentNotYetKnown:
            return 409
        except EventIdReused:
            return 400
        except NoAnswer:
            return 503
        return 200

    async def refund(self) -> str:
        """The id of the order's refund, once Stripe has it."""
        (refund,) = await until(self.peer.front.refunds)
        return str(refund["metadata"]["refund_id"])


@pytest_asyncio.fixture(loop_scope="session")
async def at_stripe(
    order: RealTimeStory, peer: Peer, database: Database
) -> AsyncIterator[AtStripe]:
    provider = StripeProvider(API_KEY, peer.url, httpx.Timeout(10.0))
    handler = provider_event_handler(provider, database, order.client)
    order.world = dataclasses.replace(
        order.world,
        provider=provider,
        reconciliation=reconciliation(provider, database, order.client),
    )
    at_stripe = AtStripe(order, provider, peer, handler)
    peer.front.webhooks.to = at_stripe.webhook
    yield at_stripe
    await provider.close()


async def test_a_canceled_order_is_refunded_at_stripe_once(at_stripe: AtStripe) -> None:
    """R5, R14, R15: paid, canceled, and back in spite of faults; each event comes twice."""
    order, front = at_stripe.order, at_stripe.peer.front
    front.webhooks.repeat = 1.0
    async with order.working():
        await order.place()
        await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        await order.signal("cancel_request", reason="changed_mind")
        await order.until(Status.CANCELLATION_REQUESTED)
        front.faults.plan(InjectedFault.LOST_ANSWER)
        await order.signal("seller_reply", decision="accept")
        await front.settle(await at_stripe.refund())
        await front.webhooks.deliver()

        async with asyncio.timeout(20):
            view = await order.handle.result()

    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_refunded == eur(2490)
    assert len(await front.refunds()) == 1
    assert front.faults.suffered == {InjectedFault.LOST_ANSWER: 1}
    assert set((await SqlLedger(order.database).balances(view.order_id)).values()) == {0}


async def test_a_chargeback_at_stripe_is_not_paid_twice(at_stripe: AtStripe) -> None:
    """R23: lost at the bank, the order closes, and nothing is refunded."""
    order, front = at_stripe.order, at_stripe.peer.front
    async with order.working():
        await order.place()
        payment_id = await at_stripe.is_paid()
        await order.until(Status.AWAITING_SHIPMENT)
        front.end_dispute(await front.dispute(payment_id), "lost")
        front.webhooks.shuffle = True
        await front.webhooks.deliver()

        async with asyncio.timeout(20):
            view = await order.handle.result()

    assert view.close_reason is CloseReason.CHARGED_BACK
    assert view.refund is None
    assert await front.refunds() == []
    assert set((await SqlLedger(order.database).balances(view.order_id)).values()) == {0}
