"""Our own records in the database, as reconciliation compares them."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from sqlalchemy import case, func, or_, select

from activities.ledger_check import PaymentBookedTwice, UnmatchedMoney, UnsettledStrayPayment
from activities.reconciliation import RegisteredRefund
from database.connection import Database
from database.ledger import SqlLedger, totals_by_currency
from database.orders import SqlOrders
from database.stray_payments import SqlStrayPayments
from database.tables import ledger_legs, ledger_transactions, orders, refunds
from orders import keys
from orders.allocation import Books
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView

_PAGE = 200


class SqlAudit:
    """Implements ``activities.reconciliation.OwnRecords``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders = SqlOrders(database)
        self._stray_payments = SqlStrayPayments(database)
        self._ledger = SqlLedger(database)

    async def cash_of(self, keys: Iterable[str]) -> dict[str, int]:
        """See ``OwnRecords``; corrections count with what they correct."""
        entries = ledger_transactions.c
        key = func.coalesce(entries.corrects, entries.key)
        query = (
            select(key, ledger_legs.c.amount)
            .join_from(ledger_transactions, ledger_legs)
            .where(key.in_(list(keys)), ledger_legs.c.account == "cash")
        )
        moved: dict[str, int] = {}
        async with self._database.reading() as connection:
            for booked_key, amount in await connection.execute(query):
                moved[booked_key] = moved.get(booked_key, 0) + amount
        return {booked_key: amount for booked_key, amount in moved.items() if amount}

    async def registered_refunds(self, since: datetime) -> AsyncIterator[RegisteredRefund]:
        """See ``OwnRecords``."""
        query = select(refunds).where(refunds.c.asked_at >= since).order_by(refunds.c.refund_id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        for row in rows:
            yield RegisteredRefund(
                refund_id=row.refund_id,
                payment_id=row.payment_id,
                amount=row.amount,
                currency=row.currency,
                status=row.status,
                asked_at=row.asked_at,
            )

    async def orders(self, since: datetime) -> AsyncIterator[OrderView]:
        """See ``OwnRecords``; page by page, by order id."""
        wanted = or_(orders.c.status.not_in(Status.ended()), orders.c.updated_at >= since)
        last = ""
        while True:
            query = (
                select(orders.c.order_id, orders.c.view)
                .where(wanted, orders.c.order_id > last)
                .order_by(orders.c.order_id)
                .limit(_PAGE)
            )
            async with self._database.reading() as connection:
                rows = (await connection.execute(query)).all()
            for order_id, view in rows:
                last = order_id
                yield OrderView.model_validate_json(view)
            if len(rows) < _PAGE:
                return

    async def order(self, order_id: str) -> OrderView | None:
        """See ``OwnRecords``."""
        return await self._orders.find(order_id)

    async def mark_terminated(self, order_id: str) -> None:
        """See ``OwnRecords``."""
        await self._orders.mark_terminated(order_id)

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        """See ``OwnRecords``."""
        return await self._stray_payments.find(payment_id)

    async def books(self, order_id: str) -> Books:
        """See ``OwnRecords``."""
        return await self._ledger.books(order_id)

    async def unmatched(self) -> list[UnmatchedMoney]:
        """See ``OwnRecords``."""
        entries = ledger_transactions.c
        query = (
            select(entries.order_id, entries.currency, ledger_legs.c.amount, entries.at)
            .join_from(ledger_transactions, ledger_legs)
            .where(ledger_legs.c.account == "unmatched")
            .order_by(entries.at)
        )
        unmatched: dict[tuple[str, str], UnmatchedMoney] = {}
        async with self._database.reading() as connection:
            for ledger_id, currency, amount, at in await connection.execute(query):
                new = UnmatchedMoney(ledger_id, 0, currency, at)
                before = unmatched.get((ledger_id, currency), new)
                unmatched[ledger_id, currency] = before._replace(amount=before.amount + amount)
        return [it for it in unmatched.values() if it.amount]

    async def unsettled_stray_payments(self) -> list[UnsettledStrayPayment]:
        """See ``OwnRecords``."""
        entries = ledger_transactions.c
        query = (
            select(entries.order_id, entries.currency, ledger_legs.c.amount, entries.at)
            .join_from(ledger_transactions, ledger_legs)
            .where(ledger_legs.c.account == "stray")
            .order_by(entries.at)
        )
        unsettled: dict[str, UnsettledStrayPayment] = {}
        async with self._database.reading() as connection:
            for ledger_id, currency, amount, at in await connection.execute(query):
                payment_id = keys.read_stray_ledger_id(ledger_id) or ""
                before = unsettled.get(
                    payment_id, UnsettledStrayPayment(payment_id, 0, currency, at)
                )
                unsettled[payment_id] = before._replace(amount=before.amount - amount)
        return [payment for payment in unsettled.values() if payment.amount]

    async def payments_booked_twice(self) -> list[PaymentBookedTwice]:
        """See ``OwnRecords``; corrections name no payment."""
        entries = ledger_transactions.c
        is_stray = entries.order_id.startswith(keys.STRAY_LEDGER_PREFIX) & (
            entries.step == keys.STRAY_RECEIVED
        )
        payment_id = case(
            (is_stray, func.substr(entries.order_id, len(keys.STRAY_LEDGER_PREFIX) + 1)),
            else_=func.substr(entries.step, len(keys.PAYMENT_PREFIX) + 1),
        ).label("payment_id")
        first, last = func.min(entries.order_id), func.max(entries.order_id)
        query = (
            select(payment_id, first, last, func.max(entries.at))
            .where(
                entries.corrects.is_(None),
                or_(is_stray, entries.step.startswith(keys.PAYMENT_PREFIX)),
            )
            .group_by(payment_id)
            .having(first != last)
        )
        async with self._database.reading() as connection:
            return [PaymentBookedTwice(*row) for row in await connection.execute(query)]

    async def out_of_balance(self) -> dict[str, int]:
        """See ``OwnRecords``."""
        sums = totals_by_currency(await self._ledger.trial_balance())
        return {currency: amount for currency, amount in sums.items() if amount}
