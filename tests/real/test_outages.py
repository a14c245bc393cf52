"""Each neighbour of an order is down for a while: deadlines and money go on, and all is made good once."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.common import RetryPolicy

from activities.notifications import OutboxMessage
from activities.orders import OrderSnapshot
from activities.refunds import RefundQuestion, RefundRequest, RefundState
from activities.tracking import CarrierRecord
from adapters.local.provider import LocalProvider
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from demo.system import ServerStory
from demo.waiting import until
from orders import messages as m
from orders.disputes import DisputeReason
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.status import CloseReason, Status
from orders.view import OrderView
from testing.outage import Outage
from tests.real.site import Site, open_site
from workflows import options

SECOND = timedelta(seconds=1)


@dataclass
class Channel:
    outage: Outage = field(default_factory=Outage)
    taken: Counter[str] = field(default_factory=Counter)

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        await self.outage.endure()
        self.taken.update(it.key for it in messages)


@dataclass
class Carrier:
    outage: Outage

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        await self.outage.endure()
        return CarrierRecord()


class Provider(LocalProvider):
    """Books nothing while it is down; settles within a second."""

    def __init__(self, database: Database, outage: Outage) -> None:
        super().__init__(database, settles_after=SECOND)
        self.outage = outage
        self.keys: list[str] = []

    async def refund(self, request: RefundRequest) -> RefundState:
        self.keys.append(request.refund_id)
        await self.outage.endure()
        return await super().refund(request)

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        await self.outage.endure()
        return await super().refund_state(question)


class FailingOrders(SqlOrders):
    """Keeps nothing while it is down, or, with ``keeps``, keeps each step and fails to say so."""

    def __init__(self, database: Database, outage: Outage, *, keeps: bool = False) -> None:
        super().__init__(database)
        self.outage = outage
        self.keeps = keeps

    async def record(self, snapshot: OrderSnapshot, *, delivered: bool = False) -> None:
        if self.keeps:
            await super().record(snapshot, delivered=delivered)
        await self.outage.endure()
        await super().record(snapshot, delivered=delivered)


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Time cannot be skipped while a step waits for somebody who is down: all runs in seconds here."""
    for kind in (options.UNTIL_DONE, options.MOVE_MONEY, options.NOTIFY):
        monkeypatch.setitem(
            kind,
            "retry_policy",
            RetryPolicy(initial_interval=SECOND / 4, maximum_interval=SECOND / 2),
        )
    async with open_site(tmp_path) as site:
        yield site


@pytest.fixture
def hurried(placed: PlaceOrder, monkeypatch: pytest.MonkeyPatch) -> PlaceOrder:
    """An order whose days are seconds."""
    monkeypatch.setattr("orders.policy.LEAST_REMINDER", SECOND)
    policy = Policy(
        payment_review=SECOND,
        seller_reply_window=4 * SECOND,
        refund_window=3 * SECOND,
        refund_checks=(SECOND * 1.5, SECOND * 2.5),
        dispute_window=100 * SECOND,
        dispute_reminder=SECOND,
        payment_reminders=(),
        seller_reminders=(),
    )
    return placed.model_copy(update={"policy": policy})


async def _placed(site: Site, placed: PlaceOrder) -> ServerStory:
    """Without waiting for what follows from it, here and below: that may be down."""
    await site.system.transport.place(placed)
    return ServerStory(site.system, placed)


async def _until_cancellation_requested(order: ServerStory) -> None:
    await order.update(await order.payment())
    await order.until(Status.AWAITING_SHIPMENT)
    await order.update(m.CancelRequest(reason=m.CancelReason.CHANGED_MIND))


def _is_settled(view: OrderView) -> bool:
    return view.refund is not None and view.refund.settled_at is not None


async def _must_be_refunded_once(site: Site, view: OrderView) -> None:
    assert view.amount_refunded == view.amount_paid
    assert [amount for _, amount in await site.refunds()] == [view.amount_paid.amount]
    assert await SqlOrders(site.system.database).find(view.order_id) == view
    balances = await SqlLedger(site.system.database).balances(view.order_id)
    assert balances
    assert not any(balances.values())


async def _assert_all_is_told_once(site: Site, channel: Channel, order_id: str) -> None:
    entries = await SqlOutbox(site.system.database).entries(order_id)
    assert entries
    assert all(entry.delivered_at for entry in entries)
    assert channel.taken == Counter(entry.message.key for entry in entries)


async def test_mail_that_is_down_holds_up_no_money(site: Site, hurried: PlaceOrder) -> None:
    """R21, case 46: the money is back and booked before mail is; then every letter arrives once."""
    channel = Channel(Outage(down=True))
    provider = Provider(site.database, Outage())
    async with site.worker(channel=channel, provider=provider):
        order = await _placed(site, hurried)
        await _until_cancellation_requested(order)
        await order.update(m.SellerReply(decision="accept"))
        view = await order.until(_is_settled)
        kept = await until(
            lambda: SqlOrders(site.system.database).find(hurried.order_id),
            lambda kept: kept == view,
        )
        assert kept
        await _must_be_refunded_once(site, kept)
        assert channel.outage.asked > 1
        assert not channel.taken

        channel.outage.down = False
        await order.must_end()
        await _assert_all_is_told_once(site, channel, hurried.order_id)


async def test_a_database_that_is_down_holds_up_no_money(site: Site, hurried: PlaceOrder) -> None:
    """R14, case 24: nothing is kept meanwhile; all of it is, once, when it is back."""
    channel = Channel()
    orders = FailingOrders(site.database, Outage(down=True))
    provider = Provider(site.database, Outage())
    async with site.worker(channel=channel, orders=orders, provider=provider):
        order = await _placed(site, hurried)
        await _until_cancellation_requested(order)
        await order.update(m.SellerReply(decision="accept"))
        await order.until(_is_settled)
        assert await orders.find(hurried.order_id) is None

        orders.outage.down = False
        view = await order.must_end()
        await _must_be_refunded_once(site, view)
        await _assert_all_is_told_once(site, channel, hurried.order_id)
        assert "refund_succeeded" in {
            e.message.what for e in await SqlOutbox(site.database).entries(view.order_id)
        }


async def test_a_database_that_fails_after_its_commit_books_once(
    site: Site, hurried: PlaceOrder
) -> None:
    """R14, case 24: the same step comes again and changes nothing."""
    channel = Channel()
    orders = FailingOrders(site.database, Outage(failures=20), keeps=True)
    provider = Provider(site.database, Outage())
    async with site.worker(channel=channel, orders=orders, provider=provider):
        order = await _placed(site, hurried)
        await _until_cancellation_requested(order)
        await order.update(m.SellerReply(decision="accept"))
        view = await order.must_end()
        assert orders.outage.failures == 0
        await _must_be_refunded_once(site, view)
        await _assert_all_is_told_once(site, channel, hurried.order_id)


async def test_a_provider_that_is_down_past_the_deadline_pays_once(
    site: Site, hurried: PlaceOrder
) -> None:
    """R15, case 9: escalated while it is down, never dropped, asked again with the same key."""
    channel = Channel()
    provider = Provider(site.database, Outage(down=True))
    async with site.worker(channel=channel, provider=provider):
        order = await _placed(site, hurried)
        await _until_cancellation_requested(order)
        await order.update(m.SellerReply(decision="accept"))
        late = await order.until(lambda view: bool(view.refund and view.refund.overdue))
        assert late.status is Status.CLOSED
        assert late.close_reason is CloseReason.SELLER_ACCEPTED
        assert await site.refunds() == []

        provider.outage.down = False
        view = await order.must_end()
        await _must_be_refunded_once(site, view)
        await _assert_all_is_told_once(site, channel, hurried.order_id)
        assert len(provider.keys) > 1
        assert len(set(provider.keys)) == 1
        told = [it.message for it in await SqlOutbox(site.system.database).entries(view.order_id)]
        assert {it.to for it in told if it.what == "refund_overdue"} == {"buyer", "support"}


async def test_a_carrier_that_hangs_holds_up_no_deadline(site: Site, hurried: PlaceOrder) -> None:
    """R12: the seller's time to prove ends while the carrier says nothing; what it says then is evidence."""
    carrier = Carrier(Outage(hangs=True))
    async with site.worker(carrier_service=carrier):
        order = await _placed(site, hurried)
        await _until_cancellation_requested(order)
        number = m.SellerReply(decision="already_shipped", tracking_number="RR123456785PL")
        await order.update(number)
        await until(lambda: carrier.outage.asked)

        disputed = await order.until(Status.DISPUTED)
        assert disputed.dispute
        assert disputed.dispute.reason is DisputeReason.NO_PROOF

        carrier.outage.hangs = False
        view = await order.until(
            lambda view: bool(view.shipment and view.shipment.tracking[0].status != "verifying"),
        )
        assert view.shipment
        assert view.shipment.tracking[0].status == "valid"
        assert view.status is Status.DISPUTED
