"""Reconciliation: what the provider, the ledger and the workflows say of the same money, compared.

What is missing here and safe to repair is repaired: news that never came is brought again. Everything that
differs is found, repaired or not.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from temporalio import activity

from activities.records import ProviderChargeback, ProviderPayment, ProviderRecords, ProviderRefund
from orders.chargebacks import Charged
from orders.messages import RefundStatus
from orders.model import Status
from orders.stray import Stray
from orders.values import Frozen, Instant, decimal
from orders.view import OrderView

_BATCH = 100
_MOST_FINDINGS = 500

# So often, and so far apart, an order that differs from what is kept of it is looked at again.
_LOOKS = 3
_APART = timedelta(seconds=1)

_T = TypeVar("_T")


class Finding(Frozen):
    """A difference: about which order (or payment, or refund), what ought to be, what is, and since when.

    ``repaired`` says that the missing news has been brought; whether it was taken the next run shows.
    """

    about: str
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
    expected: str
    found: str
    since: Instant
    repaired: bool = False


class Report(Frozen):
    """What was compared and what differs; ``more`` counts the findings beyond those listed."""

    payments: int
    refunds: int
    chargebacks: int
    orders: int
    findings: tuple[Finding, ...]
    more: int = 0


class Period(Frozen):
    """What to compare: all that has happened since then, but for the news that may still be under way."""

    since: Instant
    until: Instant


class Claim(Frozen):
    """A refund that was asked for, as the register has it."""

    refund_id: str
    payment_id: str
    amount: int
    currency: str
    status: RefundStatus
    asked_at: Instant


class StrayLeft(NamedTuple):
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


class Books(Protocol):
    """The ledger, the register of refunds, and what is kept of orders."""

    async def cash_of(self, keys: Iterable[str]) -> dict[str, int]:
        """What each of these postings has moved at the provider, in minor units; none for an unknown key."""

    def claims(self, since: datetime) -> AsyncIterator[Claim]:
        """The refunds that were asked for since then."""

    def orders(self, since: datetime) -> AsyncIterator[OrderView]:
        """The orders that are not over, and those that have changed since then, as they are kept."""

    async def order(self, order_id: str) -> OrderView | None:
        """One of them."""

    async def stray(self, payment_id: str) -> Stray | None:
        """What is kept of a stray payment; None when it is none."""

    async def balances(self, order_id: str) -> dict[str, int]:
        """What each account of an order comes to."""

    async def strays_left(self) -> list[StrayLeft]:
        """The stray payments whose account is not at zero."""

    async def taken_twice(self) -> list[TakenTwice]:
        """The payments that are booked in more than one place: the provider named two orders for one."""

    async def out_of_balance(self) -> dict[str, int]:
        """What each currency's accounts sum to, where that is not zero."""


class Processes(Protocol):
    """The workflows."""

    async def runs(self, workflow_id: str) -> bool:
        """Whether a process of this id runs."""

    async def order(self, order_id: str) -> OrderView | None:
        """An order by its own process; None when that does not run."""


class Messenger(Protocol):
    """Whoever brings news to whom it concerns. Each says whether it was taken, now or before."""

    async def payment(self, payment: ProviderPayment) -> bool:
        """A payment that never was reported."""

    async def refund(self, refund: ProviderRefund) -> bool:
        """What has become of a refund."""

    async def chargeback(self, chargeback: ProviderChargeback) -> bool:
        """How a chargeback stands."""


class Reconciliation:
    """Compares. It only reads, but for the news that it has brought."""

    def __init__(
        self, records: ProviderRecords, books: Books, processes: Processes, messenger: Messenger
    ) -> None:
        self._records = records
        self._books = books
        self._processes = processes
        self._messenger = messenger

    @activity.defn
    async def reconcile(self, period: Period) -> Report:
        """Compare everything once. Run again it finds what is left."""
        payments = [it async for it in self._records.payments(period.since)]
        refunds = [it async for it in self._records.refunds(period.since)]
        chargebacks = [it async for it in self._records.chargebacks(period.since)]
        orders = [it async for it in self._books.orders(period.since)]
        paid = {it.payment_id for it in payments if it.order_id}
        findings = [
            *await self._payments([it for it in payments if it.at <= period.until]),
            *await self._refunds([it for it in refunds if it.at <= period.until], paid, period),
            *await self._chargebacks([it for it in chargebacks if it.at <= period.until]),
            *await self._orders(orders),
            *await self._strays(),
            *await self._taken_twice(),
            *await self._sums(period),
        ]
        return Report(
            payments=len(payments),
            refunds=len(refunds),
            chargebacks=len(chargebacks),
            orders=len(orders),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(len(findings) - _MOST_FINDINGS, 0),
        )

    async def _payments(self, payments: list[ProviderPayment]) -> list[Finding]:
        ours = [it for it in payments if it.order_id and it.status == "succeeded"]
        found = []
        for some in _batches(ours):
            booked = await self._books.cash_of(key for it in some for key in _payment_keys(it))
            for payment in some:
                if not any(key in booked for key in _payment_keys(payment)):
                    found.append(
                        Finding(
                            about=payment.order_id or "",
                            what="payment_missing",
                            expected=f"payment {payment.payment_id} of {payment.money}",
                            found="nothing in the ledger",
                            since=payment.at,
                            repaired=await _try(self._messenger.payment, payment),
                        )
                    )
        return found

    async def _refunds(
        self, refunds: list[ProviderRefund], paid: set[str], period: Period
    ) -> list[Finding]:
        found = [_unknown(it) for it in refunds if it.refund_id is None and it.payment_id in paid]
        ours = {it.refund_id: it for it in refunds if it.refund_id}
        found += [
            _finding(it, "refund_made_twice", f"one refund {it.refund_id}", "more than one")
            for it in refunds
            if it.refund_id and ours[it.refund_id].provider_id != it.provider_id
        ]
        for some in _batches(list(ours.values())):
            booked = await self._books.cash_of(_refund_key(it) for it in some)
            for refund in some:
                found += await self._refund(refund, booked.get(_refund_key(refund)))
        async for claim in self._books.claims(period.since):
            is_due = claim.status is RefundStatus.SUCCEEDED and claim.asked_at <= period.until
            if is_due and claim.refund_id not in ours:
                found.append(
                    Finding(
                        about=claim.refund_id,
                        what="refund_not_at_provider",
                        expected=f"{decimal(claim.amount, claim.currency)} {claim.currency} back",
                        found="the provider has no such refund",
                        since=claim.asked_at,
                    )
                )
        return found

    async def _refund(self, refund: ProviderRefund, cash: int | None) -> list[Finding]:
        if refund.status is RefundStatus.SUCCEEDED:
            if cash is None:
                brought = await _try(self._messenger.refund, refund)
                nothing = "nothing in the ledger"
                return [
                    _finding(
                        refund,
                        "refund_news_missing",
                        f"{refund.money} back",
                        nothing,
                        repaired=brought,
                    )
                ]
            if -cash != refund.money.amount:
                booked = f"{decimal(-cash, refund.money.currency)} {refund.money.currency}"
                return [_finding(refund, "refund_amount", f"{refund.money} back", booked)]
        elif cash is not None:
            said = f"the provider says {refund.status.value}"
            return [_finding(refund, "refund_taken_back", f"{refund.money} back", said)]
        return []

    async def _chargebacks(self, chargebacks: list[ProviderChargeback]) -> list[Finding]:
        found = []
        for chargeback in chargebacks:
            stray = await self._books.stray(chargeback.payment_id)
            order_id = chargeback.order_id
            view = await self._books.order(order_id) if order_id and not stray else None
            payment: Charged | None = stray or (view.payment if view else None)
            is_its = payment is not None and payment.payment_id == chargeback.payment_id
            known = payment.chargeback if payment and is_its else None
            is_known = known and (known.status, known.money) == (
                chargeback.status,
                chargeback.money,
            )
            if (order_id or stray) and not is_known:
                found.append(
                    Finding(
                        about=chargeback.payment_id if stray else order_id or "",
                        what="chargeback_missing",
                        expected=f"chargeback of {chargeback.money} {chargeback.status}",
                        found=f"{known.money} {known.status}" if known else "none",
                        since=chargeback.at,
                        repaired=await _try(self._messenger.chargeback, chargeback),
                    )
                )
        return found

    async def _orders(self, kept: list[OrderView]) -> list[Finding]:
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
                    expected=f"{live.status.value}: {_written(_expected(live), live)}",
                    found=f"{kept.status.value}: {_written(_expected(kept), kept)}",
                    since=since,
                )
            )
        if live is None and not _is_over(kept):
            found.append(
                Finding(
                    about=order_id,
                    what="process_gone",
                    expected=f"a process that runs, as the order is {kept.status.value}",
                    found="none",
                    since=since,
                )
            )
        return found

    async def _strays(self) -> list[Finding]:
        found = []
        for left in await self._books.strays_left():
            if await self._processes.runs(f"stray-payment-{left.payment_id}"):
                continue
            stray = await self._books.stray(left.payment_id)
            # What its payer has twice, by a refund and by the bank (R23), no process waits for.
            if stray is None or left.amount != min(stray.held, 0):
                amount = f"{decimal(left.amount, left.currency)} {left.currency}"
                found.append(
                    Finding(
                        about=left.payment_id,
                        what="stray_money_left",
                        expected="a process that sends it back",
                        found=f"{amount}, and none runs",
                        since=left.since,
                    )
                )
        return found

    async def _taken_twice(self) -> list[Finding]:
        return [
            Finding(
                about=payment.payment_id,
                what="payment_taken_twice",
                expected="one place where it came in",
                found=f"{payment.one} and {payment.other}",
                since=payment.since,
            )
            for payment in await self._books.taken_twice()
        ]

    async def _sums(self, period: Period) -> list[Finding]:
        return [
            Finding(
                about=f"the ledger in {currency}",
                what="ledger_out_of_balance",
                expected="0",
                found=decimal(amount, currency),
                since=period.since,
            )
            for currency, amount in (await self._books.out_of_balance()).items()
        ]


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
    currency = view.amount_due.currency
    names = ("cash", "held", "owed to the seller")
    return ", ".join(
        f"{name} {decimal(amount, currency)}" for name, amount in zip(names, amounts, strict=True)
    )


def _is_over(view: OrderView) -> bool:
    refund, payment = view.refund, view.payment
    waits = payment is not None and payment.chargeback and payment.chargeback.status == "opened"
    is_closed = view.status in (Status.CLOSED, Status.SHIPPED)
    # A late chargeback waits for the bank without a process.
    is_late = waits and view.timeline[-1].what == "chargeback_opened"
    return is_closed and (refund is None or refund.is_settled) and (not waits or bool(is_late))


def _payment_keys(payment: ProviderPayment) -> tuple[str, ...]:
    payment_id = payment.payment_id
    return f"{payment.order_id}:payment/{payment_id}", f"stray/{payment_id}:received"


def _refund_key(refund: ProviderRefund) -> str:
    """The posting that a refund which has succeeded makes (``orders.closing``, ``orders.stray``)."""
    refund_id = refund.refund_id or ""
    stray, its, number = refund_id.partition(f"stray-{refund.payment_id}-refund")
    if its and not stray:
        return f"stray/{refund.payment_id}:returned{number}"
    order_id, _, number = refund_id.rpartition("-refund-")
    return f"{order_id}:refund-{number}-settled"


def _finding(
    refund: ProviderRefund,
    what: Literal["refund_made_twice", "refund_news_missing", "refund_amount", "refund_taken_back"],
    expected: str,
    found: str,
    *,
    repaired: bool = False,
) -> Finding:
    return Finding(
        about=refund.refund_id or refund.provider_id,
        what=what,
        expected=expected,
        found=found,
        since=refund.at,
        repaired=repaired,
    )


def _unknown(refund: ProviderRefund) -> Finding:
    return Finding(
        about=refund.provider_id,
        what="refund_unknown",
        expected="a refund that we asked for",
        found=f"{refund.money} of payment {refund.payment_id}",
        since=refund.at,
    )


def _batches(items: list[_T]) -> Iterable[list[_T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


async def _try(bring: Callable[[_T], Coroutine[Any, Any, bool]], news: _T) -> bool:
    try:
        return await bring(news)
    except Exception as error:
        activity.logger.warning("news could not be brought: %s", type(error).__name__)
        return False


PATIENCE = timedelta(minutes=10)
"""How long news may be on its way before it counts as missing."""
