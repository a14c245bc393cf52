"""Gathers the records of a batch for ``bench.money.judge``."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from temporalio.client import Client, WorkflowExecutionStatus

from bench.money.judge import Asked, Ended, Evidence, StoredMessage
from bench.money.plan import PlannedEnding
from database.connection import Database
from database.ledger import SqlLedger
from database.tables import ledger_legs, ledger_transactions, orders, outbox, refunds
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView
from testing.stripe.front import Front


async def gather(
    client: Client,
    database: Database,
    front: Front,
    endings: Mapping[str, PlannedEnding],
    stray_payments: Mapping[str, StrayPaymentState],
) -> Evidence:
    """All records of these orders and stray payments."""
    charges = await front.charges()
    ledger_ids = [*endings, *(stray_payment.ledger_id for stray_payment in stray_payments.values())]
    return Evidence(
        endings=endings,
        refunds=await front.refunds(),
        charges=charges,
        disputes=front.disputes(),
        asked=await _asked(database, [it["id"] for it in charges]),
        views=await _views(database, endings),
        balances=await _balances(database, ledger_ids),
        stray_payments=stray_payments,
        messages=await _messages(database, ledger_ids),
        workflows=await _unfinished(client),
        sums=await SqlLedger(database).trial_balance(),
    )


async def _asked(database: Database, payments: Sequence[str]) -> list[Asked]:
    query = select(refunds).where(refunds.c.payment_id.in_(payments))
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        Asked(
            refund_id=row.refund_id,
            payment_id=row.payment_id,
            money=Money.model_validate({"amount": row.amount, "currency": row.currency}),
        )
        for row in rows
    ]


async def _views(database: Database, order_ids: Iterable[str]) -> dict[str, OrderView]:
    query = select(orders.c.order_id, orders.c.view).where(orders.c.order_id.in_(list(order_ids)))
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return {row.order_id: OrderView.model_validate_json(row.view) for row in rows}


async def _balances(database: Database, ledger_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    entries = ledger_transactions.c
    query = (
        select(entries.order_id, ledger_legs.c.account, ledger_legs.c.amount)
        .join_from(ledger_transactions, ledger_legs)
        .where(entries.order_id.in_(ledger_ids))
    )
    sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
    async with database.reading() as connection:
        for ledger_id, account, amount in await connection.execute(query):
            sums[ledger_id][account] = sums[ledger_id].get(account, 0) + amount
    return dict(sums)


async def _messages(database: Database, ledger_ids: Sequence[str]) -> list[StoredMessage]:
    query = select(outbox).where(outbox.c.order_id.in_(ledger_ids))
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [
        StoredMessage(
            key=row.key,
            order_id=row.order_id,
            to=row.role,
            what=row.what,
            at=row.at.isoformat(),
            details=row.details,
            is_delivered=row.delivered_at is not None,
        )
        for row in rows
    ]


async def _unfinished(client: Client) -> list[Ended]:
    """The workflows that did not complete."""
    query = "ExecutionStatus != 'Completed'"
    return [
        Ended(it.id, it.status.name if it.status else WorkflowExecutionStatus.RUNNING.name)
        async for it in client.list_workflows(query)
    ]
