"""What reconciliation finds by comparing the ledger with itself."""

from database.audit import SqlAudit
from database.connection import Database
from tests.database.samples import START, book, posting


async def test_a_payment_that_is_booked_in_two_places_is_found(database: Database) -> None:
    """R17: for two orders, or for an order and as a stray payment."""
    await book(
        database,
        posting("received", 5, "stray", "stray/p-9"),
        posting("payment/p-8", 5, order_id="A-1"),
        posting("payment/p-8", 5, order_id="A-2"),
        posting("payment/p-7", 5, order_id="A-1"),
        posting("payment-declined/p-7", 5, order_id="A-2"),
    )
    audit = SqlAudit(database)
    before = await audit.payments_booked_twice()
    await book(database, posting("payment/p-9", 5, order_id="A-3"))

    found = await audit.payments_booked_twice()

    assert [it[:3] for it in before] == [("p-8", "A-1", "A-2")]
    assert sorted(it[:3] for it in found) == [("p-8", "A-1", "A-2"), ("p-9", "A-3", "stray/p-9")]
    assert {it.since for it in found} == {START}


async def test_a_stray_payment_is_unsettled_until_its_account_is_at_zero(
    database: Database,
) -> None:
    """R17."""
    await book(
        database,
        posting("received", 500, "stray", "stray/p-9"),
        posting("received", 700, "stray", "stray/p-8"),
        posting("returned", -700, "stray", "stray/p-8"),
    )

    assert await SqlAudit(database).unsettled_stray_payments() == [("p-9", 500, "EUR", START)]
