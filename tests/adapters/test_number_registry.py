import asyncio

from adapters.number_registry import SqlNumberRegistry
from ledger.database import Database


async def test_a_number_belongs_to_the_order_that_used_it_first(database: Database) -> None:
    registry = SqlNumberRegistry(database)

    assert await registry.claim("RR473124829PL", "A-1")
    assert await registry.claim("RR473124829PL", "A-1")
    assert not await registry.claim("RR473124829PL", "A-2")
    assert await registry.claim("RR123456785PL", "A-2")


async def test_of_many_orders_at_once_one_gets_the_number(url: str, database: Database) -> None:
    other = await Database.open(url)
    registries = (SqlNumberRegistry(database), SqlNumberRegistry(other))

    got = await asyncio.gather(
        *(registries[n % 2].claim("RR473124829PL", f"A-{n}") for n in range(20))
    )
    await other.close()

    assert sum(got) == 1
