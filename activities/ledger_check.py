"""What is kept of orders and stray money, compared with their ledger and their processes.

A part of reconciliation (``activities.reconciliation``) that asks nobody outside, and repairs nothing.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from temporalio import activity

from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Balance, Frozen, Instant
from orders.view import OrderView

# So often, and so far apart, an order that differs from what is kept of it is looked at again.
_LOOKS = 3
_APART = timedelta(seconds=1)


class Finding(WithSentences, Frozen):
    """A difference: about which order (or payment, or refund), what ought to be, what is, and since when.

    ``repaired`` says that the missing news has been brought; whether it was taken the next run shows.
    """

    about: Text
    what: Literal[
        "payment_missing",
        "payment_taken_twice",
        "refund_news_missing",
        "refund_not_at_provider",
        "refund_made_twice",
        "refund_unknown",
        "refund_amount",
        "refund_taken_back",
        "chargeback_missing",
        "ledger_differs_from_order",
        "order_differs_from_its_process",
        "process_gone",
        "stray_money_left",
        "ledger_out_of_balance",
    ]
    expected: Text
    found: Text
    since: Instant
    repaired: bool = False


class UnsettledStrayPayment(NamedTuple):
    """A stray payment whose money is still here, or twice with its payer (negative), and since when."""

    payment_id: str
    amount: int
    currency: str
    since: datetime


class TakenTwice(NamedTuple):
    """A payment that is booked in two places (orders, or ``stray/…``), and since when."""

    payment_id: str
    one: str
    other: str
    since: datetime


class StoredLedger(Protocol):
    """The ledger, and what is kept of orders and stray money."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order as it is kept."""

    async def stray(self, payment_id: str) -> StrayPaymentState | None:
        """What is kept of a stray payment; None when it is none."""

    async def balances(self, order_id: str) -> dict[str, int]:
        """What each account of an order comes to."""

    async def strays_left(self) -> list[UnsettledStrayPayment]:
        """The stray payments whose account is not at zero."""

    async def taken_twice(self) -> list[TakenTwice]:
        """The payments that are booked in more than one place: the provider named two orders for one."""

    async def out_of_balance(self) -> dict[str, int]:
        """What each currency's accounts sum to, where that is not zero."""


class WorkflowStates(Protocol):
    """The workflows."""

    async def runs(self, workflow_id: str) -> bool:
        """Whether a process of this id runs."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order by its own process; None when that does not run."""


class LedgerCheck:
    """Compares what is ours."""

    def __init__(self, books: StoredLedger, processes: WorkflowStates) -> None:
        self._books = books
        self._processes = processes

    async def orders(self, kept: list[OrderView]) -> list[Finding]:
        """Orders whose ledger, or process, says otherwise than what is kept of them."""
        found = []
        for view in kept:
            activity.heartbeat()
            found += await self._order(view)
        return found

    async def _order(self, kept: OrderView) -> list[Finding]:
        order_id = kept.order_id
        live = await self._processes.order(order_id)
        for _ in range(_LOOKS):
            if live is None or _amounts(live) == _amounts(kept):
                break
            # A step may be on its way into the books this moment.
            await asyncio.sleep(_APART.total_seconds())
            kept = await self._books.order(order_id) or kept
            live = await self._processes.order(order_id)
        booked = _booked(await self._books.balances(order_id))
        since = kept.timeline[-1].at
        found = []
        if booked != _expected(kept):
            found.append(
                Finding(
                    about=order_id,
                    what="ledger_differs_from_order",
                    expected=_written(_expected(kept), kept),
                    found=_written(booked, kept),
                    since=since,
                )
            )
        if live and _amounts(live) != _amounts(kept):
            found.append(
                Finding(
                    about=order_id,
                    what="order_differs_from_its_process",
                    expected=_with_its_status(live),
                    found=_with_its_status(kept),
                    since=since,
                )
            )
        if live is None and not _is_over(kept):
            found.append(
                Finding(
                    about=order_id,
                    what="process_gone",
                    expected=sentence(
                        "a process that runs, as the order is {status}", status=kept.status.value
                    ),
                    found=sentence("no process"),
                    since=since,
                )
            )
        return found

    async def strays(self) -> list[Finding]:
        """Stray money that is still here, or with its payer twice, though nobody sees to it (R17)."""
        found = []
        for left in await self._books.strays_left():
            if await self._processes.runs(f"stray-payment-{left.payment_id}"):
                continue
            stray = await self._books.stray(left.payment_id)
            # What its payer has twice, by a refund and by the bank (R23), no process waits for.
            if stray is None or left.amount != min(stray.held, 0):
                money = Balance.booked(left.amount, left.currency)
                found.append(
                    Finding(
                        about=left.payment_id,
                        what="stray_money_left",
                        expected=sentence("a process that sends it back"),
                        found=sentence("{money}, and no process runs", money=money),
                        since=left.since,
                    )
                )
        return found

    async def taken_twice(self) -> list[Finding]:
        """Payments that were taken in two places."""
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
            for payment in await self._books.taken_twice()
        ]

    async def sums(self, since: datetime) -> list[Finding]:
        """Currencies in which the ledger is out of balance; ``since`` is as far back as was looked."""
        return [
            Finding(
                about=sentence("the ledger in {currency}", currency=currency),
                what="ledger_out_of_balance",
                expected=_sum(0, currency),
                found=_sum(amount, currency),
                since=since,
            )
            for currency, amount in (await self._books.out_of_balance()).items()
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


def _booked(balances: dict[str, int]) -> tuple[int, int, int]:
    held = -balances.get("held", 0) - balances.get("refunds", 0)
    return balances.get("cash", 0), held, -balances.get("seller", 0)


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


def _is_over(view: OrderView) -> bool:
    refund, payment = view.refund, view.payment
    waits = payment is not None and payment.chargeback and payment.chargeback.status == "opened"
    is_closed = view.status in (Status.CLOSED, Status.SHIPPED)
    # A late chargeback waits for the bank without a process.
    is_late = waits and view.timeline[-1].what == "chargeback_opened"
    return is_closed and (refund is None or refund.is_settled) and (not waits or bool(is_late))
