"""Lists of orders, and which of them have changed, from their recorded views."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Select, String, Tuple, func, select, tuple_

from database.connection import Database
from database.search import matches
from database.tables import UtcInstant, orders
from orders.listed import ListedOrder
from orders.messages import Role
from orders.status import Status
from orders.view import OrderView

_Row = TypeVarTuple("_Row")


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


class ListReader(NamedTuple):
    """Whom a list is for: a buyer or a seller, whose own orders it has, or support."""

    role: Role
    id: str


class SqlOrderLists:
    """Reads lists of orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self,
        reader: ListReader,
        *,
        most: int,
        status: Status | None = None,
        asked: Collection[str] = (),
        due_before: datetime | None = None,
        after: Cursor | None = None,
    ) -> list[ListedOrder]:
        """At most this many orders, newest first: in a status, that ask one of these, after a position."""
        query = _newest_first(_of(reader))
        if status is not None:
            query = query.where(orders.c.status == status)
        if asked:
            query = query.where(_asked(reader.role).in_(asked))
        if due_before is not None:
            query = query.where(_due_by(reader.role) < due_before)
        if after is not None:
            query = query.where(tuple_(orders.c.placed_at, orders.c.order_id) < literal(after))
        return await self._listed(query.limit(most))

    async def counts(self, reader: ListReader) -> dict[str | None, int]:
        """How many orders ask what of the reader, and under None how many ask nothing."""
        asked = _asked(reader.role)
        query = _whose(select(asked, func.count()), reader).group_by(asked)

        def read(connection: Connection) -> dict[str | None, int]:
            return {row[0]: row[1] for row in connection.execute(query)}

        return await self._database.read(read)

    async def asking(
        self, reader: ListReader, asked: Collection[str], *, skip: int, most: int
    ) -> list[ListedOrder]:
        """Orders that ask one of these of the reader, the soonest deadline first."""
        column, due_by = _asked(reader.role), _due_by(reader.role)
        query = (
            _of(reader).where(column.in_(asked)).order_by(due_by.nulls_last(), orders.c.order_id)
        )
        return await self._listed(query.offset(skip).limit(most))

    async def asking_nothing(
        self, reader: ListReader, *, skip: int, most: int
    ) -> list[ListedOrder]:
        """Orders that ask nothing of the reader, newest first."""
        query = _newest_first(_of(reader)).where(_asked(reader.role).is_(None))
        return await self._listed(query.offset(skip).limit(most))

    async def count(self, reader: ListReader, sought: str, status: Status | None) -> int:
        """How many orders there are with these words, in this status."""
        query = _whose(select(func.count()).select_from(orders), reader)
        query = query.where(*_wanted(sought, status))
        return await self._database.read(lambda connection: connection.scalars(query).one())

    async def search(
        self, reader: ListReader, sought: str, status: Status | None, *, skip: int, most: int
    ) -> list[ListedOrder]:
        """Orders with these words, in this status, newest first."""
        query = _newest_first(_of(reader)).where(*_wanted(sought, status))
        return await self._listed(query.offset(skip).limit(most))

    async def _listed(self, query: Select[str, str, datetime]) -> list[ListedOrder]:
        def read(connection: Connection) -> list[ListedOrder]:
            return [
                ListedOrder.model_validate_json(view).model_copy(
                    update={"asked": asked, "due_by": due_by}
                )
                for view, asked, due_by in connection.execute(query)
            ]

        return await self._database.read(read)

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


def _asked(role: Role) -> ColumnElement[str]:
    match role:
        case Role.BUYER:
            return orders.c.buyer_asked
        case Role.SELLER:
            return orders.c.seller_asked
        case _:
            return orders.c.need


def _due_by(role: Role) -> ColumnElement[datetime]:
    match role:
        case Role.BUYER:
            return orders.c.buyer_due_by
        case Role.SELLER:
            return orders.c.seller_due_by
        case _:
            return orders.c.need_due_by


def _wanted(sought: str, status: Status | None) -> Iterator[ColumnElement[bool]]:
    if sought:
        yield matches(sought)
    if status is not None:
        yield orders.c.status == status


def _of(reader: ListReader) -> Select[str, str, datetime]:
    return _whose(select(orders.c.view, _asked(reader.role), _due_by(reader.role)), reader)


def _whose(query: Select[*_Row], reader: ListReader) -> Select[*_Row]:
    match reader.role:
        case Role.BUYER:
            return query.where(orders.c.buyer_id == reader.id)
        case Role.SELLER:
            return query.where(orders.c.seller_id == reader.id)
        case _:
            return query


def _newest_first(query: Select[*_Row]) -> Select[*_Row]:
    return query.order_by(orders.c.placed_at.desc(), orders.c.order_id.desc())
