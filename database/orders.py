"""Orders as they were last recorded; never deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders import OrderExists, OrderSnapshot, outbox_messages
from database import ledger, outbox
from database.connection import Database, insert_into
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
        query = select(orders.c.view).where(orders.c.order_id == order_id)
        async with self._database.reading() as connection:
            view = (await connection.execute(query)).scalar_one_or_none()
        return None if view is None else OrderView.model_validate_json(view)

    async def parties(self, order_id: str) -> tuple[str, str] | None:
        """The ids of an order's buyer and seller; None for an unknown order."""
        query = select(orders.c.buyer_id, orders.c.seller_id).where(orders.c.order_id == order_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (row.buyer_id, row.seller_id)

    async def record(self, snapshot: OrderSnapshot) -> None:
        """See ``OrderStore``.

        The ledger is corrected to the postings of a newer or equal revision: a workflow task whose outcome
        was discarded may have recorded what never happened.
        """
        view = snapshot.view
        async with self._database.writing() as connection:
            # First, as it locks the order: two snapshots of one order never correct the ledger at once.
            if await _save(connection, snapshot):
                at = _last_changed(view)
                run_id = snapshot.first_run_id if snapshot.reopened else None
                await ledger.correct_to(connection, view.order_id, snapshot.postings, at, run_id)
            await outbox.add(connection, outbox_messages(view, snapshot.notifications))

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


async def _save(connection: AsyncConnection, snapshot: OrderSnapshot) -> bool:
    """Save the view unless a newer revision exists; returns whether it did. Raises OrderExists."""
    view = snapshot.view
    insert = insert_into(connection, orders).values(
        order_id=view.order_id,
        revision=snapshot.revision,
        first_run_id=snapshot.first_run_id,
        view=view.model_dump_json(),
        buyer_id=view.buyer.id,
        seller_id=view.seller.id,
        status=view.status,
        placed_at=view.placed_at,
        updated_at=_last_changed(view),
        **(derived := _watched(view) | listed_by(view)),
    )
    newer = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=["order_id"],
        set_={
            name: newer[name]
            for name in ("revision", "first_run_id", "view", "status", "updated_at", *derived)
        },
        where=case(
            (orders.c.first_run_id == newer.first_run_id, orders.c.revision <= newer.revision),
            # A run that goes on after the last one has ended takes over, whatever its clock says.
            else_=literal(snapshot.reopened),
        ),
    )
    if (await connection.execute(upsert)).rowcount == 1:
        await connection.execute(
            insert_into(connection, search_terms).on_conflict_do_nothing(), searched_by(view)
        )
        return True
    owner = select(orders.c.first_run_id).where(orders.c.order_id == view.order_id)
    is_same = (await connection.execute(owner)).scalar_one() == snapshot.first_run_id
    if not (is_same or snapshot.reopened):
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
