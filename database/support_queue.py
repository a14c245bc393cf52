"""Support's queue: the orders that wait for support, and a search."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Select, func, select

from database.connection import Database
from database.search import matches
from database.tables import ledger_legs, ledger_transactions, orders, stray_payments
from orders import keys
from orders.support_queue import Need, Waiting, waits_for_support
from orders.view import OrderView

_MOST_STRAYS = 100


class SupportCase(NamedTuple):
    """An order, and what it waits for."""

    view: OrderView
    waiting: Waiting | None


class QueueOrder(StrEnum):
    """By what the queue is sorted: who has waited longest, or what is settled soonest without support."""

    AGE = "age"
    DEADLINE = "deadline"


class SqlSupportQueue:
    """Reads the queue, and searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> dict[Need, int]:
        """How many orders wait for what."""
        need = orders.c.need
        query = select(need, func.count()).where(need.is_not(None)).group_by(need)
        async with self._database.reading() as connection:
            found = {row[0]: row[1] for row in await connection.execute(query)}
        return {it: found[it] for it in Need if it in found}

    async def waiting(
        self, need: Need | None, by: QueueOrder, *, skip: int, most: int
    ) -> list[SupportCase]:
        """Orders that wait for support, or for one thing of it."""
        query = select(orders.c.view).where(orders.c.waits_since.is_not(None))
        if need is not None:
            query = query.where(orders.c.need == need)
        if by is QueueOrder.DEADLINE:
            query = query.order_by(orders.c.need_due_by.nulls_last())
        query = query.order_by(orders.c.waits_since, orders.c.order_id)
        return await self._cases(query.offset(skip).limit(most))

    async def count(self, sought: str) -> int:
        """How many orders have these words (``orders.search_terms``)."""
        query = select(func.count()).select_from(orders).where(matches(sought))
        async with self._database.reading() as connection:
            return (await connection.execute(query)).scalar_one()

    async def search(self, sought: str, *, skip: int, most: int) -> list[SupportCase]:
        """Orders with these words, newest first."""
        query = select(orders.c.view).where(matches(sought))
        query = query.order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())
        return await self._cases(query.offset(skip).limit(most))

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

    async def _cases(self, query: Select[str]) -> list[SupportCase]:
        async with self._database.reading() as connection:
            views = list((await connection.execute(query)).scalars())
        # Whole views: other requests go on meanwhile.
        return await asyncio.to_thread(_as_cases, views)


def _as_cases(stored: Sequence[str]) -> list[SupportCase]:
    views = map(OrderView.model_validate_json, stored)
    return [SupportCase(view, waits_for_support(view)) for view in views]
