"""Support's queue: the orders that wait for support, and a search by order, buyer or seller."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, Select, func, or_, select, tuple_

from database.connection import Database
from database.order_lists import Cursor, literal
from database.tables import ledger_legs, ledger_transactions, orders, stray_payments
from orders import keys
from orders.support_queue import Waiting, waits_for_support
from orders.view import OrderView

_MOST_STRAYS = 100


class SupportCase(NamedTuple):
    """An order, what it waits for, and its position in the list that it was found in."""

    view: OrderView
    waiting: Waiting | None
    cursor: Cursor


class SqlSupportQueue:
    """Reads the queue, and searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, most: int, after: Cursor | None = None) -> list[SupportCase]:
        """At most this many orders that wait for support, the longest waiting first."""
        here = orders.c.waits_since, orders.c.order_id
        query = select(orders.c.view, *here).where(orders.c.waits_since.is_not(None))
        if after is not None:
            query = query.where(tuple_(*here) > literal(after))
        return await self._cases(query.order_by(*here).limit(most))

    async def search(
        self, sought: str, most: int, after: Cursor | None = None
    ) -> list[SupportCase]:
        """Orders whose id starts with this, or of the buyer or seller with this id; newest first."""
        of_them = or_(
            orders.c.order_id.startswith(sought, autoescape=True),
            orders.c.buyer_id == sought,
            orders.c.seller_id == sought,
        )
        here = orders.c.placed_at, orders.c.order_id
        query = select(orders.c.view, *here).where(of_them)
        if after is not None:
            query = query.where(tuple_(*here) < literal(after))
        return await self._cases(query.order_by(*(it.desc() for it in here)).limit(most))

    async def stray_payments(self, sought: str = "") -> list[str]:
        """R23: the ids of stray payments with money that nobody has said who bears; or the one sought."""
        entries = ledger_transactions.c
        unsaid = (
            select(entries.order_id)
            .join_from(ledger_transactions, ledger_legs)
            .where(
                ledger_legs.c.account == "unmatched",
                entries.order_id.startswith(keys.STRAY_LEDGER_PREFIX),
            )
            .group_by(entries.order_id, entries.currency)
            .having(func.sum(ledger_legs.c.amount) != 0)
            .distinct()
            .limit(_MOST_STRAYS)
        )
        one = select(stray_payments.c.payment_id).where(stray_payments.c.payment_id == sought)
        async with self._database.reading() as connection:
            if sought:
                return list((await connection.execute(one)).scalars())
            found = (await connection.execute(unsaid)).scalars()
        return sorted(filter(None, map(keys.read_stray_ledger_id, found)))

    async def _cases(self, query: Select[str, datetime, str]) -> list[SupportCase]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        # Whole views, and so many: other requests go on meanwhile.
        return await asyncio.to_thread(_as_cases, rows)


def _as_cases(rows: Sequence[Row[str, datetime, str]]) -> list[SupportCase]:
    views = [(OrderView.model_validate_json(it[0]), Cursor(it[1], it[2])) for it in rows]
    return [SupportCase(view, waits_for_support(view), cursor) for view, cursor in views]
