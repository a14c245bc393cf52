"""The journal: every order's view, postings and letters, in one SQL database.

Ledger entries are only ever inserted. A mistake is put right by another entry, as in any ledger. The
database refuses anything else, and entries that do not sum to zero (``database/migrations``).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic_extra_types.currency_code import Currency
from sqlalchemy import ColumnElement, Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.notifications import OutboxMessage
from activities.orders import OrderExists, OrderSnapshot
from activities.stray_payments import StoredStrayPayment, letters_of
from database import tables
from database.connection import Database, insert_if_missing, insert_into, take_turns
from orders.accounting import Posting
from orders.late_chargebacks import LateOutcome
from orders.messages import Role
from orders.order import Notification, Party, Status
from orders.stray_payments import StrayPaymentState
from orders.support_queue import waits_for_support
from orders.values import Frozen, Instant
from orders.view import OrderView

__all__ = ["AccountSum", "Database", "HeldSum", "OutboxEntry", "SqlJournal", "sums_of"]


# Sums are taken in two halves: SQLite's sum() fails beyond 64 bits, and amounts may fill them.
_HALF = 2**32


class AccountSum(NamedTuple):
    """What an account comes to over all orders, in minor units."""

    currency: str
    account: str
    amount: int


def sums_of(balance: Iterable[AccountSum]) -> dict[str, int]:
    """What each currency's accounts come to in all, in minor units: zero, if the ledger is right."""
    sums: dict[str, int] = {}
    for entry in balance:
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount
    return sums


class HeldSum(NamedTuple):
    """What is held for all orders of one status, undecided or on its way back, in minor units."""

    currency: str
    status: Status
    amount: int


class Refusal(Frozen):
    """A channel that a letter did not reach its reader by, and why."""

    channel: str
    why: str


class OutboxEntry(Frozen):
    """A letter, when the last of its channels was done with it, and which of them it did not reach."""

    letter: OutboxMessage
    delivered_at: Instant | None
    refused: tuple[Refusal, ...] = ()


class SqlJournal:
    """Implements ``activities.orders.OrderStore``, ``activities.notifications.Outbox``,
    ``activities.stray_payments.StrayPaymentStore`` and ``activities.chargebacks.Finished``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, step: OrderSnapshot) -> None:
        """See ``OrderStore``: view, postings and notices of a step, in one transaction.

        The postings of a newer or equal revision are the truth, and the ledger is corrected to it:
        a workflow task whose outcome was thrown away may have recorded what never happened.
        """
        async with self._database.writing() as connection:
            # First, as it locks the order: two steps of one order never correct the ledger at once.
            if await _keep_view(connection, step):
                postings, at = step.postings, _as_of(step.view)
                await _keep_postings(connection, step.view.order_id, postings, at)
            for notice in step.notices:
                await _keep_letter(connection, _letter(notice, step.view))

    async def amend(self, order_id: str, change: Callable[[OrderView], LateOutcome | None]) -> None:
        """See ``activities.chargebacks.Finished``."""
        orders = tables.orders
        query = select(orders.c.view).where(orders.c.order_id == order_id).with_for_update()
        async with self._database.writing() as connection:
            kept = (await connection.execute(query)).scalar_one_or_none()
            if kept is None:
                raise LookupError(f"There is no order {order_id}.")
            after = change(OrderView.model_validate_json(kept))
            if after is None:
                return
            await connection.execute(
                update(orders)
                .where(orders.c.order_id == order_id)
                .values(
                    view=after.view.model_dump_json(),
                    revision=orders.c.revision + 1,
                    updated_at=_as_of(after.view),
                    waits_since=_waits_since(after.view),
                )
            )
            if after.posting:
                await _book(connection, after.posting, after.posting.key)
            for notice in after.notices:
                await _keep_letter(connection, _letter(notice, after.view))

    async def record_stray(
        self, kept: StoredStrayPayment, letters: tuple[OutboxMessage, ...]
    ) -> None:
        """See ``StrayPaymentStore``; the ledger is corrected to the money's postings, as to an order's."""
        stray = kept.stray
        async with self._database.writing() as connection:
            if await _keep_stray(connection, kept):
                at = stray.timeline[-1].at
                await _keep_postings(connection, stray.books_id, stray.postings, at)
            for letter in letters:
                await _keep_letter(connection, letter)

    async def amend_stray(
        self, payment_id: str, change: Callable[[StrayPaymentState], bool]
    ) -> StrayPaymentState:
        """See ``activities.chargebacks.Finished``."""
        strays = tables.stray_payments
        query = select(strays.c.state).where(strays.c.payment_id == payment_id).with_for_update()
        async with self._database.writing() as connection:
            state = (await connection.execute(query)).scalar_one_or_none()
            if state is None:
                raise LookupError(f"There is no stray payment {payment_id}.")
            stray = StrayPaymentState.model_validate_json(state)
            if not change(stray):
                return stray
            told = letters_of(stray)
            stray.notices.clear()
            await connection.execute(
                update(strays)
                .where(strays.c.payment_id == payment_id)
                .values(state=stray.model_dump_json(), revision=strays.c.revision + 1)
            )
            at = stray.timeline[-1].at
            await _keep_postings(connection, stray.books_id, stray.postings, at)
            for letter in told:
                await _keep_letter(connection, letter)
        return stray

    async def stray(self, payment_id: str) -> StrayPaymentState | None:
        """What is kept of a stray payment, also years after it went back; None where nothing is."""
        strays = tables.stray_payments.c
        query = select(strays.state).where(strays.payment_id == payment_id)
        async with self._database.reading() as connection:
            state = (await connection.execute(query)).scalar_one_or_none()
        return None if state is None else StrayPaymentState.model_validate_json(state)

    async def post(self, posting: Posting) -> None:
        """Book money that belongs to no order's view (R17), once by its key."""
        there = select(tables.ledger_transactions.c.key).where(
            tables.ledger_transactions.c.key == posting.key
        )
        async with self._database.writing() as connection:
            await take_turns(connection, posting.key)
            if (await connection.execute(there)).first() is None:
                await _book(connection, posting, posting.key)

    async def tell(self, letter: OutboxMessage) -> None:
        """Put a letter into the outbox, once by its key."""
        async with self._database.writing() as connection:
            await _keep_letter(connection, letter)

    async def undelivered(self, order_id: str) -> list[OutboxMessage]:
        """See ``Outbox``."""
        waiting = tables.outbox.c.delivered_at.is_(None)
        return [entry.letter for entry in await self._letters(waiting, order_id)]

    async def delivered(self, key: str) -> None:
        """See ``Outbox``; the first delivery's instant stays."""
        letters = tables.outbox
        async with self._database.writing() as connection:
            await connection.execute(
                update(letters)
                .where(letters.c.key == key, letters.c.delivered_at.is_(None))
                .values(delivered_at=datetime.now(UTC))
            )

    async def outbox(self, order_id: str | None = None) -> list[OutboxEntry]:
        """All letters ever written, of one order or of all, oldest first."""
        return await self._letters(None, order_id)

    async def order(self, order_id: str) -> OrderView | None:
        """An order's latest view, also years after it closed; None when there is no such order."""
        query = select(tables.orders.c.view).where(tables.orders.c.order_id == order_id)
        async with self._database.reading() as connection:
            kept = (await connection.execute(query)).scalar_one_or_none()
        return None if kept is None else OrderView.model_validate_json(kept)

    async def balances(self, order_id: str) -> dict[str, int]:
        """What each account of an order comes to, in minor units."""
        sums = await self._sums(tables.ledger_transactions.c.order_id == order_id)
        return {account: amount for _, account, amount in sums}

    async def trial_balance(self) -> list[AccountSum]:
        """What each account comes to over the whole ledger; each currency sums to zero."""
        return await self._sums()

    async def held_by_status(self) -> list[HeldSum]:
        """What is held for orders, by currency and their status; left out where it is nothing.

        Money that no order can take (R17) has no order whose status it could be: ``trial_balance`` has it.
        """
        legs, transactions = tables.ledger_legs.c, tables.ledger_transactions.c
        status = tables.orders.c.status
        query = (
            select(transactions.currency, status, *_summed(legs.amount))
            .join_from(tables.ledger_legs, tables.ledger_transactions)
            .join(tables.orders, tables.orders.c.order_id == transactions.order_id)
            .where(legs.account.in_(("held", "refunds")))
            .group_by(transactions.currency, status)
            .order_by(transactions.currency, status)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            HeldSum(currency, Status(of), -_whole(high, low))
            for currency, of, high, low in rows
            if _whole(high, low)
        ]

    async def _sums(self, *of: ColumnElement[bool]) -> list[AccountSum]:
        legs, transactions = tables.ledger_legs.c, tables.ledger_transactions.c
        query = (
            select(transactions.currency, legs.account, *_summed(legs.amount))
            .join_from(tables.ledger_legs, tables.ledger_transactions)
            .where(*of)
            .group_by(transactions.currency, legs.account)
            .order_by(transactions.currency, legs.account)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            AccountSum(currency, account, _whole(high, low))
            for currency, account, high, low in rows
        ]

    async def _letters(
        self, which: ColumnElement[bool] | None, order_id: str | None
    ) -> list[OutboxEntry]:
        query: Select[Any] = select(tables.outbox).order_by(tables.outbox.c.number)
        if which is not None:
            query = query.where(which)
        if order_id is not None:
            query = query.where(tables.outbox.c.order_id == order_id)
        kept = tables.deliveries
        refused = select(kept.c.letter, kept.c.channel, kept.c.why).where(kept.c.state == "refused")
        if order_id is not None:
            refused = refused.join(tables.outbox).where(tables.outbox.c.order_id == order_id)
        refusals: dict[str, list[Refusal]] = {}
        async with self._database.reading() as connection:
            for letter, channel, why in await connection.execute(refused.order_by(kept.c.at)):
                refusals.setdefault(letter, []).append(Refusal(channel=channel, why=why))
            return [_entry(row, refusals) for row in await connection.execute(query)]


def _summed(amount: ColumnElement[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.sum(amount // _HALF), func.sum(amount % _HALF)


def _whole(high: int | Decimal, low: int | Decimal) -> int:
    return int(high) * _HALF + int(low)


@dataclass
class _Kept:
    """What the ledger has of one posting, its corrections included."""

    step: str
    currency: Currency
    entries: int = 0
    net: dict[str, int] = field(default_factory=dict)


async def _keep_view(connection: AsyncConnection, step: OrderSnapshot) -> bool:
    """Keep the view unless a newer revision is kept; says whether it was. Raises OrderExists."""
    view = step.view
    insert = insert_into(connection, tables.orders).values(
        order_id=view.order_id,
        revision=step.revision,
        process=step.process,
        view=view.model_dump_json(),
        buyer_id=view.buyer.id,
        seller_id=view.seller.id,
        status=view.status,
        placed_at=view.placed_at,
        updated_at=_as_of(view),
        waits_since=_waits_since(view),
    )
    newer = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=["order_id"],
        set_={
            name: newer[name]
            for name in ("revision", "view", "status", "updated_at", "waits_since")
        },
        where=(tables.orders.c.revision <= newer.revision)
        & (tables.orders.c.process == newer.process),
    )
    if (await connection.execute(upsert)).rowcount == 1:
        return True
    owner = select(tables.orders.c.process).where(tables.orders.c.order_id == view.order_id)
    if (await connection.execute(owner)).scalar_one() != step.process:
        raise OrderExists(view.order_id)
    return False


async def _keep_stray(connection: AsyncConnection, kept: StoredStrayPayment) -> bool:
    """Keep the state unless a newer revision, or another process's, is kept; says whether it was."""
    strays = tables.stray_payments
    insert = insert_into(connection, strays).values(
        payment_id=kept.stray.payment_id,
        revision=kept.revision,
        process=kept.process,
        state=kept.stray.model_dump_json(),
    )
    newer = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=["payment_id"],
        set_={name: newer[name] for name in ("revision", "state")},
        where=(strays.c.revision <= newer.revision) & (strays.c.process == newer.process),
    )
    return (await connection.execute(upsert)).rowcount == 1


async def _keep_postings(
    connection: AsyncConnection, books_id: str, postings: Iterable[Posting], at: datetime
) -> None:
    """Bring the ledger of an order, or of stray money, to its postings, by inserting only."""
    kept = await _kept_postings(connection, books_id)
    wanted = {posting.key: posting for posting in postings}
    for key, posting in wanted.items():
        if key not in kept:
            await _book(connection, posting, key)
    for key, there in kept.items():
        legs = _difference(wanted[key].legs if key in wanted else {}, there.net)
        if legs:
            word = "corrected" if key in wanted else "reversed"
            correction = Posting(
                order_id=books_id,
                step=f"{there.step} ({word})",
                at=at,
                currency=there.currency,
                legs=legs,
            )
            # No id or step contains "#", so this is never another posting's key.
            await _book(connection, correction, f"{key}#{there.entries}", corrects=key)


async def _kept_postings(connection: AsyncConnection, order_id: str) -> dict[str, _Kept]:
    entries, legs = tables.ledger_transactions, tables.ledger_legs
    query = (
        select(entries, legs.c.account, legs.c.amount)
        .join(legs)
        .where(entries.c.order_id == order_id)
    )
    kept: dict[str, _Kept] = {}
    seen: set[str] = set()
    for row in await connection.execute(query):
        there = kept.setdefault(row.corrects or row.key, _Kept(row.step, row.currency))
        if row.key not in seen:
            seen.add(row.key)
            there.entries += 1
        if row.corrects is None:
            there.step = row.step
        there.net[row.account] = there.net.get(row.account, 0) + row.amount
    return kept


def _difference(wanted: dict[str, int], there: dict[str, int]) -> dict[str, int]:
    accounts: Iterable[str] = dict.fromkeys((*wanted, *there))
    gaps = {account: wanted.get(account, 0) - there.get(account, 0) for account in accounts}
    return {account: gap for account, gap in gaps.items() if gap}


async def _book(
    connection: AsyncConnection, posting: Posting, key: str, corrects: str | None = None
) -> None:
    """Write an entry that is not there yet; one that moves nothing is none."""
    legs = [
        {"transaction_key": key, "account": account, "amount": amount}
        for account, amount in posting.legs.items()
        if amount
    ]
    if not legs:
        return
    # The legs first: the database takes no more of them once it has their transaction.
    await connection.execute(tables.ledger_legs.insert(), legs)
    await connection.execute(
        tables.ledger_transactions.insert().values(
            key=key,
            corrects=corrects,
            order_id=posting.order_id,
            step=posting.step,
            at=posting.at,
            currency=posting.currency,
        )
    )


async def _keep_letter(connection: AsyncConnection, letter: OutboxMessage) -> None:
    await insert_if_missing(
        connection,
        tables.outbox,
        key=letter.key,
        order_id=letter.order_id,
        role=letter.to,
        party=letter.party.model_dump_json() if letter.party else None,
        what=letter.what,
        at=letter.at,
        details=json.dumps(letter.details),
    )


def _letter(notice: Notification, view: OrderView) -> OutboxMessage:
    return OutboxMessage(
        key=notice.key,
        order_id=view.order_id,
        to=notice.to,
        party={Role.BUYER: view.buyer, Role.SELLER: view.seller}.get(notice.to),
        what=notice.what,
        at=notice.at,
        details=notice.details,
    )


def _entry(row: Row[Any], refusals: Mapping[str, Sequence[Refusal]]) -> OutboxEntry:
    letter = OutboxMessage(
        key=row.key,
        order_id=row.order_id,
        to=row.role,
        party=Party.model_validate_json(row.party) if row.party else None,
        what=row.what,
        at=row.at,
        details=json.loads(row.details),
    )
    return OutboxEntry(
        letter=letter, delivered_at=row.delivered_at, refused=tuple(refusals.get(row.key, ()))
    )


def _waits_since(view: OrderView) -> datetime | None:
    """Since when the order waits for support."""
    waiting = waits_for_support(view)
    return waiting.since if waiting else None


def _as_of(view: OrderView) -> datetime:
    """When the order last changed, by its own clock."""
    return view.timeline[-1].at
