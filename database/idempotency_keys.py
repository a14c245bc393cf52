"""Idempotency keys of messages sent over HTTP: reusing one for another message is recognised."""

from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.engine import Connection

from database.connection import Database, insert_if_missing
from database.tables import requests
from orders.messages import Message


class SqlIdempotencyKeys:
    """Messages by order, name and message id, as orders themselves recognise repeats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_first_or_same(self, order_id: str, message: Message) -> bool:
        """Store a message's id; returns False if it was used for another message before."""
        digest = sha256(message.model_dump_json(exclude={"message_id"}).encode()).hexdigest()
        key = {
            "order_id": order_id,
            "message": message.name,
            "message_id": message.message_id,
        }
        query = select(requests.c.digest).filter_by(**key)

        def store(connection: Connection) -> bool:
            return insert_if_missing(
                connection, requests, **key, digest=digest, received_at=datetime.now(UTC)
            ) or bool(connection.scalar(query) == digest)

        return await self._database.write(store)
