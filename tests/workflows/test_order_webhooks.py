"""Webhooks of orders, from the click to the receiver: told once a change, and the order never waits."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
import pytest_asyncio
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
)

from activities.notifications import Subscribers
from activities.webhooks import Webhook
from adapters.temporal import TemporalSubscribers
from adapters.webhooks.sender import WebhookSender
from client import orders
from client.finished_orders import deliver_late
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from demo.waiting import until
from orders.messages import ChargebackReported, ChargebackStatus
from orders.status import CloseReason, Status
from orders.view import OrderView
from testing.outage import OutOfOrder
from testing.replay import replay
from testing.webhook_receiver import SECRET, Received, Receiver, receiver, sender_to
from tests.orders.builders import eur
from tests.workflows.conftest import POLICY, RealTimeStory
from workflows import ids
from workflows.options import DELIVER_WEBHOOK


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an endpoint does not take is tried again in moments; read when the workflow schedules."""
    every = timedelta(milliseconds=100)
    monkeypatch.setitem(
        DELIVER_WEBHOOK,
        "retry_policy",
        dataclasses.replace(
            DELIVER_WEBHOOK["retry_policy"], initial_interval=every, maximum_interval=every
        ),
    )


@pytest.fixture
def order(order: RealTimeStory) -> RealTimeStory:
    """With time enough to pay: the end of an order would be one more change."""
    policy = POLICY.model_copy(update={"payment_window": timedelta(days=1)})
    order.placed = order.placed.model_copy(update={"policy": policy})
    return order


@pytest_asyncio.fixture(loop_scope="session")
async def shop() -> AsyncIterator[Receiver]:
    async with receiver() as serving:
        yield serving


def subscribe(order: RealTimeStory, sender: WebhookSender) -> None:
    """From now on, workers tell these of changes of the order's order."""

    async def kept(order_id: str) -> OrderView | None:
        # Workers serve the orders that other tests have left, too.
        own = order_id == order.placed.order_id
        return await SqlOrders(order.database).find(order_id) if own else None

    subscribers = TemporalSubscribers(order.client, kept, sender.endpoints)
    order.world = dataclasses.replace(order.world, endpoints=sender, subscribers=subscribers)


def process(order: RealTimeStory, got: Received) -> WorkflowHandle[object, object]:
    workflow_id = ids.order_webhook_workflow_id(order.placed.order_id, got.id)
    return order.client.get_workflow_handle(workflow_id)


def told(shop: Receiver) -> list[str]:
    """The last that happened, of each webhook by its revision, as a receiver would read them."""
    newest = sorted(shop.got, key=lambda it: it.data["revision"])
    return [it.data["changes"][-1]["what"] for it in newest]


@dataclasses.dataclass
class Broken:
    """``Subscribers`` that cannot be told while it is down."""

    working: Subscribers
    down: bool = True

    async def notify(self, order_id: str) -> None:
        if self.down:
            raise OutOfOrder
        await self.working.notify(order_id)


@dataclasses.dataclass
class Dying:
    """``Endpoints`` whose worker dies once, having delivered: nobody has heard of it."""

    working: WebhookSender
    died: bool = False

    async def post(self, endpoint: str, webhook: Webhook) -> None:
        await self.working.post(endpoint, webhook)
        if not self.died:
            self.died = True
            raise OutOfOrder


async def test_every_change_is_delivered_once_and_signed(
    order: RealTimeStory, shop: Receiver
) -> None:
    """R21: from placed to closed; each with an id of its own, and what a receiver fetches agrees."""
    subscribe(order, sender_to(shop.url))
    async with order.working():
        await order.place()
        await shop.has(1)
        await order.signal("buyer_message", text="canary", message_id="1")
        await shop.has(2)
        await order.signal("buyer_message", text="canary", message_id="1")
        await order.signal("cancel_request", reason="changed_mind")
        view: OrderView = await order.handle.result()
        await shop.has(3)

    last = max(shop.got, key=lambda it: it.data["revision"])
    assert told(shop) == ["placed", "buyer_message", view.timeline[-1].what]
    assert len(set(shop.ids)) == 3
    for got in shop.got:
        assert got.verified()["data"]["order_id"] == order.placed.order_id
        assert b"canary" not in got.body
    assert (last.data["status"], last.data["close_reason"]) == (view.status, view.close_reason)
    assert [it["what"] for it in last.data["changes"]] == [it.what for it in view.timeline]


async def test_an_order_costs_the_same_with_and_without_webhooks(
    order: RealTimeStory, shop: Receiver
) -> None:
    """Not one event more in its history."""

    async def events(order_id: str) -> list[int]:
        order.placed = order.placed.model_copy(update={"order_id": order_id})
        async with order.working():
            # Nothing is asked meanwhile: a query that comes into a task costs another one.
            await orders.place(order.client, order.placed)
            await order.driver.rest(order.workflow_id)
            await order.signal("cancel_request", reason="changed_mind")
            await orders.handle(order.client, order_id).result()
        history = orders.handle(order.client, order_id).fetch_history_events()
        return [event.event_type async for event in history]

    without = await events("unheard")
    subscribe(order, sender_to(shop.url))
    told_to = await events("heard")

    await shop.has(1)
    assert told_to == without


async def test_a_receiver_that_was_down_gets_each_webhook_once_it_is_back(
    order: RealTimeStory,
) -> None:
    """Case 46: the order does not notice."""
    shop = Receiver()
    subscribe(order, sender_to(f"http://127.0.0.1:{shop.port}/"))
    async with order.working():
        await order.place()
        await order.signal("cancel_request", reason="changed_mind")
        view = await order.handle.result()
        assert view.close_reason is CloseReason.BUYER_CANCELED_UNPAID
        async with shop.serving():
            got = await shop.has(1)
            await until(lambda: view.timeline[-1].what in told(shop))
            for each in got:
                await process(order, each).result()

    assert len(set(shop.ids)) == len(shop.ids)


async def test_a_retry_keeps_its_webhook_id(order: RealTimeStory, shop: Receiver) -> None:
    """What a receiver took without our hearing of it comes again under the same id."""
    shop.status = 503
    subscribe(order, sender_to(shop.url))
    async with order.working():
        await order.place()
        await shop.has(3)
        shop.status = 204
        got = shop.got[0]
        await process(order, got).result()

    assert set(shop.ids) == {got.id}
    assert {it.body for it in shop.got} == {got.body}


async def test_a_broken_endpoint_delays_no_other(order: RealTimeStory, shop: Receiver) -> None:
    """One that hangs, one that refuses, one where nobody listens; the good one hears of each change."""
    async with receiver(hangs=True) as hanging, receiver(status=500) as refusing:
        nowhere = f"http://127.0.0.1:{Receiver().port}/"
        urls = (hanging.url, refusing.url, nowhere, shop.url)
        subscribe(order, sender_to(*urls))
        async with order.working(graceful_shutdown=timedelta(0)):
            await order.place()
            await shop.has(1)
            await order.signal("cancel_request", reason="changed_mind")
            await order.handle.result()
            await shop.has(2)
            described = await process(order, shop.got[0]).describe()

            assert described.status is WorkflowExecutionStatus.RUNNING
            assert len(set(shop.ids)) == len(shop.got)
            for got in shop.got:
                await process(order, got).terminate()


async def test_an_endpoint_that_is_gone_or_never_answers_fails_visibly(
    order: RealTimeStory, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process fails, so that it is found; whoever else subscribed has got it."""
    monkeypatch.setitem(DELIVER_WEBHOOK, "schedule_to_close_timeout", timedelta(seconds=1))
    async with receiver(status=410) as gone, receiver(status=500) as broken:
        subscribe(order, sender_to(gone.url, broken.url, shop.url))
        async with order.working():
            await order.place()
            (got,) = await shop.has(1)

            with pytest.raises(WorkflowFailureError) as raised:
                await process(order, got).result()
        assert str(raised.value.cause) == "GivenUp: An endpoint never took this webhook."
        assert len(gone.got) == 1
        assert broken.got


async def test_an_order_goes_on_while_webhooks_cannot_be_started(
    order: RealTimeStory, shop: Receiver
) -> None:
    """Case 46: the order goes on, people are told, and subscribers when it works again."""
    subscribe(order, sender_to(shop.url))
    assert order.world.subscribers
    broken = Broken(order.world.subscribers)
    order.world = dataclasses.replace(order.world, subscribers=broken)
    async with order.working():
        await order.place()
        await order.signal("cancel_request", reason="changed_mind")
        await order.until(Status.CLOSED)
        await until(
            lambda: SqlOutbox(order.database).entries(order.placed.order_id),
            lambda entries: any(
                it.message.what == "order_closed" for it in entries if it.delivered_at
            ),
        )
        assert shop.got == []
        broken.down = False
        view = await order.handle.result()
        await shop.has(1)

    assert told(shop)[-1] == view.timeline[-1].what


async def test_a_webhook_delivered_by_a_dying_worker_is_repeated_under_the_same_id(
    order: RealTimeStory, shop: Receiver
) -> None:
    """Case 19: at least once, and the receiver can tell."""
    sender = sender_to(shop.url)
    subscribe(order, sender)
    order.world = dataclasses.replace(order.world, endpoints=Dying(sender))
    async with order.working():
        await order.place()
        first, second = await shop.has(2)
        await process(order, first).result()

    assert first.id == second.id
    assert len(shop.got) == 2


async def test_the_same_change_announced_again_is_not_delivered_again(
    order: RealTimeStory, shop: Receiver
) -> None:
    """Also after the first has been delivered."""
    subscribe(order, sender_to(shop.url))
    async with order.working():
        await order.place()
        (got,) = await shop.has(1)
        await process(order, got).result()
        subscribers = order.world.subscribers
        assert subscribers
        for _ in range(3):
            await subscribers.notify(order.placed.order_id)
        await subscribers.notify("stray/of-no-order")
        await order.signal("buyer_message", text="Hello?")
        await shop.has(2)

    assert told(shop) == ["placed", "buyer_message"]


async def test_a_chargeback_after_the_end_is_delivered_as_well(
    order: RealTimeStory, shop: Receiver
) -> None:
    """R23: it changes what is kept of the order."""
    async with order.working():
        await order.place()
        await order.until_cancellation_requested()
        await order.signal("seller_reply", decision="accept")
        view = await order.handle.result()
    subscribe(order, sender_to(shop.url))
    payment = view.payment
    assert payment
    news = ChargebackReported(
        payment_id=payment.payment_id,
        money=eur(2490),
        status=ChargebackStatus.OPENED,
        reason="fraudulent",
    )
    async with order.working():
        await deliver_late(order.client, view.order_id, partial(orders.show, order.client), news)
        (got,) = await shop.has(1)

    assert got.data["status"] == Status.CLOSED
    assert got.data["changes"][-1]["what"] == "chargeback_opened"


async def test_its_history_replays_and_has_neither_addresses_nor_secrets(
    order: RealTimeStory, shop: Receiver
) -> None:
    """Cases 37 and 54."""
    async with receiver(status=410) as gone:
        subscribe(order, sender_to(shop.url, gone.url))
        async with order.working():
            await order.place()
            (got,) = await shop.has(1)
            with pytest.raises(WorkflowFailureError):
                await process(order, got).result()
    history: WorkflowHistory = await process(order, got).fetch_history()

    await replay(history)
    written = "".join(str(event) for event in history.events)
    assert got.id in written
    for secret in ("/orders", SECRET, got.headers["webhook-signature"]):
        assert secret not in written
