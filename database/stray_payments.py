"""Stray payments (R17) as they were last recorded; never deleted."""

from collections.abc import Callable

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.stray_payments import (
    StoredStrayPayment,
    StrayPaymentSnapshot,
    outbox_messages,
)
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

    async def record(self, snapshot: StrayPaymentSnapshot) -> None:
        """See ``StrayPaymentStore``; the ledger is corrected to the state's postings, as to an order's."""
        async with self._database.writing() as connection:
            if snapshot.stored is None:
                for posting in snapshot.postings:
                    await ledger.book_once(connection, posting)
            elif await _save(connection, snapshot.stored):
                await _correct_ledger(connection, snapshot.stored.state)
            await outbox.add(connection, snapshot.messages)

    async def amend(
        self, payment_id: str, change: Callable[[StrayPaymentState], bool]
    ) -> StrayPaymentState:
        """See ``StrayPaymentStore``."""
        query = (
            select(stray_payments.c.state)
            .where(stray_payments.c.payment_id == payment_id)
            .with_for_update()
        )
        async with self._database.writing() as connection:
            before = (await connection.execute(query)).scalar_one_or_none()
            if before is None:
                raise LookupError(f"There is no stray payment {payment_id}.")
            state = StrayPaymentState.model_validate_json(before)
            if not change(state):
                return state
            messages = outbox_messages(state)
            state.notifications.clear()
            await connection.execute(
                update(stray_payments)
                .where(stray_payments.c.payment_id == payment_id)
                .values(state=state.model_dump_json(), revision=stray_payments.c.revision + 1)
            )
            await _correct_ledger(connection, state)
            await outbox.add(connection, messages)
        return state


async def _save(connection: AsyncConnection, stored: StoredStrayPayment) -> bool:
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
        set_={name: newer[name] for name in ("revision", "state")},
        where=(stray_payments.c.revision <= newer.revision)
        & (stray_payments.c.first_run_id == newer.first_run_id),
    )
    return (await connection.execute(upsert)).rowcount == 1


async def _correct_ledger(connection: AsyncConnection, state: StrayPaymentState) -> None:
    at = state.timeline[-1].at
    await ledger.correct_to(connection, state.ledger_id, state.postings, at)
