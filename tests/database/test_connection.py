import asyncio

from database.connection import Database
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from orders.view import view
from tests.database.samples import placed, snapshot


async def test_a_new_database_opened_many_times_at_once_is_created_once(new_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(new_url) for _ in range(8)))

    order = placed()
    await asyncio.gather(*(SqlOrders(database).record(snapshot(order)) for database in opened))
    assert len(await SqlOutbox(opened[0]).entries()) == 2
    for database in opened:
        await database.close()


async def test_records_survive_reopening_the_database(url: str, orders: SqlOrders) -> None:
    order = placed()
    await orders.record(snapshot(order))

    again = await Database.open(url)

    assert await SqlOrders(again).find("A-1") == view(order)
    await again.close()


async def test_cancelled_writes_leave_the_database_usable(
    orders: SqlOrders, outbox: SqlOutbox
) -> None:
    order = placed()
    tasks = [asyncio.create_task(orders.record(snapshot(order))) for _ in range(10)]
    for passes in range(10):
        await asyncio.sleep(0)
        tasks[passes].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await orders.record(snapshot(order))

    assert len(await outbox.entries("A-1")) == 2
