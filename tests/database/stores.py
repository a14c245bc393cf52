"""The stores that pass one contract: the fakes, and the real ones on SQLite and on PostgreSQL."""

from dataclasses import dataclass
from typing import Protocol

from activities.notifications import Outbox
from activities.orders import OrderStore
from activities.stray_payments import StrayPaymentStore
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from database.stray_payments import SqlStrayPayments
from testing.outage import Outage
from tests.fakes import FakeLedger, FakeOrders, FakeOutbox, FakeStrayPayments


class Ledger(Protocol):
    async def balances(self, order_id: str) -> dict[str, int]: ...


@dataclass(frozen=True)
class Stores:
    orders: OrderStore
    stray_payments: StrayPaymentStore
    outbox: Outbox
    ledger: Ledger


def fake_stores() -> Stores:
    state = Outage()
    ledger, outbox = FakeLedger(state), FakeOutbox(state)
    return Stores(
        FakeOrders(state, ledger, outbox),
        FakeStrayPayments(state, ledger, outbox),
        outbox,
        ledger,
    )


def sql_stores(database: Database) -> Stores:
    return Stores(
        SqlOrders(database), SqlStrayPayments(database), SqlOutbox(database), SqlLedger(database)
    )
