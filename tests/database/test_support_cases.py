"""What support has beside an order, on both databases."""

from datetime import UTC, datetime, timedelta

from database.connection import Database
from database.orders import SqlOrders
from database.support_cases import Assignment, SqlSupportCases, SupportNote
from orders.messages import Role
from tests.database.samples import snapshot
from tests.orders.builders import Story, place

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def test_notes_are_of_their_order_and_oldest_first(database: Database) -> None:
    cases = SqlSupportCases(database)
    notes = [
        SupportNote(at=NOW + timedelta(hours=number), by_id="support-1", text=f"Note {number}")
        for number in range(3)
    ]
    for note in notes:
        await cases.add_note("A-1", note)
    await cases.add_note("A-2", notes[0])

    assert await cases.notes("A-1") == notes
    assert await cases.notes("A-3") == []


async def test_an_order_is_taken_by_one_at_a_time(database: Database) -> None:
    cases = SqlSupportCases(database)
    assert await cases.assignment("A-1") is None

    await cases.assign("A-1", "support-1", NOW)
    await cases.assign("A-1", "support-2", NOW + timedelta(hours=1))
    assert await cases.assignment("A-1") == Assignment(
        by_id="support-2", at=NOW + timedelta(hours=1)
    )

    await cases.unassign("A-1")
    assert await cases.assignment("A-1") is None


async def test_a_party_is_known_by_what_became_of_its_orders(database: Database) -> None:
    stories = {
        "A-1": Story(place(order_id="A-1")),
        "A-2": Story(place(order_id="A-2")).until_disputed(),
        "A-3": Story(place(order_id="A-3")).until_accepted(),
    }
    for story in stories.values():
        await SqlOrders(database).record(snapshot(story.order))

    history = await SqlSupportCases(database).history(Role.BUYER, "buyer-7")

    assert (history.orders, history.paid, history.cancellations, history.disputes) == (3, 2, 2, 1)
    assert history.by_close_reason == {"seller_accepted": 1}
    assert (await SqlSupportCases(database).history(Role.SELLER, "seller-3")).orders == 3
    assert (await SqlSupportCases(database).history(Role.SELLER, "buyer-7")).orders == 0
