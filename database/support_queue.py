"""Support's desk: which orders wait for support, and finding any order by what somebody has in hand."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, or_, select, tuple_

from database.connection import Database
from database.order_lists import Cursor, bound
from database.tables import orders
from orders.support_queue import Waiting, waits_for_support
from orders.view import OrderView


class Case(NamedTuple):
    """An order, what it waits for, and where in the list that it was found in it stands."""

    view: OrderView
    waiting: Waiting | None
    place: Cursor


class SqlSupportQueue:
    """Reads support's lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, most: int, after: Cursor | None = None) -> list[Case]:
        """At most so many orders that wait for support, those that have waited longest first."""
        here = orders.c.waits_since, orders.c.order_id
        query = select(orders.c.view, *here).where(orders.c.waits_since.is_not(None))
        if after is not None:
            query = query.where(tuple_(*here) > bound(after))
        return await self._cases(query.order_by(*here).limit(most))

    async def search(self, sought: str, most: int, after: Cursor | None = None) -> list[Case]:
        """Orders of this id, or one that begins so, or of this buyer or seller; newest first."""
        of_them = or_(
            orders.c.order_id.startswith(sought, autoescape=True),
            orders.c.buyer_id == sought,
            orders.c.seller_id == sought,
        )
        here = orders.c.placed_at, orders.c.order_id
        query = select(orders.c.view, *here).where(of_them)
        if after is not None:
            query = query.where(tuple_(*here) < bound(after))
        return await self._cases(query.order_by(*(it.desc() for it in here)).limit(most))

    async def _cases(self, query: Select[str, datetime, str]) -> list[Case]:
        async with self._database.reading() as connection:
            rows = [
                (OrderView.model_validate_json(view), Cursor(at, order_id))
                for view, at, order_id in await connection.execute(query)
            ]
        return [Case(view, waits_for_support(view), place) for view, place in rows]
