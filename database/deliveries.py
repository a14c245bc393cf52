"""The deliveries of each message to each of its addresses, so that each is delivered once (R21)."""

import hashlib
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update

from database.connection import Database, insert_into
from database.tables import deliveries

LEASE_DURATION: Final = timedelta(minutes=1)
"""Longer than any channel may need for one message: the sender of an older lease has died."""


class DeliveryLease(Enum):
    """The answer to a sender that wants to deliver a message to an address."""

    GRANTED = auto()
    """The sender delivers it and records the outcome."""
    HELD = auto()
    """Another sender is delivering it."""
    SETTLED = auto()
    """It was delivered, or refused permanently."""


def digest(address: str) -> str:
    """The form in which an address is stored, as addresses may contain secrets."""
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
                select(deliveries.c.state).where(*_are_deliveries([message_key], address))
            )
        return DeliveryLease.HELD if state == "sending" else DeliveryLease.SETTLED

    async def release(self, message_keys: list[str], address: str) -> None:
        """Release leases after a temporary failure: another sender may try."""
        async with self._database.writing() as connection:
            await connection.execute(
                delete(deliveries).where(
                    *_are_deliveries(message_keys, address), deliveries.c.state == "sending"
                )
            )

    async def mark_delivered(self, message_keys: list[str], address: str) -> None:
        """Record that the messages were delivered to the address, all of them or none."""
        await self._settle(message_keys, address, "delivered", "")

    async def mark_refused(self, message_keys: list[str], address: str, reason: str) -> None:
        """Record a permanent failure; ``reason`` is a sentence without personal data."""
        await self._settle(message_keys, address, "refused", reason)

    async def _settle(self, message_keys: list[str], address: str, state: str, reason: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                update(deliveries)
                .where(*_are_deliveries(message_keys, address), deliveries.c.state == "sending")
                .values(state=state, at=datetime.now(UTC), reason=reason)
            )


def _are_deliveries(
    message_keys: list[str], address: str
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.message_key.in_(message_keys), deliveries.c.address == digest(address)
