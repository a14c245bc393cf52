import asyncio

from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from orders.handlers import receive
from orders.messages import parse
from orders.schedule import let_time_pass
from orders.status import Status
from orders.values import MAX_AMOUNT
from tests.database.samples import (
    DAY,
    START,
    book,
    changed,
    entries,
    pay,
    placed,
    posting,
    snapshot,
)


async def test_a_refunded_order_leaves_all_accounts_at_zero(
    orders: SqlOrders, ledger: SqlLedger
) -> None:
    order = placed()
    await orders.record(snapshot(order))
    pay(order)
    await orders.record(snapshot(order))
    let_time_pass(order, START + DAY)
    receive(order, parse("cancel_request", [b'{"reason":"changed_mind"}']), START + DAY)
    await orders.record(snapshot(order))
    receive(order, parse("seller_reply", [b'{"decision":"accept"}']), START + 2 * DAY)
    await orders.record(snapshot(order))
    news = b'{"refund_id":"A-1-refund-1","status":"succeeded"}'
    receive(order, parse("refund_update", [news]), START + 5 * DAY)
    await orders.record(snapshot(order))

    kept = await orders.find("A-1")
    assert kept is not None
    assert kept.amount_refunded.amount == 2490
    assert set((await ledger.balances("A-1")).values()) == {0}


async def test_a_discarded_posting_is_reversed_once_and_no_entry_is_removed(
    database: Database, orders: SqlOrders, ledger: SqlLedger
) -> None:
    order = placed()
    pay(order)
    thrown_away = changed(snapshot(order), postings=(*order.postings, posting("phantom", 700)))
    await orders.record(thrown_away)
    before = await entries(database)

    await orders.record(snapshot(order))
    await orders.record(snapshot(order))
    await orders.record(changed(snapshot(order), revision=order.revision + 1))

    after = await entries(database)
    assert await ledger.balances("A-1") == {"cash": 2490, "held": -2490}
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"A-1:phantom#1"}
    reversal = after["A-1:phantom#1"]
    assert {row.account: row.amount for row in reversal} == {"cash": -700, "held": 700}
    assert {(row.corrects, row.step) for row in reversal} == {("A-1:phantom", "phantom (reversed)")}


async def test_a_reversed_posting_that_comes_back_counts_again(
    database: Database, orders: SqlOrders, ledger: SqlLedger
) -> None:
    order = placed()
    without, with_it = snapshot(order), changed(snapshot(order), postings=(posting("late", 700),))

    for expected, each in enumerate((with_it, without, with_it, with_it, without, with_it)):
        await orders.record(each)
        balances = await ledger.balances("A-1")
        assert balances.get("cash", 0) == (700 if each is with_it else 0), expected

    assert set(await entries(database)) == {"A-1:late", *(f"A-1:late#{n}" for n in range(1, 5))}


async def test_a_changed_posting_is_corrected_by_the_difference(
    orders: SqlOrders,
    ledger: SqlLedger,
) -> None:
    order = placed()
    await orders.record(changed(snapshot(order), postings=(posting("credit", 700, "held"),)))

    await orders.record(changed(snapshot(order), postings=(posting("credit", 650, "seller"),)))

    assert await ledger.balances("A-1") == {"cash": 650, "held": 0, "seller": -650}


async def test_a_payment_id_that_looks_like_a_correction_is_not_one(
    orders: SqlOrders, ledger: SqlLedger
) -> None:
    order = placed()
    odd = (posting("payment-p", 5), posting("payment-p:reversed", 7))
    await orders.record(changed(snapshot(order), postings=odd))

    await orders.record(changed(snapshot(order), postings=odd[1:]))

    assert await ledger.balances("A-1") == {"cash": 7, "held": -7}


async def test_the_ledger_sums_to_zero_in_every_currency_beyond_64_bits(
    orders: SqlOrders,
    ledger: SqlLedger,
) -> None:
    for number in range(3):
        order = placed(f"A-{number}", MAX_AMOUNT)
        pay(order)
        await orders.record(snapshot(order))
    yen = placed("A-9", 500, "JPY")
    pay(yen)
    await orders.record(snapshot(yen))

    assert await ledger.trial_balance() == [
        ("EUR", "cash", 3 * MAX_AMOUNT),
        ("EUR", "held", -3 * MAX_AMOUNT),
        ("JPY", "cash", 500),
        ("JPY", "held", -500),
    ]


async def test_held_money_is_summed_by_currency_and_status(
    database: Database, orders: SqlOrders, ledger: SqlLedger
) -> None:
    """R14: also what is decided to go back is held until it is back; R17: stray money is no order's."""
    for number, (amount, currency) in enumerate(
        [(MAX_AMOUNT, "PLN"), (MAX_AMOUNT, "PLN"), (500, "JPY"), (1250, "KWD"), (9, "JPY")]
    ):
        order = placed(f"A-{number}", amount, currency)
        pay(order)
        let_time_pass(order, START + DAY)
        if currency != "JPY":
            receive(order, parse("cancel_request", [b'{"reason":"changed_mind"}']), START + DAY)
        if currency == "KWD":
            receive(order, parse("seller_reply", [b'{"decision":"accept"}']), START + 2 * DAY)
        await orders.record(snapshot(order))
    await orders.record(snapshot(placed("A-9")))
    await book(database, posting("received", 5, "stray", "stray:p-9"))

    assert await ledger.held_by_status() == [
        ("JPY", Status.AWAITING_SHIPMENT, 509),
        ("KWD", Status.CLOSED, 1250),
        ("PLN", Status.CANCELLATION_REQUESTED, 2 * MAX_AMOUNT),
    ]


async def test_refunded_money_is_not_held(orders: SqlOrders, ledger: SqlLedger) -> None:
    order = placed()
    pay(order)
    let_time_pass(order, START + DAY)
    receive(order, parse("cancel_request", [b'{"reason":"changed_mind"}']), START + DAY)
    receive(order, parse("seller_reply", [b'{"decision":"accept"}']), START + 2 * DAY)
    news = b'{"refund_id":"A-1-refund-1","status":"succeeded"}'
    receive(order, parse("refund_update", [news]), START + 5 * DAY)
    await orders.record(snapshot(order))

    assert await ledger.held_by_status() == []


async def test_the_same_snapshot_from_two_workers_at_once_is_recorded_once(
    url: str, database: Database, orders: SqlOrders, ledger: SqlLedger, outbox: SqlOutbox
) -> None:
    other = await Database.open(url)
    order = placed()
    pay(order)
    phantom = changed(snapshot(order), postings=(*order.postings, posting("phantom", 700)))
    await orders.record(phantom)
    stores = (orders, SqlOrders(other))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(stores[number % 2].record(snapshot(order)))
    await other.close()

    assert set(await entries(database)) == {"A-1:payment/p-1", "A-1:phantom", "A-1:phantom#1"}
    assert await ledger.balances("A-1") == {"cash": 2490, "held": -2490}
    assert len(await outbox.entries("A-1")) == 4
