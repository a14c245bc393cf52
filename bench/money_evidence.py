"""What a batch has left behind, gathered for ``money_judge``."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from temporalio.client import Client, WorkflowExecutionStatus

from bench.money_judge import Asked, Ended, Evidence, StoredMessage
from bench.money_plan import PlannedEnding
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
    strays: Mapping[str, StrayPaymentState],
) -> Evidence:
    """All there is of the orders with these endings, and of this stray money."""
    charges = await front.charges()
    books = [*endings, *(stray.ledger_id for stray in strays.values())]
    return Evidence(
        endings=endings,
        refunds=await front.refunds(),
        charges=charges,
        disputes=front.disputes(),
        asked=await _asked(database, [it["id"] for it in charges]),
        views=await _views(database, endings),
        balances=await _balances(database, books),
        strays=strays,
        letters=await _messages(database, books),
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


async def _balances(database: Database, books: Sequence[str]) -> dict[str, dict[str, int]]:
    entries = ledger_transactions.c
    query = (
        select(entries.order_id, ledger_legs.c.account, ledger_legs.c.amount)
        .join_from(ledger_transactions, ledger_legs)
        .where(entries.order_id.in_(books))
    )
    sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
    async with database.reading() as connection:
        for of, account, amount in await connection.execute(query):
            sums[of][account] = sums[of].get(account, 0) + amount
    return dict(sums)


async def _messages(database: Database, books: Sequence[str]) -> list[StoredMessage]:
    query = select(outbox).where(outbox.c.order_id.in_(books))
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
    """Of all workflows those that did not come to a good end."""
    query = "ExecutionStatus != 'Completed'"
    return [
        Ended(it.id, it.status.name if it.status else WorkflowExecutionStatus.RUNNING.name)
        async for it in client.list_workflows(query)
    ]
