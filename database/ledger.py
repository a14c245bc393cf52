"""The ledger: balanced entries that are inserted and never changed.

A mistake is corrected by another entry, as in any ledger. The database refuses changed entries, and entries
that do not sum to zero (``database/migrations``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic_extra_types.currency_code import Currency
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from database.connection import Database, lock_key
from database.tables import UNSETTLED, ledger_legs, ledger_transactions, orders
from orders.accounting import Posting
from orders.allocation import Books
from orders.status import Status

# Sums are computed in two halves: SQLite's sum() fails beyond 64 bits, and amounts may use all of them.
_HALF = 2**32


class AccountBalance(NamedTuple):
    """The balance of an account over all orders, in minor units."""

    currency: str
    account: str
    amount: int


class HeldBalance(NamedTuple):
    """What is held for all orders of one status, undecided or being refunded, in minor units."""

    currency: str
    status: Status
    amount: int


class UnsettledBalance(NamedTuple):
    """Money of an order or a stray payment that is on an account of its own, in minor units."""

    currency: str
    account: str
    amount: int
    since: datetime


def totals_by_currency(balances: Iterable[AccountBalance]) -> dict[str, int]:
    """The sum of each currency's accounts, in minor units: zero, if the ledger is right."""
    totals: dict[str, int] = {}
    for balance in balances:
        totals[balance.currency] = totals.get(balance.currency, 0) + balance.amount
    return totals


class SqlLedger:
    """Reads balances. Entries are written by the stores of orders and of stray payments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def balances(self, order_id: str) -> dict[str, int]:
        """The balance of each account of an order or a stray payment of one currency, in minor units."""
        balances = await self._balances(ledger_transactions.c.order_id == order_id)
        return {account: amount for _, account, amount in balances}

    async def books(self, order_id: str) -> Books:
        """The balance of each account of an order or a stray payment, by currency, in minor units."""
        found: Books = {}
        for currency, account, amount in await self._balances(
            ledger_transactions.c.order_id == order_id
        ):
            found.setdefault(currency, {})[account] = amount
        return found

    async def trial_balance(self) -> list[AccountBalance]:
        """The balance of each account over the whole ledger; each currency sums to zero."""
        return await self._balances()

    async def held_by_status(self) -> list[HeldBalance]:
        """The money held for orders, by currency and status, where it is not zero.

        Stray payments (R17) belong to no order's status: ``trial_balance`` has them.
        """
        legs, transactions = ledger_legs.c, ledger_transactions.c
        query = (
            select(transactions.currency, orders.c.status, *_summed(legs.amount))
            .join_from(ledger_legs, ledger_transactions)
            .join(orders, orders.c.order_id == transactions.order_id)
            .where(legs.account.in_(("held", "refunds")))
            .group_by(transactions.currency, orders.c.status)
            .order_by(transactions.currency, orders.c.status)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            HeldBalance(currency, Status(status), -_whole(high, low))
            for currency, status, high, low in rows
            if _whole(high, low)
        ]

    async def _balances(self, *which: ColumnElement[bool]) -> list[AccountBalance]:
        legs, transactions = ledger_legs.c, ledger_transactions.c
        query = (
            select(transactions.currency, legs.account, *_summed(legs.amount))
            .join_from(ledger_legs, ledger_transactions)
            .where(*which)
            .group_by(transactions.currency, legs.account)
            .order_by(transactions.currency, legs.account)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            AccountBalance(currency, account, _whole(high, low))
            for currency, account, high, low in rows
        ]


def _summed(amount: ColumnElement[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.sum(amount // _HALF), func.sum(amount % _HALF)


def _whole(high: int | Decimal, low: int | Decimal) -> int:
    return int(high) * _HALF + int(low)


@dataclass
class _Booked:
    """One posting as booked, including its corrections."""

    step: str
    run_id: str | None
    currency: Currency
    entries: int = 0
    legs: dict[str, int] = field(default_factory=dict)


class _Entry(NamedTuple):
    """A posting to insert under a key, or what corrects the one under another."""

    posting: Posting
    key: str
    run_id: str | None = None
    corrects: str | None = None


def correct_to(
    connection: Connection,
    order_id: str,
    postings: Iterable[Posting],
    at: datetime,
    run_id: str | None = None,
) -> None:
    """Correct the ledger of an order or a stray payment to these postings, by inserting entries only.

    With ``run_id``, what another run of the order's workflow has booked stays as it is.

    The caller has locked the order, so that two transactions never correct it at once.
    """
    booked = {
        key: entry
        for key, entry in _booked(connection, order_id).items()
        if run_id in (None, entry.run_id)
    }
    wanted = {posting.key: posting for posting in postings}
    entries = [_Entry(posting, key, run_id) for key, posting in wanted.items() if key not in booked]
    for key, entry in booked.items():
        legs = _difference(wanted[key].legs if key in wanted else {}, entry.legs)
        if legs:
            word = "corrected" if key in wanted else "reversed"
            correction = Posting(
                order_id=order_id,
                step=f"{entry.step} ({word})",
                at=at,
                currency=entry.currency,
                legs=legs,
            )
            # No id or step contains "#", so this is never another posting's key.
            entries.append(_Entry(correction, f"{key}#{entry.entries}", run_id, corrects=key))
    _insert(connection, entries)


async def unsettled(connection: AsyncConnection) -> list[UnsettledBalance]:
    """The stray and unmatched money of each order and stray payment that has any (R17, R23)."""
    entries, amount = ledger_transactions.c, func.sum(ledger_legs.c.amount)
    query = (
        select(entries.currency, ledger_legs.c.account, amount, func.min(entries.at))
        .join_from(ledger_legs, ledger_transactions)
        .where(UNSETTLED)
        .group_by(entries.order_id, entries.currency, ledger_legs.c.account)
        .having(amount != 0)
    )
    return [
        UnsettledBalance(currency, account, int(total), since)
        for currency, account, total, since in await connection.execute(query)
    ]


def book_once(connection: Connection, posting: Posting) -> None:
    """Book a posting unless its key is in the ledger already; one without amounts makes no entry."""
    there = select(ledger_transactions.c.key).where(ledger_transactions.c.key == posting.key)
    lock_key(connection, posting.key)
    if connection.execute(there).first() is None:
        _insert(connection, [_Entry(posting, posting.key)])


_ENTRIES = (
    select(ledger_transactions, ledger_legs.c.account, ledger_legs.c.amount)
    .join(ledger_legs)
    .where(ledger_transactions.c.order_id == bindparam("order_id"))
)


def _booked(connection: Connection, order_id: str) -> dict[str, _Booked]:
    booked: dict[str, _Booked] = {}
    seen: set[str] = set()
    for row in connection.execute(_ENTRIES, {"order_id": order_id}):
        new = _Booked(row.step, row.first_run_id, row.currency)
        entry = booked.setdefault(row.corrects or row.key, new)
        if row.key not in seen:
            seen.add(row.key)
            entry.entries += 1
        if row.corrects is None:
            entry.step, entry.run_id = row.step, row.first_run_id
        entry.legs[row.account] = entry.legs.get(row.account, 0) + row.amount
    return booked


def _difference(wanted: dict[str, int], booked: dict[str, int]) -> dict[str, int]:
    accounts: Iterable[str] = dict.fromkeys((*wanted, *booked))
    gaps = {account: wanted.get(account, 0) - booked.get(account, 0) for account in accounts}
    return {account: gap for account, gap in gaps.items() if gap}


def _insert(connection: Connection, entries: Sequence[_Entry]) -> None:
    legs = [
        {"transaction_key": entry.key, "account": account, "amount": amount}
        for entry in entries
        for account, amount in entry.posting.legs.items()
        if amount
    ]
    if not legs:
        return
    # The legs first: the database accepts no more of them once their transaction is inserted.
    connection.execute(ledger_legs.insert(), legs)
    connection.execute(
        ledger_transactions.insert(),
        [
            {
                "key": entry.key,
                "corrects": entry.corrects,
                "order_id": entry.posting.order_id,
                "step": entry.posting.step,
                "at": entry.posting.at,
                "currency": entry.posting.currency,
                "by_id": entry.posting.by_id,
                "first_run_id": entry.run_id,
            }
            for entry in entries
            if any(entry.posting.legs.values())
        ],
    )
