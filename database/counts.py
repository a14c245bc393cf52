"""How many orders, refunds and notifications are where, and what is late: for whoever watches the whole.

All of it is read by indexes of what is not settled yet; nothing here names an order or a person.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from database.connection import Database
from database.ledger import UnsettledBalance, unsettled
from database.tables import deliveries, orders, outbox
from orders.status import Status

COMING = timedelta(days=1)
"""How far ahead deadlines are counted."""

PAST = timedelta(days=1)
"""How far back refused deliveries are counted."""


class Queue(NamedTuple):
    """How many wait, and since when the first of them does."""

    length: int
    since: datetime | None


class Counts(NamedTuple):
    """What is open at an instant; amounts are in minor units.

    ``deadlines_late`` and ``refunds_overdue`` are since the instant that was missed.
    """

    open_orders: dict[Status, int]
    deadlines_due: int
    deadlines_late: Queue
    refunds_open: int
    refunds_overdue: Queue
    support: Queue
    unsettled: list[UnsettledBalance]
    outbox: Queue
    deliveries_refused: int


class SqlCounts:
    """Counts in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def at(self, now: datetime) -> Counts:
        """What is open, late and coming at this instant."""
        due, owed = orders.c.due_at, orders.c.refund_due_by
        by_status = (
            select(orders.c.status, func.count())
            .where(orders.c.status.in_(set(Status) - Status.ended()))
            .group_by(orders.c.status)
        )
        async with self._database.reading() as connection:
            found = {Status(it[0]): it[1] for it in await connection.execute(by_status)}
            return Counts(
                open_orders={it: found.get(it, 0) for it in Status if it not in Status.ended()},
                deadlines_due=await _number(connection, orders, due >= now, due < now + COMING),
                deadlines_late=await _queue(connection, due, due < now),
                refunds_open=await _number(connection, orders, owed.is_not(None)),
                refunds_overdue=await _queue(connection, owed, owed < now),
                support=await _queue(
                    connection, orders.c.waits_since, orders.c.waits_since.is_not(None)
                ),
                unsettled=await unsettled(connection),
                outbox=await _queue(connection, outbox.c.at, outbox.c.delivered_at.is_(None)),
                deliveries_refused=await _number(
                    connection,
                    deliveries,
                    deliveries.c.at >= now - PAST,
                    deliveries.c.state == "refused",
                ),
            )


async def _number(connection: AsyncConnection, table: Table, *which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(*which)
    return (await connection.execute(query)).scalar_one()


async def _queue(
    connection: AsyncConnection, since: ColumnElement[datetime], which: ColumnElement[bool]
) -> Queue:
    row = (await connection.execute(select(func.count(), func.min(since)).where(which))).one()
    return Queue(row[0], row[1])
