"""What is counted for whoever watches the whole, on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from activities.notifications import OutboxMessage
from activities.orders import OrderSnapshot, as_recorded
from database.connection import Database
from database.counts import Queue, SqlCounts
from database.deliveries import SqlDeliveries
from database.ledger import UnsettledBalance
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from orders.messages import Role
from orders.status import Status
from orders.view import view
from tests.database.samples import DAY, START, book, posting, put_into_outbox
from tests.orders.builders import Story, place

NOBODY = Queue(0, None)


async def _record(database: Database, story: Story) -> None:
    order = story.order
    snapshot = OrderSnapshot(
        revision=order.revision,
        first_run_id="run-1",
        view=as_recorded(view(order)),
        postings=tuple(order.postings),
        notifications=(),
    )
    await SqlOrders(database).record(snapshot)


async def test_open_orders_are_counted_by_status(database: Database) -> None:
    """Every open status is there, also with none; an order that has ended is not counted."""
    await _record(database, Story())
    await _record(database, Story(place(order_id="A-2")).until_shipped())

    found = (await SqlCounts(database).at(START)).open_orders

    assert found == {it: int(it is Status.AWAITING_PAYMENT) for it in set(Status) - Status.ended()}


async def test_a_deadline_is_due_a_day_before_and_late_after(database: Database) -> None:
    story = Story()
    await _record(database, story)
    at = story.view.next[0].at
    counts = SqlCounts(database)

    long_before = await counts.at(at - DAY)
    before = await counts.at(at - DAY + timedelta(seconds=1))
    after = await counts.at(at + timedelta(seconds=1))

    assert (long_before.deadlines_due, long_before.deadlines_late) == (0, NOBODY)
    assert (before.deadlines_due, before.deadlines_late) == (1, NOBODY)
    assert (after.deadlines_due, after.deadlines_late) == (0, Queue(1, at))


async def test_a_refund_is_overdue_after_its_due_date_until_it_is_back(database: Database) -> None:
    """R15. That the provider is to be asked is no deadline: nothing need change when it has been."""
    story = Story().until_accepted()
    await _record(database, story)
    due_by = story.refund.due_by
    counts = SqlCounts(database)

    asked = await counts.at(story.view.next[0].at + timedelta(hours=1))
    late = await counts.at(due_by + timedelta(seconds=1))
    story.send_refund_update("succeeded")
    await _record(database, story)
    settled = await counts.at(due_by + timedelta(seconds=1))

    assert (asked.deadlines_late, asked.refunds_open, asked.refunds_overdue) == (NOBODY, 1, NOBODY)
    assert late.refunds_overdue == Queue(1, due_by)
    assert (settled.refunds_open, settled.refunds_overdue) == (0, NOBODY)


async def test_a_terminated_order_waits_for_support_and_has_no_deadline(database: Database) -> None:
    """Case 97."""
    story = Story()
    await _record(database, story)
    counts = SqlCounts(database)
    before = await counts.at(START + 100 * DAY)

    await SqlOrders(database).mark_terminated(story.view.order_id)

    after = await counts.at(START + 100 * DAY)
    assert (before.deadlines_late.length, before.support) == (1, NOBODY)
    assert (after.deadlines_late, after.support.length) == (NOBODY, 1)


async def test_stray_and_unmatched_money_is_counted_until_it_is_settled(database: Database) -> None:
    """R17, R23."""
    await book(
        database,
        posting("received", 500, "stray", "stray/p-9"),
        posting("received", 700, "stray", "stray/p-8"),
        posting("returned", -700, "stray", "stray/p-8"),
        posting("chargeback", -30, "unmatched", "A-1"),
        posting("payment", 2490, "held", "A-2"),
    )

    found = (await SqlCounts(database).at(START)).unsettled

    assert sorted(found) == [
        UnsettledBalance("EUR", "stray", -500, START),
        UnsettledBalance("EUR", "unmatched", 30, START),
    ]


async def test_notifications_are_counted_that_wait_or_were_refused(database: Database) -> None:
    """R21: of refused ones those of a day."""
    now = datetime.now(UTC)
    keys = [f"A-1:order_placed:{number}:support" for number in range(2)]
    for number, key in enumerate(keys):
        message = OutboxMessage(
            key=key,
            order_id="A-1",
            to=Role.SUPPORT,
            party=None,
            what="order_placed",
            at=START + number * DAY,
            details={},
        )
        await put_into_outbox(database, message)
        deliveries = SqlDeliveries(database)
        await deliveries.lease(key, "mailto:x@x.example", "mailto")
        await deliveries.mark_refused([key], "mailto:x@x.example", "Unknown.")
    await SqlOutbox(database).mark_delivered(keys[0])

    found = await SqlCounts(database).at(now)
    later = await SqlCounts(database).at(now + 2 * DAY)

    assert found.outbox == Queue(1, START + DAY)
    assert (found.deliveries_refused, later.deliveries_refused) == (2, 0)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM orders WHERE status IN ('disputed') GROUP BY status",
        "SELECT count(*), min(due_at) FROM orders WHERE due_at < '2026'",
        "SELECT count(*) FROM orders WHERE refund_due_by IS NOT NULL",
        "SELECT count(*), min(waits_since) FROM orders WHERE waits_since IS NOT NULL",
        "SELECT count(*), min(at) FROM outbox WHERE delivered_at IS NULL",
        "SELECT count(*) FROM deliveries WHERE at >= '2026' AND state = 'refused'",
        "SELECT sum(amount) FROM ledger_legs WHERE account IN ('stray', 'unmatched')",
    ],
)
async def test_counting_never_reads_a_whole_table(url: str, database: Database, query: str) -> None:
    """What has ended stays for years: only what has not is read, by an index."""
    if url.startswith("postgresql"):
        return  # it prefers to read tables of a few rows whole

    async with database.reading() as connection:
        plan = [it.detail for it in await connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]

    assert [it for it in plan if "SCAN" in it and "INDEX" not in it] == []
    assert any("INDEX" in it for it in plan)
