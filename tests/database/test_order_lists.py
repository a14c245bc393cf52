"""Lists of orders, part by part: support's, and the newest."""

import time
from datetime import timedelta

import pytest

from database.connection import Database
from database.order_lists import ListReader, SqlOrderLists, cursor_of_newest
from database.orders import SqlOrders
from database.support_queue import QueueOrder, SqlSupportQueue
from orders.asked import Ask
from orders.disputes import Dispute, DisputeReason
from orders.handlers import receive
from orders.messages import Role, parse
from orders.schedule import let_time_pass
from orders.shipments import Shipment, TrackingEvidence
from orders.support_queue import Need
from orders.view import OrderView
from tests.database.samples import START, pay, placed, snapshot

SUPPORT = ListReader(Role.SUPPORT, "support-1")

# The second and the third have waited equally long; the last does not wait.
SINCE = {"A-4": 0, "A-2": 1, "A-3": 1, "A-1": 2, "A-0": None}


@pytest.fixture
async def waiting(database: Database, orders: SqlOrders) -> SqlSupportQueue:
    for order_id, hours in SINCE.items():
        order = placed(order_id)
        if hours is not None:
            at = START + timedelta(hours=hours)
            order.shipment = Shipment(ship_by=None)
            order.dispute = Dispute(
                dispute_id=order_id,
                reason=DisputeReason.BUYER_REQUEST,
                opened_at=at,
                due_by=at + timedelta(days=60),
            )
        await orders.record(snapshot(order))
    return SqlSupportQueue(database)


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_the_support_queue_is_paged_longest_waiting_first_without_gaps_or_repeats(
    waiting: SqlSupportQueue, most: int
) -> None:
    """R11, R15, R16."""
    seen: list[str] = []
    while found := await waiting.waiting(None, QueueOrder.AGE, skip=len(seen), most=most):
        seen += [case.view.order_id for case in found]

    assert seen == ["A-4", "A-2", "A-3", "A-1"]
    assert await waiting.counts() == {Need.DISPUTE: 4}


async def test_the_support_queue_has_what_ends_soonest_first_and_one_kind_alone(
    waiting: SqlSupportQueue, orders: SqlOrders
) -> None:
    """R16b: an older dispute with a longer window ends later."""
    older = placed("A-5")
    older.shipment = Shipment(ship_by=None)
    older.dispute = Dispute(
        dispute_id="A-5",
        reason=DisputeReason.BUYER_REQUEST,
        opened_at=START - timedelta(days=1),
        due_by=START + timedelta(days=90),
    )
    await orders.record(snapshot(older))

    found = await waiting.waiting(Need.DISPUTE, QueueOrder.DEADLINE, skip=0, most=9)
    assert [case.view.order_id for case in found] == ["A-4", "A-2", "A-3", "A-1", "A-5"]
    assert await waiting.waiting(Need.PROOF, QueueOrder.DEADLINE, skip=0, most=9) == []


@pytest.mark.parametrize("sought", ["A-", "buyer-7", "seller-3", "anna", "USB-C cab", "  Shop  "])
async def test_orders_placed_at_the_same_instant_are_found_once(
    waiting: SqlSupportQueue, sought: str
) -> None:
    """By number, person and product, each by the beginning of its words."""
    seen: list[str] = []
    while found := await waiting.search(sought, skip=len(seen), most=2):
        seen += [case.view.order_id for case in found]

    assert seen == sorted(SINCE, reverse=True)
    assert await waiting.count(sought) == len(SINCE)


@pytest.mark.parametrize("sought", ["A-4 bob", "uyer-7", "%", "_", "anna' or '1'='1", "!!"])
async def test_what_no_order_has_is_not_found(waiting: SqlSupportQueue, sought: str) -> None:
    """Words must all be there, from their beginnings; nothing is a pattern."""
    assert await waiting.count(sought) == 0


async def test_an_order_is_found_by_its_payment_refund_and_tracking_number(
    database: Database, orders: SqlOrders
) -> None:
    """Those that it had once find it for ever."""
    order, queue = placed("PL-2001"), SqlSupportQueue(database)
    pay(order)
    order.shipment = Shipment(
        ship_by=None,
        tracking=[TrackingEvidence(number="RR473124829PL", carrier=None, given_at=START)],
    )
    await orders.record(snapshot(order))

    for sought in ("p-1", "RR 4731 2482 9PL", "rr473124829pl", "pl-2001"):
        assert [it.view.order_id for it in await queue.search(sought, skip=0, most=9)] == [
            "PL-2001"
        ]


async def test_a_sellers_orders_are_told_apart_by_what_they_ask_the_soonest_first(
    database: Database, orders: SqlOrders
) -> None:
    """R9, R20: of two that ask for an answer the one with the earlier end, whenever it was placed."""
    lists, seller = SqlOrderLists(database), ListReader(Role.SELLER, "seller-3")
    for number, days in (("A-1", 9), ("A-2", 4), ("A-3", None)):
        order = placed(number)
        if days is not None:
            pay(order)
            let_time_pass(order, START + timedelta(days=1))
            request = parse("cancel_request", [b'{"reason": "changed_mind"}'])
            receive(order, request, START + timedelta(days=days))
        await orders.record(snapshot(order))

    assert await lists.counts(seller) == {Ask.REPLY: 2, None: 1}
    asking = await lists.asking(seller, Ask.answers(), skip=0, most=9)
    assert [(it.order_id, it.due_by) for it in asking] == [
        ("A-2", START + timedelta(days=18)),
        ("A-1", START + timedelta(days=23)),
    ]
    others = await lists.asking_nothing(seller, skip=0, most=9)
    assert [it.order_id for it in others] == ["A-3"]
    assert await lists.counts(ListReader(Role.BUYER, "buyer-7")) == {Ask.PAY: 1, None: 2}
    assert await lists.counts(ListReader(Role.SELLER, "seller-4")) == {}
    soon = await lists.newest(seller, most=9, due_before=START + timedelta(days=20))
    assert [it.order_id for it in soon] == ["A-2"]
    asked = await lists.newest(seller, most=9, asked=[Ask.REPLY])
    assert [it.order_id for it in asked] == ["A-2", "A-1"]


async def test_the_newest_orders_are_paged_without_gaps_or_repeats(
    database: Database, orders: SqlOrders
) -> None:
    """The first two were placed at once, the others an hour later each."""
    for hour, order_id in enumerate(["A-2", "A-1", "A-3", "A-0"]):
        order = placed(order_id)
        order.placed_at = START + timedelta(hours=max(hour, 1))
        await orders.record(snapshot(order))

    seen, after = [], None
    while found := await SqlOrderLists(database).newest(SUPPORT, most=1, after=after):
        seen += [view.order_id for view in found]
        after = cursor_of_newest(found[-1])

    assert seen == ["A-0", "A-3", "A-2", "A-1"]


async def test_a_list_of_large_orders_is_cheap(database: Database, orders: SqlOrders) -> None:
    """What 50 orders of 100 lines cost the gateway's loop, beside what reading the whole of them does."""
    order, lists = placed(), SqlOrderLists(database)
    order.placed = order.placed.model_copy(update={"lines": order.placed.lines * 100})
    for number in range(50):
        order.placed = order.placed.model_copy(update={"order_id": f"A-{number}"})
        await orders.record(snapshot(order))
    whole = snapshot(order).view.model_dump_json()

    listing, reading = [], []
    for _ in range(3):  # the first prepares more, and garbage may be collected in one
        begun = time.thread_time()
        found = await lists.newest(SUPPORT, most=50)
        listed = time.thread_time()
        for _ in found:
            OrderView.model_validate_json(whole)
        listing.append(listed - begun)
        reading.append(time.thread_time() - listed)

    assert len(found) == 50
    assert min(listing) * 2 < min(reading)
