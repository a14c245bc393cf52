"""A provider's events that a workflow has accepted, so that repeats are recognised (cases 13, 14, 60)."""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select

from database.connection import Database, insert_if_missing
from database.tables import provider_events


class EventIdReused(Exception):
    """An event id arrived with two types: one is forged, or the provider is at fault."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"Event {event_id} came before with another type; this one is not taken.")


class SqlWebhookInbox:
    """Which events have been delivered to a workflow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_delivered(self, event_id: str, event_type: str) -> bool:
        """Whether an event was delivered, however its body was rendered then. Raises EventIdReused."""
        query = select(provider_events.c.type).where(provider_events.c.event_id == event_id)
        async with self._database.reading() as connection:
            delivered = (await connection.execute(query)).one_or_none()
        if delivered is None:
            return False
        # Of those that were delivered by earlier versions the type is not known.
        if delivered.type not in (None, event_type):
            raise EventIdReused(event_id)
        return True

    async def mark_delivered(self, event_id: str, event_type: str) -> None:
        """Record an event as delivered; the first instant stays."""
        marked = partial(
            insert_if_missing,
            table=provider_events,
            event_id=event_id,
            type=event_type,
            delivered_at=datetime.now(UTC),
        )
        await self._database.write(marked)
