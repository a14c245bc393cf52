"""What support has beside an order: its notes, who has taken it, and its parties' orders in numbers."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, insert, select

from database.connection import Database, insert_into
from database.tables import orders, support_assignments, support_notes
from orders.listed import ListedOrder
from orders.messages import Role
from orders.values import Frozen, Instant, LongText

MOST_ORDERS: Final = 500
"""A party's newest orders, which are counted."""


class SupportNote(Frozen):
    """What one of support has noted of an order, for support alone."""

    at: Instant
    by_id: str
    text: LongText


class Assignment(Frozen):
    """Who of support has taken an order, and when."""

    by_id: str
    at: Instant


class PartyHistory(NamedTuple):
    """A party's newest orders (``MOST_ORDERS`` at most) in numbers, by the contract's keys."""

    orders: int
    paid: int
    cancellations: int
    disputes: int
    by_close_reason: dict[str, int]


class SqlSupportCases:
    """Notes, assignments and histories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notes(self, order_id: str) -> list[SupportNote]:
        """Those of an order, oldest first."""
        query = select(support_notes).filter_by(order_id=order_id).order_by(support_notes.c.number)
        async with self._database.reading() as connection:
            return [
                SupportNote(at=row.at, by_id=row.by_id, text=row.text)
                for row in await connection.execute(query)
            ]

    async def add_note(self, order_id: str, note: SupportNote) -> None:
        """Add one."""
        async with self._database.writing() as connection:
            await connection.execute(
                insert(support_notes).values(
                    order_id=order_id, by_id=note.by_id, at=note.at, text=note.text
                )
            )

    async def assignment(self, order_id: str) -> Assignment | None:
        """Who has taken an order; None while nobody has."""
        query = select(support_assignments).filter_by(order_id=order_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Assignment(by_id=row.by_id, at=row.at) if row else None

    async def assign(self, order_id: str, by_id: str, at: datetime) -> None:
        """Take an order, also from somebody else."""
        taken = {"by_id": by_id, "at": at}
        async with self._database.writing() as connection:
            statement = insert_into(connection, support_assignments)
            await connection.execute(
                statement.values(order_id=order_id, **taken).on_conflict_do_update(
                    index_elements=[support_assignments.c.order_id], set_=taken
                )
            )

    async def unassign(self, order_id: str) -> None:
        """Leave an order to whoever takes it next."""
        async with self._database.writing() as connection:
            await connection.execute(delete(support_assignments).filter_by(order_id=order_id))

    async def history(self, role: Role, party_id: str) -> PartyHistory:
        """A buyer's, or a seller's."""
        party = orders.c.buyer_id if role is Role.BUYER else orders.c.seller_id
        newest = select(orders.c.view).where(party == party_id)
        newest = newest.order_by(orders.c.placed_at.desc()).limit(MOST_ORDERS)
        async with self._database.reading() as connection:
            views = list((await connection.execute(newest)).scalars())
        # Whole views: other requests go on meanwhile.
        return await asyncio.to_thread(_counted, views)


def _counted(stored: Sequence[str]) -> PartyHistory:
    found = list(map(ListedOrder.model_validate_json, stored))
    reasons = Counter(it.close_reason.value for it in found if it.close_reason)
    return PartyHistory(
        orders=len(found),
        paid=sum(it.amount_paid.amount > 0 for it in found),
        cancellations=sum(
            it.cancellation is not None and it.cancellation.reason is not None for it in found
        ),
        disputes=sum(it.dispute is not None for it in found),
        by_close_reason=dict(reasons.most_common()),
    )
