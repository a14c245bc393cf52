"""Rows that are old and needed no more are removed, in batches; all else stays (case 92)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Table, insert, select
from temporalio.testing import ActivityEnvironment

from activities.retention import BATCH, RemovedRows, Retained, Retention
from database import tables
from database.connection import Database
from database.retention import SqlExpiredRows

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
AGE = timedelta(days=30)
OLD, NEW = NOW - AGE - timedelta(seconds=1), NOW - AGE + timedelta(seconds=1)


async def write(database: Database, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    async with database.writing() as connection:
        await connection.execute(insert(table), list(rows))


async def left(database: Database, table: Table, column: str) -> list[Any]:
    async with database.reading() as connection:
        return sorted(await connection.scalars(select(table.c[column])))


def request(message_id: str, received_at: datetime) -> dict[str, Any]:
    key = {"order_id": "A-1", "message": "buyer_message", "message_id": message_id}
    return key | {"digest": "0" * 64, "received_at": received_at}


def notification(key: str, delivered_at: datetime | None) -> dict[str, Any]:
    about = {"order_id": "A-1", "role": "support", "what": "order_placed", "details": "{}"}
    return about | {"key": key, "at": NOW - 10 * AGE, "delivered_at": delivered_at, "party": None}


def delivery(key: str, address: str, state: str, at: datetime) -> dict[str, Any]:
    it = {"message_key": key, "address": address, "channel": "mailto", "reason": ""}
    return it | {"state": state, "at": at}


async def expire(database: Database, kept: Retained, age: timedelta = AGE) -> int:
    """Remove what is older; how many rows that were."""
    removing = Retention(SqlExpiredRows(database), {kept: age})
    removed: RemovedRows = await ActivityEnvironment().run(removing.remove_expired, NOW)
    return removed.removed[kept]


async def test_idempotency_keys_are_removed_at_their_age(database: Database) -> None:
    """Those of other orders and messages by the same id are others."""
    rows = [request("old", OLD), request("new", NEW)]
    rows.append(request("old", NEW) | {"order_id": "A-2"})
    await write(database, tables.requests, rows)

    assert await expire(database, Retained.IDEMPOTENCY_KEYS) == 1

    assert await left(database, tables.requests, "message_id") == ["new", "old"]
    assert await left(database, tables.requests, "order_id") == ["A-1", "A-2"]


async def test_events_that_were_taken_are_removed_at_their_age(database: Database) -> None:
    events = (("old", OLD), ("new", NEW))
    await write(
        database,
        tables.provider_events,
        ({"event_id": event_id, "type": "x", "delivered_at": at} for event_id, at in events),
    )

    assert await expire(database, Retained.WEBHOOK_INBOX) == 1

    assert await left(database, tables.provider_events, "event_id") == ["new"]


async def test_a_notification_goes_with_its_deliveries_and_stays_while_it_is_not_delivered(
    database: Database,
) -> None:
    """It was written long ago in each case."""
    await write(
        database,
        tables.outbox,
        [notification("unsent", None), notification("old", OLD), notification("new", NEW)],
    )
    await write(
        database,
        tables.deliveries,
        [
            delivery("unsent", "a", "delivered", OLD),
            delivery("unsent", "b", "sending", OLD),
            delivery("old", "a", "delivered", OLD),
            delivery("old", "b", "refused", OLD),
            delivery("old", "c", "sending", OLD),
            delivery("new", "a", "delivered", OLD),
        ],
    )

    assert await expire(database, Retained.OUTBOX) == 1

    assert await left(database, tables.outbox, "key") == ["new", "unsent"]
    assert await left(database, tables.deliveries, "message_key") == ["new", "unsent", "unsent"]


async def test_deliveries_are_removed_once_their_notification_needs_them_no_more(
    database: Database,
) -> None:
    """What is open stays: by the others it is known who has the notification already."""
    await write(database, tables.outbox, [notification("unsent", None), notification("sent", NEW)])
    await write(
        database,
        tables.deliveries,
        [
            delivery("unsent", "1", "delivered", OLD),
            delivery("unsent", "2", "refused", OLD),
            delivery("unsent", "3", "sending", OLD),
            delivery("sent", "4", "delivered", OLD),
            delivery("sent", "5", "refused", OLD),
            delivery("sent", "6", "sending", OLD),
            delivery("sent", "7", "delivered", NEW),
        ],
    )

    assert await expire(database, Retained.DELIVERIES) == 2

    assert await left(database, tables.deliveries, "address") == ["1", "2", "3", "6", "7"]
    assert await left(database, tables.outbox, "key") == ["sent", "unsent"]


@pytest.mark.parametrize("kept", Retained)
async def test_where_nothing_is_old_nothing_is_removed(database: Database, kept: Retained) -> None:
    await write(database, tables.requests, [request("new", NEW)])
    await write(database, tables.outbox, [notification("new", NEW)])
    await write(database, tables.deliveries, [delivery("new", "a", "delivered", NEW)])

    assert await expire(database, kept) == 0

    for table in (tables.requests, tables.outbox, tables.deliveries):
        assert len(await left(database, table, table.primary_key.columns.keys()[0])) == 1


async def test_each_transaction_removes_a_batch_of_the_oldest(database: Database) -> None:
    rows = SqlExpiredRows(database)
    await write(
        database,
        tables.requests,
        (request(f"{number:02}", OLD - timedelta(hours=number)) for number in range(12)),
    )

    removed = [await rows.remove(Retained.IDEMPOTENCY_KEYS, NOW - AGE, 5) for _ in range(2)]

    assert removed == [5, 5]
    assert await left(database, tables.requests, "message_id") == ["00", "01"]


async def test_many_rows_are_removed_in_batches_with_others_writing_between(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for more than a batch."""
    await write(
        database, tables.requests, (request(f"{number}", OLD) for number in range(2 * BATCH + 1))
    )
    written = []

    async def write_between(seconds: float) -> None:
        written.append(len(await left(database, tables.requests, "message_id")))
        await write(database, tables.requests, [request(f"new-{len(written)}", NEW)])

    # Not everybody's: others sleep meanwhile.
    monkeypatch.setattr("activities.retention.asyncio", SimpleNamespace(sleep=write_between))

    assert await expire(database, Retained.IDEMPOTENCY_KEYS) == 2 * BATCH + 1

    assert written == [BATCH + 1, 2]
    assert await left(database, tables.requests, "message_id") == ["new-1", "new-2"]


async def test_what_support_noted_is_removed_at_its_age(database: Database) -> None:
    """And who had taken an order so long ago."""
    note = {"order_id": "A-1", "by_id": "support-1", "text": "Called them."}
    await write(database, tables.support_notes, [note | {"at": OLD}, note | {"at": NEW}])
    taken = {"by_id": "support-1"}
    orders = [taken | {"order_id": "A-1", "at": OLD}, taken | {"order_id": "A-2", "at": NEW}]
    await write(database, tables.support_assignments, orders)

    assert await expire(database, Retained.SUPPORT_NOTES) == 1

    assert await left(database, tables.support_notes, "number") == [2]
    assert await left(database, tables.support_assignments, "order_id") == ["A-2"]
