"""What became of each letter at each of its addresses, so that none gets it twice (R21)."""

import hashlib
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update

from database.connection import Database, insert_into
from database.tables import deliveries

LEASE: Final = timedelta(minutes=1)
"""Longer than any channel may take for one letter. One that is still being sent then has lost its sender."""


class DeliveryLease(Enum):
    """What the asker may do about a letter and an address."""

    OURS = auto()
    """Send it, and say what came of it."""
    TAKEN = auto()
    """Somebody else is sending it this moment."""
    SETTLED = auto()
    """It is delivered, or refused for good."""


def digest(address: str) -> str:
    """How an address is known here: they may carry secrets, and once is enough to keep them."""
    return hashlib.sha256(address.encode()).hexdigest()


class SqlDeliveries:
    """Deliveries by letter and address; whoever sends claims one first."""

    def __init__(self, database: Database, lease: timedelta = LEASE) -> None:
        self._database = database
        self._lease = lease

    async def claim(self, letter: str, address: str, channel: str) -> DeliveryLease:
        """Claim a delivery, in one statement: of several that ask at once, one gets it."""
        at = datetime.now(UTC)
        is_orphaned = (deliveries.c.state == "sending") & (deliveries.c.at < at - self._lease)
        async with self._database.writing() as connection:
            insert = insert_into(connection, deliveries).values(
                letter=letter,
                address=digest(address),
                channel=channel,
                state="sending",
                at=at,
                why="",
            )
            claimed = await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=list(deliveries.primary_key), set_={"at": at}, where=is_orphaned
                )
            )
            if claimed.rowcount == 1:
                return DeliveryLease.OURS
            state = await connection.scalar(select(deliveries.c.state).where(*_of(letter, address)))
        return DeliveryLease.TAKEN if state == "sending" else DeliveryLease.SETTLED

    async def release(self, letter: str, address: str) -> None:
        """It could not be delivered now: the next may try."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(deliveries).where(*_of(letter, address), deliveries.c.state == "sending")
            )

    async def deliver(self, letter: str, address: str) -> None:
        """It is delivered there."""
        await self._settle(letter, address, "delivered", "")

    async def refuse(self, letter: str, address: str, why: str) -> None:
        """It never will be, and why: a sentence that names nobody."""
        await self._settle(letter, address, "refused", why)

    async def _settle(self, letter: str, address: str, state: str, why: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                update(deliveries)
                .where(*_of(letter, address), deliveries.c.state == "sending")
                .values(state=state, at=datetime.now(UTC), why=why)
            )


def _of(letter: str, address: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.letter == letter, deliveries.c.address == digest(address)
