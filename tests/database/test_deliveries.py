"""R21: deliveries, leased by one sender at a time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from activities.notifications import OutboxMessage
from database.connection import Database
from database.deliveries import DeliveryLease, SqlDeliveries
from database.outbox import RefusedDelivery, SqlOutbox
from orders.messages import Role
from tests.database.samples import put_into_outbox

ANNA, TELEGRAM = "mailto:anna@example.org", "tgram://token/1"
KEY = "A-1:order_placed:1:support"


@pytest_asyncio.fixture(loop_scope="session")
async def deliveries(database: Database) -> AsyncIterator[SqlDeliveries]:
    message = OutboxMessage(
        key=KEY,
        order_id="A-1",
        to=Role.SUPPORT,
        party=None,
        what="order_placed",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        details={},
    )
    await put_into_outbox(database, message)
    yield SqlDeliveries(database)


async def test_one_of_many_senders_at_once_is_granted_the_lease(deliveries: SqlDeliveries) -> None:
    leases = await asyncio.gather(*(deliveries.lease(KEY, ANNA, "mailto") for _ in range(8)))

    assert sorted(it.name for it in leases) == ["GRANTED"] + ["HELD"] * 7


async def test_a_settled_delivery_stays_settled(deliveries: SqlDeliveries) -> None:
    """R21: also when a sender whose lease has expired says otherwise."""
    await deliveries.lease(KEY, ANNA, "mailto")
    await deliveries.mark_delivered([KEY], ANNA)
    await deliveries.release([KEY], ANNA)
    await deliveries.mark_refused([KEY], ANNA, "Too late.")

    assert await deliveries.lease(KEY, ANNA, "mailto") is DeliveryLease.SETTLED
    assert await deliveries.lease(KEY, TELEGRAM, "tgram") is DeliveryLease.GRANTED


async def test_a_released_delivery_can_be_leased_again(deliveries: SqlDeliveries) -> None:
    await deliveries.lease(KEY, ANNA, "mailto")
    await deliveries.release([KEY], ANNA)

    assert await deliveries.lease(KEY, ANNA, "mailto") is DeliveryLease.GRANTED


async def test_an_expired_lease_is_granted_to_another_sender(
    database: Database, deliveries: SqlDeliveries
) -> None:
    """Case 19: its sender died; again one of many gets it."""
    await deliveries.lease(KEY, ANNA, "mailto")
    expired = SqlDeliveries(database, lease_duration=timedelta(0))

    assert await deliveries.lease(KEY, ANNA, "mailto") is DeliveryLease.HELD
    assert await expired.lease(KEY, ANNA, "mailto") is DeliveryLease.GRANTED
    assert await deliveries.lease(KEY, ANNA, "mailto") is DeliveryLease.HELD


async def test_the_outbox_shows_refused_deliveries_without_their_address(
    database: Database, deliveries: SqlDeliveries
) -> None:
    """R21, case 54."""
    await deliveries.lease(KEY, ANNA, "mailto")
    await deliveries.mark_refused([KEY], ANNA, "The mail server refuses it (550).")

    for order_id in ("A-1", None):
        [entry] = await SqlOutbox(database).entries(order_id)
        assert entry.refused == (
            RefusedDelivery(channel="mailto", reason="The mail server refuses it (550)."),
        )
    assert await SqlOutbox(database).entries("A-2") == []
