"""Orders as they were last recorded; never deleted."""

from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import Boolean, Executable, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from activities.orders import OrderExists, OrderSnapshot, outbox_messages
from database import ledger, outbox
from database.connection import Database, if_missing
from database.tables import orders, search_terms
from orders import search_terms as terms
from orders.asked import asked_of
from orders.messages import Role
from orders.reopening import terminated
from orders.schedule import REFUND_CHECK
from orders.support_queue import waits_for_support
from orders.view import OrderView, is_finished


class SqlOrders:
    """Implements ``activities.orders.OrderStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, order_id: str) -> OrderView | None:
        """See ``OrderStore``."""
        view = await self._database.read(
            lambda connection: connection.scalar(_VIEW, {"order_id": order_id})
        )
        return None if view is None else OrderView.model_validate_json(view)

    async def parties(self, order_id: str) -> tuple[str, str] | None:
        """The ids of an order's buyer and seller; None for an unknown order."""
        row = await self._database.read(
            lambda connection: connection.execute(_PARTIES, {"order_id": order_id}).one_or_none()
        )
        return None if row is None else (row.buyer_id, row.seller_id)

    async def record(self, snapshot: OrderSnapshot, *, delivered: bool = False) -> None:
        """See ``OrderStore``.

        The ledger is corrected to the postings of a newer or equal revision: a workflow task whose outcome
        was discarded may have recorded what never happened.
        """
        delivered_at = datetime.now(UTC) if delivered else None
        await self._database.write(partial(_record, snapshot, delivered_at))

    async def mark_terminated(self, order_id: str) -> None:
        """Record that the order's workflow was ended from outside, until it records something again."""
        row = select(orders.c.view, orders.c.revision).where(orders.c.order_id == order_id)
        async with self._database.writing() as connection:
            known = (await connection.execute(row)).one_or_none()
            if known is None or (view := OrderView.model_validate_json(known.view)).terminated:
                return
            marked = terminated(view)
            await connection.execute(
                update(orders)
                .where(orders.c.order_id == order_id, orders.c.revision == known.revision)
                .values(
                    view=marked.model_dump_json(),
                    revision=known.revision + 1,
                    **_watched(marked),
                    **listed_by(marked),
                )
            )


_VIEW = select(orders.c.view).where(orders.c.order_id == bindparam("order_id"))
_PARTIES = select(orders.c.buyer_id, orders.c.seller_id).where(
    orders.c.order_id == bindparam("order_id")
)
_OWNER = select(orders.c.first_run_id).where(orders.c.order_id == bindparam("order_id"))


_NEVER_CHANGE = ("order_id", "buyer_id", "seller_id", "placed_at")


@cache
def _save_newer(dialect: str) -> Executable:
    """The upsert of a row, unless a newer revision exists."""
    insert = postgresql.insert(orders) if dialect == "postgresql" else sqlite.insert(orders)
    newer = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["order_id"],
        set_={it.key: newer[it.key] for it in orders.c if it.key not in _NEVER_CHANGE},
        where=case(
            (orders.c.first_run_id == newer.first_run_id, orders.c.revision <= newer.revision),
            # A run that goes on after the last one has ended takes over, whatever its clock says.
            else_=bindparam("is_reopened", type_=Boolean),
        ),
    )


def _record(snapshot: OrderSnapshot, delivered_at: datetime | None, connection: Connection) -> None:
    view = snapshot.view
    # First, as it locks the order: two snapshots of one order never correct the ledger at once.
    if _save(connection, snapshot):
        at = _last_changed(view)
        run_id = snapshot.first_run_id if snapshot.reopened else None
        ledger.correct_to(connection, view.order_id, snapshot.postings, at, run_id)
    outbox.add(connection, outbox_messages(view, snapshot.notifications), delivered_at)


def _save(connection: Connection, snapshot: OrderSnapshot) -> bool:
    """Save the view unless a newer revision exists; returns whether it did. Raises OrderExists."""
    view = snapshot.view
    row = {
        "order_id": view.order_id,
        "revision": snapshot.revision,
        "first_run_id": snapshot.first_run_id,
        "view": view.model_dump_json(),
        "buyer_id": view.buyer.id,
        "seller_id": view.seller.id,
        "status": view.status,
        "placed_at": view.placed_at,
        "updated_at": _last_changed(view),
        **_watched(view),
        **listed_by(view),
        "is_reopened": snapshot.reopened,
    }
    if connection.execute(_save_newer(connection.dialect.name), row).rowcount == 1:
        connection.execute(if_missing(connection, search_terms), searched_by(view))
        return True
    owner = connection.scalar(_OWNER, {"order_id": view.order_id})
    if owner != snapshot.first_run_id and not snapshot.reopened:
        raise OrderExists(view.order_id)
    return False


def _watched(view: OrderView) -> dict[str, datetime | None]:
    """By which it is seen that something is late."""
    waiting, refund = waits_for_support(view), view.refund
    # Asking the provider changes nothing by itself, hence is not recorded when it has been done.
    coming = (it.at for it in view.next if it.what != REFUND_CHECK)
    is_owed = refund and not (refund.is_settled or is_finished(view))
    return {
        "waits_since": waiting.since if waiting else None,
        "due_at": next(coming, None),
        "refund_due_by": refund.due_by if refund and is_owed else None,
    }


def listed_by(view: OrderView) -> dict[str, Any]:
    """The columns by which lists find the order: what it asks of whom, and until when."""
    waiting = waits_for_support(view)
    buyer, seller = asked_of(view, Role.BUYER), asked_of(view, Role.SELLER)
    return {
        "need": waiting and waiting.need,
        "need_due_by": waiting and waiting.due_by,
        "buyer_asked": buyer and buyer.ask,
        "buyer_due_by": buyer and buyer.due_by,
        "seller_asked": seller and seller.ask,
        "seller_due_by": seller and seller.due_by,
    }


def searched_by(view: OrderView) -> list[dict[str, str]]:
    """The rows by which searches find the order."""
    return [{"term": term, "order_id": view.order_id} for term in sorted(terms.search_terms(view))]


def _last_changed(view: OrderView) -> datetime:
    """When the order last changed, by its own clock."""
    return view.timeline[-1].at
