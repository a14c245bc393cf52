"""Lists of orders, part by part: support's, and the newest."""

import time
from datetime import timedelta

import pytest

from database.connection import Database
from database.order_lists import SqlOrderLists, cursor_of_newest
from database.orders import SqlOrders
from database.support_queue import SqlSupportQueue
from orders.disputes import Dispute, DisputeReason
from orders.shipments import Shipment
from orders.view import OrderView
from tests.database.samples import START, placed, snapshot

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
    seen, after = [], None
    while found := await waiting.first(most, after):
        seen += [case.view.order_id for case in found]
        after = found[-1].cursor

    assert seen == ["A-4", "A-2", "A-3", "A-1"]


@pytest.mark.parametrize("sought", ["A-", "buyer-7", "seller-3"])
async def test_orders_placed_at_the_same_instant_are_found_once(
    waiting: SqlSupportQueue, sought: str
) -> None:
    seen, after = [], None
    while found := await waiting.search(sought, 2, after):
        seen += [case.view.order_id for case in found]
        after = found[-1].cursor

    assert seen == sorted(SINCE, reverse=True)


async def test_the_newest_orders_are_paged_without_gaps_or_repeats(
    database: Database, orders: SqlOrders
) -> None:
    """The first two were placed at once, the others an hour later each."""
    for hour, order_id in enumerate(["A-2", "A-1", "A-3", "A-0"]):
        order = placed(order_id)
        order.placed_at = START + timedelta(hours=max(hour, 1))
        await orders.record(snapshot(order))

    seen, after = [], None
    while found := await SqlOrderLists(database).newest(most=1, after=after):
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
        found = await lists.newest(most=50)
        listed = time.thread_time()
        for _ in found:
            OrderView.model_validate_json(whole)
        listing.append(listed - begun)
        reading.append(time.thread_time() - listed)

    assert len(found) == 50
    assert min(listing) * 2 < min(reading)
