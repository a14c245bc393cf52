"""Lists of orders, and which of them have changed, from their recorded views."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, Tuple, select, tuple_

from database.connection import Database
from database.tables import UtcInstant, orders
from orders.listed import ListedOrder
from orders.status import Status
from orders.view import OrderView


class Cursor(NamedTuple):
    """An order's position in a list: one of its instants, and its id among orders of the same instant."""

    at: datetime
    order_id: str


def literal(cursor: Cursor) -> Tuple:
    """A cursor to compare columns with: within a tuple, values are not given the types of the columns."""
    return tuple_(*cursor, types=(UtcInstant(), String()))


def cursor_of_newest(view: ListedOrder) -> Cursor:
    """An order's position in a list of the newest."""
    return Cursor(view.placed_at, view.order_id)


class SqlOrderLists:
    """Reads lists of orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self,
        *,
        most: int,
        buyer_id: str | None = None,
        seller_id: str | None = None,
        status: Status | None = None,
        after: Cursor | None = None,
    ) -> list[ListedOrder]:
        """At most this many orders, newest first: a party's, in a status, after a position in the list."""
        query = select(orders.c.view).order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())
        if buyer_id is not None:
            query = query.where(orders.c.buyer_id == buyer_id)
        if seller_id is not None:
            query = query.where(orders.c.seller_id == seller_id)
        if status is not None:
            query = query.where(orders.c.status == status)
        if after is not None:
            query = query.where(tuple_(orders.c.placed_at, orders.c.order_id) < literal(after))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.limit(most))
            return [ListedOrder.model_validate_json(row.view) for row in rows]

    async def changed(self, seen: Mapping[str, int]) -> dict[str, tuple[int, OrderView]]:
        """Those of these orders that are at another revision than the one seen, with that revision."""
        revision = select(orders.c.order_id, orders.c.revision)
        view = select(orders.c.order_id, orders.c.revision, orders.c.view)
        async with self._database.reading() as connection:
            rows = await connection.execute(revision.where(orders.c.order_id.in_(seen)))
            other = [row.order_id for row in rows if row.revision != seen[row.order_id]]
            if not other:
                return {}
            rows = await connection.execute(view.where(orders.c.order_id.in_(other)))
            return {
                row.order_id: (row.revision, OrderView.model_validate_json(row.view))
                for row in rows
            }
