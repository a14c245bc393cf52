"""How many statements and transactions a step costs: a budget, as each is work on every database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, event

from activities.notifications import Notifications
from activities.orders import OrderRecords
from activities.refunds import Refunds
from adapters.local.log_channel import LogChannel
from adapters.local.provider import LocalProvider
from database.connection import Database
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from database.refunds import SqlRefundRegister
from tests.database.samples import changed, pay, placed, snapshot
from tests.database.test_refunds import request as refund_request


@dataclass
class Work:
    statements: list[str] = field(default_factory=list)
    transactions: int = 0

    @property
    def cost(self) -> tuple[int, int]:
        """Its transactions, and their statements."""
        return self.transactions, len(self.statements)


@contextmanager
def work() -> Iterator[Work]:
    """What databases do while this context lasts, but for what begins and ends transactions."""
    done = Work()

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            done.statements.append(statement)

    def commit(_connection: Any) -> None:
        done.transactions += 1

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield done
    finally:
        event.remove(Engine, "before_cursor_execute", execute)
        event.remove(Engine, "commit", commit)


@pytest.fixture
def records(database: Database) -> OrderRecords:
    return OrderRecords(SqlOrders(database), Notifications(SqlOutbox(database), LogChannel()))


async def test_a_step_is_one_transaction_that_reads_only_the_ledger(
    records: OrderRecords, outbox: SqlOutbox
) -> None:
    """The view, what it is found by, what is booked, the outbox; for money both parts of its entry."""
    order = placed()
    with work() as placing:
        await records.record_order(snapshot(order))
    pay(order)
    with work() as paying:
        await records.record_order(changed(snapshot(order), revision=order.revision + 1))

    assert placing.cost == (1, 4)
    assert paying.cost == (1, 6)
    assert all(it.delivered_at for it in await outbox.entries("A-1"))


async def test_all_notifications_of_a_step_are_one_statement(records: OrderRecords) -> None:
    order = placed()
    pay(order)

    with work() as done:
        await records.record_order(snapshot(order))

    assert len(order.notifications) > 2
    assert sum("outbox" in it for it in done.statements) == 1


async def test_a_refund_is_registered_without_looking_for_what_was_just_written(
    database: Database,
) -> None:
    """The payment and the refund, what the provider does, and the state that it answers with."""
    refunds = Refunds(LocalProvider(database), SqlRefundRegister(database))

    with work() as done:
        await refunds.ask_refund(refund_request())

    assert sum("INTO payments" in it or "INTO refunds" in it for it in done.statements) == 2
    assert done.cost == (3, 7)
