"""What the database refuses, whoever asks: these tests write past the stores."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from database.connection import Database
from database.ledger import SqlLedger
from database.refunds import TOO_MUCH
from database.tables import ledger_legs, ledger_transactions, payments, refunds
from orders.values import MAX_AMOUNT
from tests.database.samples import START, book, entries, posting

KEY = "A-1:payment-p-1"

NEVER_CHANGED = (
    "UPDATE ledger_transactions SET step = 'x'",
    "UPDATE ledger_transactions SET key = 'x'",
    "UPDATE ledger_legs SET amount = -amount",
    "UPDATE ledger_legs SET account = 'seller' WHERE account = 'held'",
    "UPDATE payments SET amount = amount + 1",
    "UPDATE payments SET currency = 'PLN'",
    "UPDATE refunds SET amount = amount - 1",
    "UPDATE refunds SET currency = 'PLN'",
    "UPDATE refunds SET payment_id = 'p-2'",
    "UPDATE refunds SET refund_id = 'x'",
    "DELETE FROM ledger_legs",
    "DELETE FROM ledger_transactions",
    "DELETE FROM payments",
    "DELETE FROM refunds",
)

REPLACED_OR_TRUNCATED = {
    "sqlite": (
        "REPLACE INTO ledger_transactions VALUES"
        " ('A-1:payment-p-1', NULL, 'A-2', 'x', 'x', 'PLN', NULL, NULL)",
        "REPLACE INTO ledger_legs VALUES ('A-1:payment-p-1', 'held', -5)",
        "REPLACE INTO payments VALUES ('p-1', 9999, 'EUR')",
        "REPLACE INTO refunds SELECT refund_id, payment_id, 1, currency, process, asked_at, status, reason"
        " FROM refunds",
    ),
    "postgresql": (
        "TRUNCATE ledger_transactions, ledger_legs",
        "TRUNCATE ledger_legs",
        "TRUNCATE payments, refunds",
        "TRUNCATE refunds",
    ),
}


async def write_legs(connection: AsyncConnection, legs: dict[str, int], key: str = KEY) -> None:
    for account, amount in legs.items():
        leg = ledger_legs.insert().values(transaction_key=key, account=account, amount=amount)
        await connection.execute(leg)


async def close_entry(connection: AsyncConnection, key: str = KEY, currency: str = "EUR") -> None:
    entry = ledger_transactions.insert().values(
        key=key, order_id="A-1", step="payment-p-1", at=START, currency=currency
    )
    await connection.execute(entry)


async def write_entry(database: Database, legs: dict[str, int], currency: str = "EUR") -> None:
    async with database.writing() as connection:
        await write_legs(connection, legs)
        await close_entry(connection, currency=currency)


async def write_payment(database: Database, amount: int = 2490, currency: str = "EUR") -> None:
    payment = payments.insert().values(payment_id="p-1", amount=amount, currency=currency)
    async with database.writing() as connection:
        await connection.execute(payment)


async def write_refund(
    database: Database,
    amount: int,
    currency: str = "EUR",
    refund_id: str = "r-1",
    status: str = "pending",
) -> None:
    refund = refunds.insert().values(
        refund_id=refund_id,
        payment_id="p-1",
        amount=amount,
        currency=currency,
        workflow_id="order-A-1",
        asked_at=START,
        status=status,
        reason="",
    )
    async with database.writing() as connection:
        await connection.execute(refund)


async def everything(database: Database) -> list[object]:
    found: list[object] = []
    async with database.reading() as connection:
        for table in (ledger_transactions, ledger_legs, payments, refunds):
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found.extend(tuple(row) for row in rows)
    return found


@pytest.mark.parametrize(
    "legs",
    [
        {"cash": 5},
        {"cash": 5, "held": -4},
        {"cash": 2**32, "held": -(2**33)},
        {"cash": MAX_AMOUNT, "held": -MAX_AMOUNT, "refunds": MAX_AMOUNT, "seller": 1},
        {"cash": MAX_AMOUNT, "held": MAX_AMOUNT, "refunds": MAX_AMOUNT},
    ],
)
async def test_an_unbalanced_entry_is_refused(database: Database, legs: dict[str, int]) -> None:
    """Case 26."""
    with pytest.raises(IntegrityError, match="must sum to zero"):
        await write_entry(database, legs)

    assert await everything(database) == []


@pytest.mark.parametrize(
    ("legs", "currency"),
    [
        ({"cash": 2490, "held": -1000, "seller": -1490}, "PLN"),
        ({"cash": 500, "held": -500}, "JPY"),
        ({"cash": -1250, "seller": 1250}, "KWD"),
        (
            {"cash": MAX_AMOUNT, "held": MAX_AMOUNT, "refunds": -MAX_AMOUNT, "seller": -MAX_AMOUNT},
            "EUR",
        ),
    ],
)
async def test_a_balanced_entry_is_accepted(
    database: Database, legs: dict[str, int], currency: str
) -> None:
    await write_entry(database, legs, currency)

    assert await SqlLedger(database).balances("A-1") == legs


async def test_an_entry_without_legs_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match="must sum to zero"):
        await write_entry(database, {})


async def test_legs_without_an_entry_are_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as connection:
            await write_legs(connection, {"cash": 5, "held": -5})

    assert await everything(database) == []


async def test_an_entry_accepts_no_further_legs(database: Database) -> None:
    await write_entry(database, {"cash": 5, "held": -5})
    before = await everything(database)

    with pytest.raises(IntegrityError, match="takes no more legs"):
        async with database.writing() as connection:
            await write_legs(connection, {"refunds": 5, "seller": -5})

    assert await everything(database) == before


async def test_an_entry_accepts_no_further_legs_from_another_connection(
    database: Database, other: Database
) -> None:
    """They wait for it, see it, and are refused."""

    async def write_more() -> None:
        async with other.writing() as connection:
            await write_legs(connection, {"refunds": 5, "seller": -5})

    async with database.writing() as connection:
        await write_legs(connection, {"cash": 5, "held": -5})
        await close_entry(connection)
        more = asyncio.create_task(write_more())
        done, _ = await asyncio.wait([more], timeout=0.3)
        assert not done
    with pytest.raises(IntegrityError, match="takes no more legs"):
        await more

    assert await SqlLedger(database).balances("A-1") == {"cash": 5, "held": -5}


async def test_the_same_posting_many_times_at_once_is_booked_once(
    database: Database, other: Database
) -> None:
    """Case 13."""
    databases = (database, other)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(book(databases[number % 2], posting("received", 5, "stray")))

    assert await SqlLedger(database).balances("A-1") == {"cash": 5, "stray": -5}
    assert set(await entries(database)) == {"A-1:received"}


async def test_a_posting_that_moves_nothing_makes_no_entry(database: Database) -> None:
    await book(database, posting("nothing", 0))

    assert await everything(database) == []


@pytest.mark.parametrize("statement", NEVER_CHANGED)
async def test_a_change_of_existing_rows_is_refused(database: Database, statement: str) -> None:
    """Case 26: a mistake is put right by another entry."""
    await write_entry(database, {"cash": 5, "held": -5})
    await write_payment(database)
    await write_refund(database, 2490)
    before = await everything(database)

    with pytest.raises(IntegrityError, match="never changed"):
        async with database.writing() as connection:
            await connection.execute(text(statement))

    assert await everything(database) == before


@pytest.mark.parametrize("number", range(4))
async def test_replacing_or_truncating_is_refused(database: Database, number: int) -> None:
    """SQLite replaces rows, PostgreSQL truncates tables."""
    await write_entry(database, {"cash": 5, "held": -5})
    await write_payment(database)
    await write_refund(database, 2490)
    before = await everything(database)

    with pytest.raises(IntegrityError):
        async with database.writing() as connection:
            await connection.execute(text(REPLACED_OR_TRUNCATED[connection.dialect.name][number]))

    assert await everything(database) == before


@pytest.mark.parametrize(
    ("amount", "currency"), [(2491, "EUR"), (2490, "PLN"), (1, "JPY"), (MAX_AMOUNT, "EUR")]
)
async def test_a_refund_that_exceeds_its_payment_is_refused(
    database: Database, amount: int, currency: str
) -> None:
    """Case 18: what came in is 24.90 EUR."""
    await write_payment(database)

    with pytest.raises(IntegrityError, match=TOO_MUCH):
        await write_refund(database, amount, currency)


async def test_refunds_that_exceed_their_payment_together_are_refused(database: Database) -> None:
    """Case 18; a refund counts though it is said to have failed the moment it was asked for."""
    await write_payment(database)
    await write_refund(database, 1490)

    for status in ("pending", "requires_action", "succeeded", "failed", "canceled"):
        with pytest.raises(IntegrityError, match=TOO_MUCH):
            await write_refund(database, 1001, refund_id="r-2", status=status)
    await write_refund(database, 1000, refund_id="r-2")


async def test_a_refund_without_a_payment_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await write_refund(database, 1)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_refund_in_a_snapshot_that_may_miss_others_is_refused(database: Database) -> None:
    """A snapshot taken before another refund was written does not have it."""
    await write_payment(database)

    async def refund() -> None:
        async with database.writing() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            refund = "('r-1', 'p-1', 1, 'EUR', 'order-A-1', 'now', 'pending', '')"
            await connection.execute(text(f"INSERT INTO refunds VALUES {refund}"))

    with pytest.raises(DBAPIError, match="READ COMMITTED"):
        await refund()
