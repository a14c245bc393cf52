"""Removing rows that are old and needed no more (case 92)."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Delete, Select, delete, select, tuple_

from activities.retention import Retained
from database.connection import Database
from database.tables import (
    deliveries,
    outbox,
    provider_events,
    requests,
    support_assignments,
    support_notes,
)


def _requests(before: datetime, most: int) -> Delete:
    key = (requests.c.order_id, requests.c.message, requests.c.message_id)
    expired = select(*key).where(requests.c.received_at < before)
    return delete(requests).where(
        tuple_(*key).in_(expired.order_by(requests.c.received_at).limit(most))
    )


def _provider_events(before: datetime, most: int) -> Delete:
    at = provider_events.c.delivered_at
    expired = select(provider_events.c.event_id).where(at < before).order_by(at).limit(most)
    return delete(provider_events).where(provider_events.c.event_id.in_(expired))


def _deliveries(before: datetime, most: int) -> Delete:
    key = (deliveries.c.message_key, deliveries.c.address)
    expired = (
        select(*key)
        .join(outbox)
        .where(
            deliveries.c.at < before,
            deliveries.c.state != "sending",
            outbox.c.delivered_at.is_not(None),
        )
    )
    return delete(deliveries).where(tuple_(*key).in_(expired.order_by(deliveries.c.at).limit(most)))


def _notifications(before: datetime, most: int) -> Select[tuple[str]]:
    """Those that nobody waits for: one that is not delivered has no instant."""
    at = outbox.c.delivered_at
    return select(outbox.c.key).where(at < before).order_by(at).limit(most)


def _support_notes(before: datetime, most: int) -> Delete:
    at = support_notes.c.at
    expired = select(support_notes.c.number).where(at < before).order_by(at).limit(most)
    return delete(support_notes).where(support_notes.c.number.in_(expired))


_EXPIRED: Final[dict[Retained, Callable[[datetime, int], Delete]]] = {
    Retained.IDEMPOTENCY_KEYS: _requests,
    Retained.WEBHOOK_INBOX: _provider_events,
    Retained.DELIVERIES: _deliveries,
    Retained.SUPPORT_NOTES: _support_notes,
}


class SqlExpiredRows:
    """Implements ``activities.retention.ExpiredRows``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, what: Retained, before: datetime, most: int) -> int:
        """See ``ExpiredRows``."""
        async with self._database.writing() as connection:
            if what is Retained.SUPPORT_NOTES:
                old = support_assignments.c.at < before
                await connection.execute(delete(support_assignments).where(old))
            if what is not Retained.OUTBOX:
                return (await connection.execute(_EXPIRED[what](before, most))).rowcount
            keys = (await connection.scalars(_notifications(before, most))).all()
            await connection.execute(delete(deliveries).where(deliveries.c.message_key.in_(keys)))
            await connection.execute(delete(outbox).where(outbox.c.key.in_(keys)))
            return len(keys)
