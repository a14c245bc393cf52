"""Stray payments (R17) as they were last recorded; never deleted."""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import case, literal, select
from sqlalchemy.engine import Connection

from activities.stray_payments import StoredStrayPayment, StrayPaymentSnapshot
from database import ledger, outbox
from database.connection import Database, insert_into
from database.tables import stray_payments
from orders.stray_payments import StrayPaymentState


class SqlStrayPayments:
    """Implements ``activities.stray_payments.StrayPaymentStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, payment_id: str) -> StrayPaymentState | None:
        """See ``StrayPaymentStore``."""
        query = select(stray_payments.c.state).where(stray_payments.c.payment_id == payment_id)
        async with self._database.reading() as connection:
            state = (await connection.execute(query)).scalar_one_or_none()
        return None if state is None else StrayPaymentState.model_validate_json(state)

    async def record(self, snapshot: StrayPaymentSnapshot, *, delivered: bool = False) -> None:
        """See ``StrayPaymentStore``; the ledger is corrected to the state's postings, as to an order's."""
        delivered_at = datetime.now(UTC) if delivered else None
        await self._database.write(partial(_record, snapshot, delivered_at))


def _record(
    snapshot: StrayPaymentSnapshot, delivered_at: datetime | None, connection: Connection
) -> None:
    if snapshot.stored is None:
        for posting in snapshot.postings:
            ledger.book_once(connection, posting)
    elif _save(connection, snapshot.stored):
        _correct_ledger(connection, snapshot.stored.state)
    outbox.add(connection, snapshot.messages, delivered_at)


def _save(connection: Connection, stored: StoredStrayPayment) -> bool:
    """Save the state unless a newer revision, or another workflow's, exists; returns whether it did."""
    insert = insert_into(connection, stray_payments).values(
        payment_id=stored.state.payment_id,
        revision=stored.revision,
        first_run_id=stored.first_run_id,
        state=stored.state.model_dump_json(),
    )
    newer = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=["payment_id"],
        set_={name: newer[name] for name in ("revision", "first_run_id", "state")},
        where=case(
            (
                stray_payments.c.first_run_id == newer.first_run_id,
                stray_payments.c.revision <= newer.revision,
            ),
            # As an order's.
            else_=literal(stored.reopened),
        ),
    )
    return connection.execute(upsert).rowcount == 1


def _correct_ledger(connection: Connection, state: StrayPaymentState) -> None:
    at = state.timeline[-1].at
    ledger.correct_to(connection, state.ledger_id, state.postings, at)
