import asyncio

from database.journal import Database, SqlJournal
from orders.view import view
from tests.database.samples import placed, step


async def test_a_new_database_opened_many_times_at_once_is_made_once(new_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(new_url) for _ in range(8)))

    order = placed()
    await asyncio.gather(*(SqlJournal(database).record(step(order)) for database in opened))
    assert len(await SqlJournal(opened[0]).outbox()) == 2
    for database in opened:
        await database.close()


async def test_what_was_recorded_is_there_when_the_database_is_opened_again(
    url: str, journal: SqlJournal
) -> None:
    order = placed()
    await journal.record(step(order))

    again = await Database.open(url)

    assert await SqlJournal(again).order("A-1") == view(order)
    await again.close()


async def test_a_record_that_is_given_up_leaves_the_journal_usable(journal: SqlJournal) -> None:
    order = placed()
    tasks = [asyncio.create_task(journal.record(step(order))) for _ in range(10)]
    for passes in range(10):
        await asyncio.sleep(0)
        tasks[passes].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await journal.record(step(order))

    assert len(await journal.outbox("A-1")) == 2
