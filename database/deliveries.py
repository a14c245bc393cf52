"""What became of each message at each of its addresses, so that it is delivered there once (R21)."""

import hashlib
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update

from database.connection import Database, insert_into
from database.tables import deliveries

LEASE_DURATION: Final = timedelta(minutes=1)
"""Longer than any channel may take for one message: a lease that is older belonged to a sender that died."""


class DeliveryLease(Enum):
    """What a sender may do about a message and an address."""

    GRANTED = auto()
    """Deliver it, and say what came of it."""
    HELD = auto()
    """Another sender is delivering it."""
    SETTLED = auto()
    """It was delivered, or refused for good."""


def digest(address: str) -> str:
    """How an address is stored: addresses may contain secrets, which should be stored only once."""
    return hashlib.sha256(address.encode()).hexdigest()


class SqlDeliveries:
    """Deliveries by message and address; a sender leases one before it delivers."""

    def __init__(self, database: Database, lease_duration: timedelta = LEASE_DURATION) -> None:
        self._database = database
        self._lease_duration = lease_duration

    async def lease(self, message_key: str, address: str, channel: str) -> DeliveryLease:
        """Lease a delivery, in one statement: of several senders at once, one is granted it."""
        at = datetime.now(UTC)
        is_expired = (deliveries.c.state == "sending") & (
            deliveries.c.at < at - self._lease_duration
        )
        async with self._database.writing() as connection:
            insert = insert_into(connection, deliveries).values(
                message_key=message_key,
                address=digest(address),
                channel=channel,
                state="sending",
                at=at,
                reason="",
            )
            leased = await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=list(deliveries.primary_key), set_={"at": at}, where=is_expired
                )
            )
            if leased.rowcount == 1:
                return DeliveryLease.GRANTED
            state = await connection.scalar(
                select(deliveries.c.state).where(*_of(message_key, address))
            )
        return DeliveryLease.HELD if state == "sending" else DeliveryLease.SETTLED

    async def release(self, message_key: str, address: str) -> None:
        """It could not be delivered now: the next sender may try."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(deliveries).where(
                    *_of(message_key, address), deliveries.c.state == "sending"
                )
            )

    async def mark_delivered(self, message_key: str, address: str) -> None:
        """It was delivered there."""
        await self._settle(message_key, address, "delivered", "")

    async def mark_refused(self, message_key: str, address: str, reason: str) -> None:
        """It will never be delivered there, and why: a sentence without personal data."""
        await self._settle(message_key, address, "refused", reason)

    async def _settle(self, message_key: str, address: str, state: str, reason: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                update(deliveries)
                .where(*_of(message_key, address), deliveries.c.state == "sending")
                .values(state=state, at=datetime.now(UTC), reason=reason)
            )


def _of(message_key: str, address: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.message_key == message_key, deliveries.c.address == digest(address)
