"""The outbox: notifications to send (R21), written in the same transaction as their change."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, select, update
from sqlalchemy.engine import Connection

from activities.notifications import OrderSummary, OutboxMessage, SummaryLine
from database.connection import Database, if_missing
from database.tables import deliveries, orders, outbox
from orders.place_order import Party
from orders.sentence_fields import with_sentences
from orders.values import Frozen, Instant, Money


class RefusedDelivery(Frozen):
    """A channel by which a message did not reach its recipient, and why."""

    channel: str
    reason: str


class OutboxEntry(Frozen):
    """A message, when its last channel had finished with it, and its refused deliveries."""

    message: OutboxMessage
    delivered_at: Instant | None
    refused: tuple[RefusedDelivery, ...] = ()


class SqlOutbox:
    """Implements ``activities.notifications.Outbox``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def undelivered(self, order_id: str) -> list[OutboxMessage]:
        """See ``Outbox``."""
        return await self._database.read(partial(_undelivered, order_id))

    async def mark_delivered(self, *keys: str) -> None:
        """See ``Outbox``; the instant of the first delivery stays."""
        marked = (
            update(outbox)
            .where(outbox.c.key.in_(keys), outbox.c.delivered_at.is_(None))
            .values(delivered_at=datetime.now(UTC))
        )
        await self._database.write(lambda connection: connection.execute(marked))

    async def entries(self, order_id: str | None = None) -> list[OutboxEntry]:
        """All messages ever written, of one order or of all, oldest first."""
        if order_id is None:
            return await self._entries()
        return await self._entries(outbox.c.order_id == order_id)

    async def _entries(self, *which: ColumnElement[bool]) -> list[OutboxEntry]:
        refused = (
            select(deliveries.c.message_key, deliveries.c.channel, deliveries.c.reason)
            .join(outbox)
            .where(deliveries.c.state == "refused", *which)
            .order_by(deliveries.c.at)
        )
        messages = select(outbox).where(*which).order_by(outbox.c.number)
        refusals: dict[str, list[RefusedDelivery]] = {}
        async with self._database.reading() as connection:
            for key, channel, reason in await connection.execute(refused):
                refusals.setdefault(key, []).append(RefusedDelivery(channel=channel, reason=reason))
            return [_entry(row, refusals) for row in await connection.execute(messages)]


def add(
    connection: Connection, messages: Iterable[OutboxMessage], delivered_at: datetime | None = None
) -> None:
    """Add messages to the outbox, each once by its key, or note them there as delivered already."""
    rows = [
        {
            "key": message.key,
            "order_id": message.order_id,
            "role": message.to,
            "party": message.party.model_dump_json() if message.party else None,
            "what": message.what,
            "at": message.at,
            "details": json.dumps(with_sentences(message.details)),
            "delivered_at": delivered_at,
        }
        for message in messages
    ]
    if rows:
        connection.execute(if_missing(connection, outbox), rows)


_UNDELIVERED = (
    select(outbox)
    .where(outbox.c.order_id == bindparam("order_id"), outbox.c.delivered_at.is_(None))
    .order_by(outbox.c.number)
)
_VIEW = select(orders.c.view).where(orders.c.order_id == bindparam("order_id"))


def _undelivered(order_id: str, connection: Connection) -> list[OutboxMessage]:
    rows = connection.execute(_UNDELIVERED, {"order_id": order_id}).all()
    view = connection.scalar(_VIEW, {"order_id": order_id}) if rows else None
    summary = None if view is None else _summary_of(json.loads(view))
    return [_message(row, summary) for row in rows]


def _summary_of(view: Mapping[str, Any]) -> OrderSummary:
    return OrderSummary(
        lines=tuple(
            SummaryLine(title=line["title"], quantity=line["quantity"]) for line in view["lines"]
        ),
        buyer=view["buyer"]["name"],
        seller=view["seller"]["name"],
        total=Money.model_validate(view["amount_due"]),
    )


def _entry(row: Row[Any], refusals: Mapping[str, Sequence[RefusedDelivery]]) -> OutboxEntry:
    return OutboxEntry(
        message=_message(row),
        delivered_at=row.delivered_at,
        refused=tuple(refusals.get(row.key, ())),
    )


def _message(row: Row[Any], summary: OrderSummary | None = None) -> OutboxMessage:
    return OutboxMessage(
        key=row.key,
        order_id=row.order_id,
        to=row.role,
        party=Party.model_validate_json(row.party) if row.party else None,
        what=row.what,
        at=row.at,
        details=json.loads(row.details),
        summary=summary,
    )
