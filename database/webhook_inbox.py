"""A provider's webhooks: each is told from its repeats, and from another under its id (cases 13, 14)."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from database.connection import Database, insert_if_missing
from database.tables import provider_events


class EventIdReused(Exception):
    """Two bodies came under one event id: one of them is not the provider's, or the provider is wrong."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"Event {event_id} came before with another body; this one is not taken.")


class SqlWebhookInbox:
    """Which events have come, and which of them are taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_taken(self, event_id: str, digest: str) -> bool:
        """Note that an event has come; says whether its news was taken before. Raises AnotherBody."""
        query = select(provider_events).where(provider_events.c.event_id == event_id)
        async with self._database.writing() as connection:
            await insert_if_missing(
                connection,
                provider_events,
                event_id=event_id,
                digest=digest,
                received_at=datetime.now(UTC),
            )
            kept = (await connection.execute(query)).one()
        if kept.digest != digest:
            raise EventIdReused(event_id)
        return kept.delivered_at is not None

    async def take(self, event_id: str) -> None:
        """Its news was taken; the first time stays."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(provider_events)
                .where(
                    provider_events.c.event_id == event_id,
                    provider_events.c.delivered_at.is_(None),
                )
                .values(delivered_at=datetime.now(UTC))
            )
