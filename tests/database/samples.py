"""Orders, steps and postings for these tests, and the ledger read row by row."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, select

from activities.notifications import OutboxMessage
from activities.orders import OrderSnapshot, as_recorded
from database import ledger, outbox, tables
from database.connection import Database
from orders.accounting import Posting
from orders.handlers import receive
from orders.messages import parse
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.view import view

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def placed(order_id: str = "A-1", amount: int = 2490, currency: str = "EUR") -> Order:
    order = PlaceOrder.model_validate(
        {
            "order_id": order_id,
            "buyer": {"id": "buyer-7", "name": "Anna", "locale": "pl"},
            "seller": {"id": "seller-3", "name": "Shop 3", "locale": "en"},
            "lines": [
                {
                    "sku": "CAB-2",
                    "title": "USB-C cable",
                    "quantity": 1,
                    "unit_price": {"amount": amount, "currency": currency},
                }
            ],
            "shipping_price": {"amount": 0, "currency": currency},
        }
    )
    return Order.new(order, START)


def pay(order: Order, at: datetime = START) -> None:
    money = order.amount_due.model_dump_json()
    payment = f'{{"payment_id":"p-1","money":{money},"method":"card","paid_at":"{at.isoformat()}"}}'
    receive(order, parse("payment", [payment.encode()]), at)


def snapshot(order: Order) -> OrderSnapshot:
    return OrderSnapshot(
        revision=order.revision,
        first_run_id="run-1",
        view=as_recorded(view(order)),
        postings=tuple(order.postings),
        notifications=tuple(order.notifications),
    )


def changed(of: OrderSnapshot, **fields: Any) -> OrderSnapshot:
    return of.model_copy(update=fields)


def posting(name: str, amount: int, account: str = "held", order_id: str = "A-1") -> Posting:
    return Posting.model_validate(
        {
            "order_id": order_id,
            "step": name,
            "at": START,
            "currency": "EUR",
            "legs": {"cash": amount, account: -amount},
        }
    )


async def book(database: Database, *postings: Posting) -> None:
    """Book by hand, each once by its key."""
    for each in postings:
        await database.write(partial(ledger.book_once, posting=each))


async def put_into_outbox(database: Database, *messages: OutboxMessage) -> None:
    await database.write(partial(outbox.add, messages=messages))


async def entries(database: Database) -> dict[str, list[Row[Any]]]:
    """Every ledger entry with its legs, by key."""
    query = (
        select(
            tables.ledger_transactions, tables.ledger_legs.c.account, tables.ledger_legs.c.amount
        )
        .outerjoin(tables.ledger_legs)
        .order_by(tables.ledger_transactions.c.key, tables.ledger_legs.c.account)
    )
    found: dict[str, list[Row[Any]]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(query):
            found.setdefault(row.key, []).append(row)
    return found
