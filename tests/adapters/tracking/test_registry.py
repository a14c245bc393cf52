"""What every number registry keeps, ours and the one of the tests alike (R11)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from activities.tracking import NumberRegistry
from adapters.tracking.registry import SqlNumberRegistry
from database.connection import Database
from tests.fakes import FakeRegistry


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


async def test_a_number_belongs_to_the_order_that_used_it_first(
    registries: tuple[NumberRegistry, NumberRegistry],
) -> None:
    registry, other = registries

    assert await registry.claim("RR473124829PL", "A-1")
    assert await other.claim("RR473124829PL", "A-1")
    assert not await registry.claim("RR473124829PL", "A-2")
    assert await other.claim("RR123456785PL", "A-2")


async def test_one_of_many_orders_at_once_claims_the_number(
    registries: tuple[NumberRegistry, NumberRegistry],
) -> None:
    got = await asyncio.gather(
        *(registries[n % 2].claim("RR473124829PL", f"A-{n}") for n in range(20))
    )

    assert sum(got) == 1
