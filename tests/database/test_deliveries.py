"""R21: a letter's deliveries, claimed by one sender at a time."""

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

HERE, THERE = "mailto:anna@example.org", "tgram://token/1"
KEY = "A-1:order_placed:1:support"


@pytest_asyncio.fixture(loop_scope="session")
async def deliveries(database: Database) -> AsyncIterator[SqlDeliveries]:
    letter = OutboxMessage(
        key=KEY,
        order_id="A-1",
        to=Role.SUPPORT,
        party=None,
        what="order_placed",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        details={},
    )
    await put_into_outbox(database, letter)
    yield SqlDeliveries(database)


async def test_of_many_at_once_one_gets_it(deliveries: SqlDeliveries) -> None:
    claims = await asyncio.gather(*(deliveries.claim(KEY, HERE, "mailto") for _ in range(8)))

    assert sorted(it.name for it in claims) == ["OURS"] + ["TAKEN"] * 7


async def test_what_is_settled_stays_settled(deliveries: SqlDeliveries) -> None:
    """R21: also when somebody who lost it says otherwise."""
    await deliveries.claim(KEY, HERE, "mailto")
    await deliveries.deliver(KEY, HERE)
    await deliveries.release(KEY, HERE)
    await deliveries.refuse(KEY, HERE, "Too late.")

    assert await deliveries.claim(KEY, HERE, "mailto") is DeliveryLease.SETTLED
    assert await deliveries.claim(KEY, THERE, "tgram") is DeliveryLease.OURS


async def test_what_could_not_be_sent_is_anybodys(deliveries: SqlDeliveries) -> None:
    await deliveries.claim(KEY, HERE, "mailto")
    await deliveries.release(KEY, HERE)

    assert await deliveries.claim(KEY, HERE, "mailto") is DeliveryLease.OURS


async def test_one_whose_sender_died_is_somebody_elses_after_a_while(
    database: Database, deliveries: SqlDeliveries
) -> None:
    """Case 19: the lease is over, and again one of many gets it."""
    await deliveries.claim(KEY, HERE, "mailto")
    others = SqlDeliveries(database, lease=timedelta(0))

    assert await deliveries.claim(KEY, HERE, "mailto") is DeliveryLease.TAKEN
    assert await others.claim(KEY, HERE, "mailto") is DeliveryLease.OURS
    assert await deliveries.claim(KEY, HERE, "mailto") is DeliveryLease.TAKEN


async def test_support_sees_what_was_refused_and_no_address(
    database: Database, deliveries: SqlDeliveries
) -> None:
    """R21, case 54."""
    await deliveries.claim(KEY, HERE, "mailto")
    await deliveries.refuse(KEY, HERE, "The mail server refuses it (550).")

    for of in ("A-1", None):
        [entry] = await SqlOutbox(database).entries(of)
        assert entry.refused == (
            RefusedDelivery(channel="mailto", why="The mail server refuses it (550)."),
        )
    assert await SqlOutbox(database).entries("A-2") == []
