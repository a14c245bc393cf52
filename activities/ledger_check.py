"""Stored orders and stray payments, compared with their ledger and their workflows.

The part of reconciliation (``activities.reconciliation``) that needs no provider, and repairs nothing.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from temporalio import activity

from orders import keys
from orders.allocation import Books
from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence
from orders.stray_payments import StrayPaymentState
from orders.values import Balance, Frozen, Instant
from orders.view import OrderView, is_finished

# Times that an order whose records differ is read again.
_READS = 3
_READ_AGAIN_AFTER = timedelta(seconds=1)


FindingKind = Literal[
    "payment_missing",
    "payment_pending_missing",
    "payment_failure_missing",
    "payment_taken_twice",
    "refund_news_missing",
    "refund_taken_back",
    "refund_amount",
    "refund_not_at_provider",
    "outside_refund_missing",
    "chargeback_missing",
    "ledger_differs_from_order",
    "order_differs_from_its_process",
    "process_gone",
    "stray_money_left",
    "unmatched_money",
    "ledger_out_of_balance",
]


class Finding(WithSentences, Frozen):
    """A discrepancy in an order, payment or refund: what was expected, what was found, and since when.

    ``repaired`` says that the missing event was delivered again; the next run shows whether that repaired it.
    """

    about: Text
    what: FindingKind
    expected: Text
    found: Text
    since: Instant
    repaired: bool = False


class UnsettledStrayPayment(NamedTuple):
    """A stray payment that is not refunded, or was returned twice (negative), and since when."""

    payment_id: str
    amount: int
    currency: str
    since: datetime


class PaymentBookedTwice(NamedTuple):
    """A payment that is booked in two places (orders, or ``stray/…``), and since when."""

    payment_id: str
    one: str
    other: str
    since: datetime


class UnmatchedMoney(NamedTuple):
    """R23: what an order's or a stray payment's ledger has on the account ``unmatched``, and since when."""

    ledger_id: str
    amount: int
    currency: str
    since: datetime


class StoredLedger(Protocol):
    """The ledger, and the orders and stray payments in the database."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order's recorded view; None if there is none."""

    async def mark_terminated(self, order_id: str) -> None:
        """Record that the order's workflow was ended from outside, until it records something again."""

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        """A stray payment's recorded state; None if there is none."""

    async def books(self, order_id: str) -> Books:
        """The balance of each account of an order, by currency."""

    async def unmatched(self) -> list[UnmatchedMoney]:
        """What nobody has said who bears it (R23), by order and currency."""

    async def unsettled_stray_payments(self) -> list[UnsettledStrayPayment]:
        """The stray payments with a balance other than zero."""

    async def payments_booked_twice(self) -> list[PaymentBookedTwice]:
        """The payments that are booked twice: the provider named two orders for one payment."""

    async def out_of_balance(self) -> dict[str, int]:
        """The sum of each currency's accounts, in minor units, where it is not zero."""


class WorkflowStates(Protocol):
    """The workflows."""

    async def stray_payment_is_running(self, payment_id: str) -> bool:
        """Whether the workflow of this stray payment is running."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order's view as its workflow has it; None if it is not running."""


class LedgerCheck:
    """Compares stored records, ledger and workflows with each other."""

    def __init__(self, stored: StoredLedger, workflows: WorkflowStates) -> None:
        self._stored = stored
        self._workflows = workflows

    async def orders(self, stored: list[OrderView]) -> list[Finding]:
        """Orders whose ledger or workflow differs from their stored view."""
        found = []
        for view in stored:
            activity.heartbeat()
            found += await self._order(view)
        return found

    async def _order(self, stored: OrderView) -> list[Finding]:
        order_id = stored.order_id
        live = await self._workflows.order(order_id)
        booked = _booked(await self._stored.books(order_id), stored)
        for _ in range(_READS):
            if booked == _expected(stored) and (live is None or _amounts(live) == _amounts(stored)):
                break
            # A change may be being recorded this moment, such as one that has just been delivered.
            await asyncio.sleep(_READ_AGAIN_AFTER.total_seconds())
            stored = await self._stored.order(order_id) or stored
            live = await self._workflows.order(order_id)
            booked = _booked(await self._stored.books(order_id), stored)
        since = stored.timeline[-1].at
        found = []
        if booked != _expected(stored):
            found.append(
                Finding(
                    about=order_id,
                    what="ledger_differs_from_order",
                    expected=_written(_expected(stored), stored),
                    found=_written(booked, stored),
                    since=since,
                )
            )
        if live and _amounts(live) != _amounts(stored):
            found.append(
                Finding(
                    about=order_id,
                    what="order_differs_from_its_process",
                    expected=_with_its_status(live),
                    found=_with_its_status(stored),
                    since=since,
                )
            )
        if live is None and not is_finished(stored):
            await self._stored.mark_terminated(order_id)
            found.append(
                Finding(
                    about=order_id,
                    what="process_gone",
                    expected=sentence(
                        "a process that runs, as the order is {status}", status=stored.status.value
                    ),
                    found=sentence("no process"),
                    since=since,
                )
            )
        return found

    async def stray_payments(self) -> list[Finding]:
        """R17: stray payments not refunded, or returned twice, whose workflow does not run."""
        found = []
        for unsettled in await self._stored.unsettled_stray_payments():
            if await self._workflows.stray_payment_is_running(unsettled.payment_id):
                continue
            stored = await self._stored.stray_payment(unsettled.payment_id)
            # No workflow waits for money that was returned twice, by a refund and by the bank (R23).
            if stored is None or unsettled.amount != min(stored.held, 0):
                money = Balance.booked(unsettled.amount, unsettled.currency)
                found.append(
                    Finding(
                        about=unsettled.payment_id,
                        what="stray_money_left",
                        expected=sentence("a process that sends it back"),
                        found=sentence("{money}, and no process runs", money=money),
                        since=unsettled.since,
                    )
                )
        return found

    async def payments_booked_twice(self) -> list[Finding]:
        """Payments that were booked in two places."""
        return [
            Finding(
                about=payment.payment_id,
                what="payment_taken_twice",
                expected=sentence("one place where it came in"),
                found=sentence(
                    "it came in at {one} and at {other}", one=payment.one, other=payment.other
                ),
                since=payment.since,
            )
            for payment in await self._stored.payments_booked_twice()
        ]

    async def unmatched(self) -> list[Finding]:
        """R23: money that cannot be matched with what was paid; support says who bears it."""
        return [
            Finding(
                about=keys.read_stray_ledger_id(it.ledger_id) or it.ledger_id,
                what="unmatched_money",
                expected=sentence("money that belongs to a payment"),
                found=sentence(
                    "{money}, and nobody has said who bears it",
                    money=Balance.booked(it.amount, it.currency),
                ),
                since=it.since,
            )
            for it in await self._stored.unmatched()
        ]

    async def sums(self, since: datetime) -> list[Finding]:
        """Currencies in which the ledger is out of balance; ``since`` is the start of the period compared."""
        return [
            Finding(
                about=sentence("the ledger in {currency}", currency=currency),
                what="ledger_out_of_balance",
                expected=_sum(0, currency),
                found=_sum(amount, currency),
                since=since,
            )
            for currency, amount in (await self._stored.out_of_balance()).items()
        ]


def _sum(amount: int, currency: str) -> str:
    return sentence("a sum of {money}", money=Balance.booked(amount, currency))


_Shown = tuple[str, int, int, int, int]


def _amounts(view: OrderView) -> _Shown:
    return (
        view.status.value,
        view.amount_paid.amount,
        view.amount_refunded.amount,
        view.amount_charged_back.amount,
        view.amount_owed_to_seller.amount,
    )


def _expected(view: OrderView) -> tuple[int, int, int]:
    gone = view.amount_refunded.amount + view.amount_charged_back.amount
    return (
        view.amount_paid.amount - gone,
        view.amount_held.amount,
        view.amount_owed_to_seller.amount,
    )


def _booked(books: Books, view: OrderView) -> tuple[int, int, int]:
    balances = books.get(view.amount_due.currency, {})
    # What cannot be matched was taken from the cash, or from another payment's, and from no order (R23).
    cash = sum(balances.get(account, 0) for account in ("cash", "unmatched", "marketplace"))
    held = -balances.get("held", 0) - balances.get("refunds", 0)
    return cash, held, -balances.get("seller", 0)


def _written(amounts: tuple[int, int, int], view: OrderView) -> str:
    return sentence("cash {cash}, held {held}, owed to the seller {owed}", **_parts(amounts, view))


def _with_its_status(view: OrderView) -> str:
    return sentence(
        "{status}, with cash {cash}, held {held}, owed to the seller {owed}",
        status=view.status.value,
        **_parts(_expected(view), view),
    )


def _parts(amounts: tuple[int, int, int], view: OrderView) -> dict[str, Balance]:
    cash, held, owed = (
        Balance(amount=amount, currency=view.amount_due.currency) for amount in amounts
    )
    return {"cash": cash, "held": held, "owed": owed}
