"""A provider's records, compared with what orders and stray payments know (R1a, R5, R6, R15, R17, R23, R24).

The part of reconciliation (``activities.reconciliation``) that repairs: what is not known is delivered in the
way of the event that never arrived.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from temporalio import activity

from activities.ledger_check import Finding, FindingKind, StoredLedger
from activities.provider_events import EventSubject, SubjectKind
from activities.provider_messages import (
    chargeback_message,
    first_of_each_id,
    is_own,
    outside_refund_message,
    own_refund_message,
)
from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from orders import keys
from orders.chargebacks import find_chargeback, repeats_chargeback
from orders.outside_refunds import repeats_outside_refund
from orders.payments import Payment
from orders.refunds import Refund, RefundReport, repeats
from orders.sentences import sentence
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView

_BATCH = 100

_T = TypeVar("_T")
_Owner = OrderView | StrayPaymentState


class RecordedFacts(StoredLedger, Protocol):
    """The ledger, and the orders and stray payments in the database."""

    async def cash_of(self, keys: Iterable[str]) -> dict[str, int]:
        """The cash that each posting moved, by key, in minor units; unknown keys are left out."""


class EventRedelivery(Protocol):
    """Delivers what events that never arrived were about."""

    async def deliver(self, subject: EventSubject) -> bool:
        """Deliver how it stands now; whether it was accepted."""


class ProviderCheck:
    """Finds what has never been heard of a provider's payments, refunds and chargebacks, and delivers it.

    ``said_at`` is an instant before the provider was asked.
    """

    def __init__(self, recorded: RecordedFacts, redelivery: EventRedelivery) -> None:
        self._recorded = recorded
        self._redelivery = redelivery

    async def payments(self, payments: Iterable[ProviderPayment]) -> list[Finding]:
        """Payments for orders that came in, failed after that, or are under way."""
        found = []
        for some in _batches([it for it in payments if it.order_id]):
            activity.heartbeat()
            booked = await self._recorded.cash_of(key for it in some for key in _payment_keys(it))
            for payment in some:
                is_booked = any(key in booked for key in _payment_keys(payment))
                if what := await self._missing(payment, is_booked=is_booked):
                    found.append(
                        Finding(
                            about=payment.order_id or "",
                            what=what,
                            expected=_a_payment(payment),
                            found=sentence("a payment in the ledger")
                            if is_booked
                            else sentence("nothing in the ledger"),
                            since=payment.at,
                            repaired=await self._deliver(SubjectKind.PAYMENT, payment.payment_id),
                        )
                    )
        return found

    async def refunds(self, refunds: Iterable[ProviderRefund], said_at: datetime) -> list[Finding]:
        """Refunds of payments for orders, whoever requested them, that stand otherwise than is known."""
        found = []
        for refund in first_of_each_id(refunds):
            if not (refund.order_id or is_own(refund)):
                continue  # other business of the same account
            activity.heartbeat()
            owner = await self._owner(refund.order_id, refund.payment_id)
            known = _known_refund(owner, refund)
            if known and known.money != refund.money:
                found.append(_refund_finding(refund, "refund_amount", known))
            elif not _knows_refund(owner, refund, said_at):
                repaired = await self._deliver(SubjectKind.REFUND, refund.provider_id)
                what = _missing_refund(refund, known)
                found.append(_refund_finding(refund, what, known, repaired=repaired))
        return found

    async def chargebacks(
        self, chargebacks: Iterable[ProviderChargeback], said_at: datetime
    ) -> list[Finding]:
        """Chargebacks of payments for orders that stand otherwise than is known."""
        found = []
        for chargeback in chargebacks:
            if chargeback.order_id is None:
                continue
            activity.heartbeat()
            owner = await self._owner(chargeback.order_id, chargeback.payment_id)
            message = chargeback_message(chargeback, said_at)
            recorded = owner.chargebacks if owner else []
            if repeats_chargeback(recorded, message):
                continue
            known = find_chargeback(recorded, message)
            is_stray = isinstance(owner, StrayPaymentState)
            found.append(
                Finding(
                    about=chargeback.payment_id if is_stray else chargeback.order_id,
                    what="chargeback_missing",
                    expected=_a_chargeback_of(chargeback.money, chargeback.status),
                    found=_a_chargeback_of(known.money, known.status)
                    if known
                    else sentence("no such chargeback"),
                    since=chargeback.at,
                    repaired=await self._deliver(SubjectKind.CHARGEBACK, chargeback.chargeback_id),
                )
            )
        return found

    async def _missing(self, payment: ProviderPayment, *, is_booked: bool) -> FindingKind | None:
        match payment.status:
            case "succeeded" if not is_booked:
                return "payment_missing"
            case "failed" if is_booked and await self._counts_as_paid(payment):
                return "payment_failure_missing"
            case "pending" if not is_booked and await self._is_awaited(payment):
                return "payment_pending_missing"
            case _:
                return None

    async def _counts_as_paid(self, payment: ProviderPayment) -> bool:
        """R6: whether this payment counts as one that came in."""
        match await self._owner(payment.order_id, payment.payment_id):
            case StrayPaymentState(was_reversed=was_reversed):
                return not was_reversed
            case OrderView(payment=Payment(payment_id=payment.payment_id) as paid):
                return not (paid.is_declined or paid.was_reversed)
            case _:
                return False

    async def _is_awaited(self, payment: ProviderPayment) -> bool:
        """R1a: whether its order waits for a payment and knows of none under way."""
        owner = await self._owner(payment.order_id, payment.payment_id)
        return (
            isinstance(owner, OrderView)
            and owner.status is Status.AWAITING_PAYMENT
            and owner.payment is None
        )

    async def _owner(self, order_id: str | None, payment_id: str) -> _Owner | None:
        """The stray payment, or else the order that the payment was made for."""
        if stray_payment := await self._recorded.stray_payment(payment_id):
            return stray_payment
        return await self._recorded.order(order_id) if order_id else None

    async def _deliver(self, kind: SubjectKind, subject_id: str) -> bool:
        try:
            return await self._redelivery.deliver(EventSubject(kind=kind, id=subject_id))
        except Exception as error:
            activity.logger.warning("an event could not be delivered: %s", type(error).__name__)
            return False


def _payment_keys(payment: ProviderPayment) -> tuple[str, str]:
    payment_id = payment.payment_id
    return (
        keys.posting_key(payment.order_id or "", keys.payment_step(payment_id)),
        keys.posting_key(keys.stray_ledger_id(payment_id), keys.STRAY_RECEIVED),
    )


def _known_refund(owner: _Owner | None, refund: ProviderRefund) -> Refund | None:
    if owner is None or not is_own(refund):
        return None
    known = (*owner.earlier_refunds, *([owner.refund] if owner.refund else []))
    return next((it for it in known if it.refund_id == refund.refund_id), None)


def _knows_refund(owner: _Owner | None, refund: ProviderRefund, said_at: datetime) -> bool:
    if owner is None:
        return False
    if known := _known_refund(owner, refund):
        return repeats(known, RefundReport.of(own_refund_message(refund, said_at)))
    return repeats_outside_refund(owner.outside_refunds, outside_refund_message(refund, said_at))


def _missing_refund(refund: ProviderRefund, known: Refund | None) -> FindingKind:
    if not is_own(refund):
        return "outside_refund_missing"
    return "refund_taken_back" if known and known.is_settled else "refund_news_missing"


def _refund_finding(
    refund: ProviderRefund, what: FindingKind, known: Refund | None, *, repaired: bool = False
) -> Finding:
    return Finding(
        about=(refund.refund_id if is_own(refund) else None) or refund.provider_id,
        what=what,
        expected=_a_refund_of(refund.money, refund.status),
        found=_a_refund_of(known.money, known.status) if known else sentence("no such refund"),
        since=refund.at,
        repaired=repaired,
    )


def _a_payment(payment: ProviderPayment) -> str:
    if payment.status == "succeeded":
        return sentence(
            "payment {payment_id} of {money}",
            payment_id=payment.payment_id,
            money=payment.money,
        )
    return sentence(
        "payment {payment_id} of {money}, {status}",
        payment_id=payment.payment_id,
        money=payment.money,
        status=payment.status,
    )


def _a_refund_of(money: Money, status: str) -> str:
    return sentence("a refund of {money}, {status}", money=money, status=status)


def _a_chargeback_of(money: Money, status: str) -> str:
    return sentence("a chargeback of {money}, {status}", money=money, status=status)


def _batches(items: list[_T]) -> Iterable[list[_T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
