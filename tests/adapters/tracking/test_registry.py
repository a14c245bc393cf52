"""What every number registry keeps, ours and the one of the tests alike (R11)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import insert

from activities.orders import OrderSnapshot, as_recorded
from activities.tracking import NumberRegistry, NumberUse
from adapters.tracking.registry import SqlNumberRegistry
from database.connection import Database
from database.orders import SqlOrders
from database.tables import tracking_numbers
from tests.fakes import FakeRegistry
from tests.orders.builders import Story


@pytest_asyncio.fixture(params=["ours", "fake"], loop_scope="session")
async def registries(
    request: pytest.FixtureRequest, url: str, database: Database
) -> AsyncIterator[tuple[NumberRegistry, NumberRegistry]]:
    """One registry, as two processes have it."""
    if request.param == "fake":
        fake = FakeRegistry()
        yield fake, fake
        return
    other = await Database.open(url)
    yield SqlNumberRegistry(database), SqlNumberRegistry(other)
    await other.close()


def use(order_id: str) -> NumberUse:
    return NumberUse(order_id=order_id, seller_id=f"seller of {order_id}", buyer_id="buyer-1")


async def test_a_number_is_of_the_order_that_used_it_first(
    registries: tuple[NumberRegistry, NumberRegistry],
) -> None:
    registry, other = registries
    first, second = use("A-1"), use("A-2")

    assert await registry.claim("RR473124829PL", first) == first
    assert await other.claim("RR473124829PL", first) == first
    assert await registry.claim("RR473124829PL", second) == first
    assert await other.claim("RR123456785PL", second) == second


async def test_of_many_orders_at_once_one_is_the_first(
    registries: tuple[NumberRegistry, NumberRegistry],
) -> None:
    """Case 71: all others are told which."""
    found = await asyncio.gather(
        *(registries[n % 2].claim("RR473124829PL", use(f"A-{n}")) for n in range(20))
    )

    assert len({it.order_id for it in found}) == 1
    assert found[0].seller_id == f"seller of {found[0].order_id}"


async def test_a_number_that_an_earlier_version_noted_has_the_parties_of_its_order(
    database: Database,
) -> None:
    """R11: it is known which order used it, and that order is stored."""
    story = Story()
    await SqlOrders(database).record(
        OrderSnapshot(
            revision=1,
            first_run_id="run",
            view=as_recorded(story.view),
            postings=(),
            notifications=(),
        )
    )
    async with database.writing() as connection:
        await connection.execute(
            insert(tracking_numbers).values(number="RR473124829PL", order_id=story.view.order_id)
        )

    first = await SqlNumberRegistry(database).claim("RR473124829PL", use("A-2"))

    assert first == NumberUse(
        order_id=story.view.order_id,
        seller_id=story.view.seller.id,
        buyer_id=story.view.buyer.id,
    )
