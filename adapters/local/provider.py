"""A simulated payment provider, to run everything on one machine; its records are in the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select, update
from sqlalchemy.engine import Connection

from activities.provider_records import ProviderChargeback, ProviderPayment, ProviderRefund
from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from database.connection import Database, insert_if_missing, insert_into
from database.tables import provider_faults, provider_refunds
from orders.keys import read_refund_id
from orders.messages import RefundStatus
from orders.sentences import sentence
from orders.values import Money

_STOPPED = sentence("Stopped on request.")
_GIVEN_UP = (RefundStatus.FAILED, RefundStatus.CANCELED)
# At the first of ``Policy.refund_checks``, which count from a deadline that a worker saw moments later.
_SETTLES_AFTER = timedelta(days=3) - timedelta(minutes=1)


class LocalProvider:
    """Implements ``activities.refunds.PaymentProvider`` and ``activities.provider_records.ProviderRecords``.

    A refund is pending until ``settles_after`` has passed by the order's own clock, and then
    succeeds; those of a payment that ``fail_refunds_of`` names fail. It has no payments on record, and
    accepts the amount paid that a request names.
    """

    def __init__(self, database: Database, settles_after: timedelta = _SETTLES_AFTER) -> None:
        self._database = database
        self._settles_after = settles_after

    async def refund(self, request: RefundRequest) -> RefundState:
        """See ``PaymentProvider``.

        Raises ProviderRefusal for an id that was used for anything else, and for more than
        ``paid`` over all refunds of the payment that have not failed.
        """
        return await self._database.write(partial(self._refund, request))

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        """See ``PaymentProvider``."""
        return await self._database.write(partial(self._refund_state, question))

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        """See ``PaymentProvider``; only a pending refund can be stopped."""
        return await self._database.write(partial(self._stop_refund, question))

    async def fail_refunds_of(self, payment_id: str, reason: str) -> None:
        """Fail this payment's pending and future refunds."""
        await self._database.write(partial(_set_fault, payment_id, reason))

    async def settle(self, refund_id: str) -> None:
        """Complete a refund now, even a failed one. Raises LookupError for an unknown refund."""
        await self._turn(refund_id, RefundState(status=RefundStatus.SUCCEEDED))

    async def fail(self, refund_id: str, reason: str) -> None:
        """Let a refund fail now, even one that was paid (R15). Raises LookupError for an unknown refund."""
        await self._turn(refund_id, RefundState(status=RefundStatus.FAILED, reason=reason))

    async def refund_by_hand(self, payment_id: str, money: Money) -> str:
        """Refund a payment as somebody does in a provider's dashboard (R24); the refund's id."""
        refund_id = f"by-hand-{uuid4()}"
        made = partial(
            insert_if_missing,
            table=provider_refunds,
            refund_id=refund_id,
            payment_id=payment_id,
            amount=money.amount,
            currency=money.currency,
            method="by_hand",
            asked_at=datetime.now(UTC),
            status=RefundStatus.SUCCEEDED,
            reason="",
        )
        await self._database.write(made)
        return refund_id

    async def _turn(self, refund_id: str, state: RefundState) -> None:
        def turn(connection: Connection) -> None:
            if _find(connection, refund_id) is None:
                raise LookupError(f"There is no refund {refund_id}.")
            _enter(connection, refund_id, state)

        await self._database.write(turn)

    async def payments(self, since: datetime) -> AsyncIterator[ProviderPayment]:
        """See ``ProviderRecords``; there are none."""
        none: tuple[ProviderPayment, ...] = ()
        for payment in none:
            yield payment

    async def refunds(self, since: datetime) -> AsyncIterator[ProviderRefund]:
        """See ``ProviderRecords``."""
        query = (
            select(provider_refunds)
            .where(provider_refunds.c.asked_at >= since)
            .order_by(provider_refunds.c.asked_at, provider_refunds.c.refund_id)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        for row in rows:
            yield _record(row)

    async def chargebacks(self, since: datetime) -> AsyncIterator[ProviderChargeback]:
        """See ``ProviderRecords``; there are none."""
        none: tuple[ProviderChargeback, ...] = ()
        for chargeback in none:
            yield chargeback

    async def find_payment(self, payment_id: str) -> None:
        """See ``ProviderRecords``; there are none."""

    async def find_refund(self, provider_id: str) -> ProviderRefund | None:
        """See ``ProviderRecords``; its ids are ours."""
        row = await self._database.write(partial(_find, refund_id=provider_id))
        return _record(row) if row else None

    async def refunds_of(self, payment_id: str) -> list[ProviderRefund]:
        """See ``ProviderRecords``."""
        query = select(provider_refunds).where(provider_refunds.c.payment_id == payment_id)
        async with self._database.reading() as connection:
            return [_record(row) for row in await connection.execute(query)]

    async def find_chargeback(self, chargeback_id: str) -> None:
        """See ``ProviderRecords``; there are none."""

    def _refund(self, request: RefundRequest, connection: Connection) -> RefundState:
        is_new = insert_if_missing(
            connection,
            provider_refunds,
            refund_id=request.refund_id,
            payment_id=request.payment_id,
            amount=request.money.amount,
            currency=request.money.currency,
            method=request.method,
            asked_at=request.asked_at,
            status=RefundStatus.PENDING,
            reason="",
        )
        refund = _find(connection, request.refund_id)
        if refund is None or not _is_for(refund, request):
            raise ProviderRefusal(
                sentence(
                    "Refund {refund_id} was asked for before, for another payment, amount, "
                    "currency or method.",
                    refund_id=request.refund_id,
                )
            )
        if is_new and _total_refunded(connection, request) > request.paid.amount:
            raise ProviderRefusal(
                sentence(
                    "Refund {refund_id} of {money} is more than what is left of payment "
                    "{payment_id}.",
                    refund_id=request.refund_id,
                    money=request.money,
                    payment_id=request.payment_id,
                )
            )
        return self._state_at(connection, refund, request.asked_at)

    def _refund_state(self, question: RefundQuestion, connection: Connection) -> RefundState | None:
        refund = _find(connection, question.refund_id)
        return self._state_at(connection, refund, question.at) if refund else None

    def _stop_refund(self, question: RefundQuestion, connection: Connection) -> RefundState | None:
        refund = _find(connection, question.refund_id)
        if refund is None:
            return None
        state = self._state_at(connection, refund, question.at)
        if state.status is not RefundStatus.PENDING:
            return state
        stopped = RefundState(status=RefundStatus.CANCELED, reason=_STOPPED)
        return _enter(connection, question.refund_id, stopped)

    def _state_at(self, connection: Connection, refund: Row[Any], at: datetime) -> RefundState:
        if refund.status != RefundStatus.PENDING:
            status = RefundStatus(refund.status)
            reason = _STOPPED if status is RefundStatus.CANCELED else refund.reason
            return RefundState(status=status, reason=reason)
        fault = connection.execute(
            select(provider_faults.c.reason).where(
                provider_faults.c.payment_id == refund.payment_id
            )
        )
        if (reason := fault.scalar_one_or_none()) is not None:
            failed = RefundState(status=RefundStatus.FAILED, reason=reason)
            return _enter(connection, refund.refund_id, failed)
        if at >= refund.asked_at + self._settles_after:
            paid = RefundState(status=RefundStatus.SUCCEEDED)
            return _enter(connection, refund.refund_id, paid)
        return RefundState(status=RefundStatus.PENDING)


def _find(connection: Connection, refund_id: str) -> Row[Any] | None:
    # Locked on PostgreSQL; SQLite has one writer at a time and ignores it.
    query = (
        select(provider_refunds).where(provider_refunds.c.refund_id == refund_id).with_for_update()
    )
    return connection.execute(query).one_or_none()


def _set_fault(payment_id: str, reason: str, connection: Connection) -> None:
    insert = insert_into(connection, provider_faults).values(payment_id=payment_id, reason=reason)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["payment_id"], set_={"reason": insert.excluded.reason}
        )
    )


def _record(row: Row[Any]) -> ProviderRefund:
    parts = read_refund_id(row.refund_id, row.payment_id)
    return ProviderRefund(
        refund_id=row.refund_id if parts else None,
        provider_id=row.refund_id,
        payment_id=row.payment_id,
        order_id=parts.order_id if parts else None,
        money=Money.model_validate({"amount": row.amount, "currency": row.currency}),
        status=RefundStatus(row.status),
        at=row.asked_at,
        reason=row.reason,
    )


def _total_refunded(connection: Connection, request: RefundRequest) -> int:
    """The sum of the payment's refunds, this one included, in minor units."""
    of_payment = select(provider_refunds.c.amount).where(
        provider_refunds.c.payment_id == request.payment_id,
        provider_refunds.c.status.not_in(_GIVEN_UP),
    )
    # Added up here: two of the largest amounts are more than a database's integer holds.
    return sum((connection.execute(of_payment)).scalars())


def _is_for(refund: Row[Any], request: RefundRequest) -> bool:
    return (refund.payment_id, refund.amount, refund.currency, refund.method) == (
        request.payment_id,
        request.money.amount,
        request.money.currency,
        request.method,
    )


def _enter(connection: Connection, refund_id: str, state: RefundState) -> RefundState:
    connection.execute(
        update(provider_refunds)
        .where(provider_refunds.c.refund_id == refund_id)
        .values(status=state.status, reason=state.reason)
    )
    return state
