"""Lists of orders, and which of them have changed, from what is kept of each."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import String, Tuple, select, tuple_

from database.connection import Database
from database.tables import UtcInstant, orders
from orders.status import Status
from orders.view import OrderView


class Cursor(NamedTuple):
    """Where in a list an order stands: by an instant of its, and of several by its id."""

    at: datetime
    order_id: str


def bound(place: Cursor) -> Tuple:
    """A place to compare columns with: within a tuple, values do not take the type of the columns."""
    return tuple_(*place, types=(UtcInstant(), String()))


def by_placing(view: OrderView) -> Cursor:
    """Where an order stands in a list of the newest."""
    return Cursor(view.placed_at, view.order_id)


class SqlOrderLists:
    """Reads lists; never waits for a writer."""

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
    ) -> list[OrderView]:
        """At most so many orders, newest first: a party's own, in a status, behind a place in the list."""
        query = select(orders.c.view).order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())
        if buyer_id is not None:
            query = query.where(orders.c.buyer_id == buyer_id)
        if seller_id is not None:
            query = query.where(orders.c.seller_id == seller_id)
        if status is not None:
            query = query.where(orders.c.status == status)
        if after is not None:
            query = query.where(tuple_(orders.c.placed_at, orders.c.order_id) < bound(after))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.limit(most))
            return [OrderView.model_validate_json(row.view) for row in rows]

    async def changed(self, seen: Mapping[str, int]) -> dict[str, tuple[int, OrderView]]:
        """Of these orders those that are kept at another revision than the one seen, with that."""
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
