"""Support's desk: which orders wait for support, and finding any order by what somebody has in hand."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select

from ledger.database import Database
from ledger.tables import orders
from orders.view import OrderView
from orders.waiting import Waiting, waits_for_support


class Case(NamedTuple):
    """An order, and what it waits for."""

    view: OrderView
    waiting: Waiting | None


class SqlWaiting:
    """Reads support's lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, most: int) -> list[Case]:
        """At most so many orders that wait for support, those that have waited longest first."""
        return await self._cases(orders.c.waits_since.is_not(None), orders.c.waits_since, most)

    async def search(self, sought: str, most: int) -> list[Case]:
        """Orders of this id, or one that begins so, or of this buyer or seller; newest first."""
        of_them = or_(
            orders.c.order_id.startswith(sought, autoescape=True),
            orders.c.buyer_id == sought,
            orders.c.seller_id == sought,
        )
        return await self._cases(of_them, orders.c.placed_at.desc(), most)

    async def _cases(
        self, which: ColumnElement[bool], by: ColumnElement[object], most: int
    ) -> list[Case]:
        query = select(orders.c.view).where(which).order_by(by, orders.c.order_id).limit(most)
        async with self._database.reading() as connection:
            views = [
                OrderView.model_validate_json(it.view) for it in await connection.execute(query)
            ]
        return [Case(view, waits_for_support(view)) for view in views]
