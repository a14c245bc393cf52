"""A provider's events by id: repeats are recognised, and other bodies under a known id (cases 13, 14)."""

from datetime import UTC, datetime

from sqlalchemy import select, update

from database.connection import Database, insert_if_missing
from database.tables import provider_events


class EventIdReused(Exception):
    """An event id arrived with two bodies: one is forged, or the provider is at fault."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"Event {event_id} came before with another body; this one is not taken.")


class SqlWebhookInbox:
    """Which events have been received, and which of them have been delivered to a workflow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_delivered(self, event_id: str, digest: str) -> bool:
        """Record an event as received; returns whether it was delivered. Raises EventIdReused."""
        query = select(provider_events).where(provider_events.c.event_id == event_id)
        async with self._database.writing() as connection:
            await insert_if_missing(
                connection,
                provider_events,
                event_id=event_id,
                digest=digest,
                received_at=datetime.now(UTC),
            )
            received = (await connection.execute(query)).one()
        if received.digest != digest:
            raise EventIdReused(event_id)
        return received.delivered_at is not None

    async def mark_delivered(self, event_id: str) -> None:
        """Record an event as delivered; the first instant stays."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(provider_events)
                .where(
                    provider_events.c.event_id == event_id,
                    provider_events.c.delivered_at.is_(None),
                )
                .values(delivered_at=datetime.now(UTC))
            )
