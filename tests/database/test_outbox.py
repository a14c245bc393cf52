"""R21: what the outbox knows of each message."""

import pytest

from activities.notifications import OrderSummary, SummaryLine
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from orders.messages import Role
from orders.notifications import Notification
from orders.values import Money
from tests.database.samples import START, changed, pay, placed, put_into_outbox, snapshot


async def test_an_order_is_recorded_with_all_its_notifications_or_not_at_all(
    orders: SqlOrders, ledger: SqlLedger, outbox: SqlOutbox
) -> None:
    order = placed()
    pay(order)
    not_json = Notification(
        key="A-1:9:x:buyer", to=Role.BUYER, what="x", at=START, details={"x": object()}
    )

    with pytest.raises(TypeError):
        await orders.record(
            changed(snapshot(order), notifications=(*order.notifications, not_json))
        )

    assert await orders.find("A-1") is None
    assert await ledger.balances("A-1") == {}
    assert await outbox.entries() == []


async def test_entries_say_which_messages_are_delivered(
    orders: SqlOrders, outbox: SqlOutbox
) -> None:
    await orders.record(snapshot(placed("A-1")))
    await orders.record(snapshot(placed("A-2")))
    [first, _] = await outbox.undelivered("A-1")

    await outbox.mark_delivered(first.key)
    [entry, _] = await outbox.entries("A-1")
    first = first.model_copy(update={"summary": None})
    await outbox.mark_delivered(first.key)

    assert entry.message == first
    assert entry.delivered_at
    assert (await outbox.entries("A-1"))[0] == entry
    assert [it.delivered_at is None for it in await outbox.entries()] == [False, True, True, True]


async def test_a_message_says_which_order_it_is_about(
    orders: SqlOrders, outbox: SqlOutbox, database: Database
) -> None:
    """R21: by the stored view, so that no order's history has it; a stray payment has none."""
    await orders.record(snapshot(placed("A-1")))
    [message, _] = await outbox.undelivered("A-1")
    stray = message.model_copy(update={"key": "stray", "order_id": "stray/p-1"})
    await put_into_outbox(database, stray)

    assert message.summary == OrderSummary(
        lines=(SummaryLine(title="USB-C cable", quantity=1),),
        buyer="Anna",
        seller="Shop 3",
        total=Money.model_validate({"amount": 2490, "currency": "EUR"}),
    )
    assert [it.summary for it in await outbox.undelivered("stray/p-1")] == [None]
