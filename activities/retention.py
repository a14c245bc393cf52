"""Retention: rows that are needed no more are removed at an age, each kind at its own (case 92)."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from temporalio import activity

from orders.values import Frozen, Instant

BATCH: Final = 500
"""Rows that one transaction removes: others wait for it."""

# Seconds between batches, in which others write.
_PAUSE: Final = 0.05


class Retained(StrEnum):
    """What is kept for a time."""

    IDEMPOTENCY_KEYS = "idempotency_keys"
    """Of messages over HTTP, those that were refused included; needed while clients may repeat them."""
    WEBHOOK_INBOX = "webhook_inbox"
    """The provider's events that were taken; needed while it may send them again."""
    DELIVERIES = "deliveries"
    """Of notifications, to each address; needed until the notification is delivered or given up."""
    OUTBOX = "outbox"
    """Notifications, with what is left of their deliveries; needed until they are delivered or given up."""
    SUPPORT_NOTES = "support_notes"
    """What support has noted of orders, and who has taken one."""


class RemovedRows(Frozen):
    """How many rows were removed, by what they are."""

    removed: dict[Retained, int]


class ExpiredRows(Protocol):
    """Rows that are old and needed no more."""

    async def remove(self, what: Retained, before: datetime, most: int) -> int:
        """Remove so many rows of before then, the oldest first, in one transaction; returns how many.

        What is still needed stays, whatever its age.
        """


class Retention:
    """Removes what has been kept for long enough."""

    def __init__(self, rows: ExpiredRows, ages: Mapping[Retained, timedelta]) -> None:
        self._rows = rows
        self._ages = ages

    @activity.defn
    async def remove_expired(self, at: Instant) -> RemovedRows:
        """Remove what was too old at this instant."""
        return RemovedRows(
            removed={what: await self._remove(what, at - age) for what, age in self._ages.items()}
        )

    async def _remove(self, what: Retained, before: datetime) -> int:
        removed = 0
        while True:
            batch = await self._rows.remove(what, before, BATCH)
            removed += batch
            if batch < BATCH:
                return removed
            activity.heartbeat(what, removed)
            await asyncio.sleep(_PAUSE)
