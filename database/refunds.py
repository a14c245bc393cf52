"""The refunds that were requested, and their states (R14-R17, R23).

The database itself refuses refunds that exceed their payment: a trigger compares each with the payment and
with the payment's other refunds.
"""

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from activities.refunds import ProviderRefusal, RefundRequest, RefundState
from database.connection import Database, insert_if_missing
from database.tables import payments, refunds
from orders.messages import RefundStatus
from orders.sentences import sentence


class SqlRefundRegister:
    """Implements ``activities.refunds.RefundRegister``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, request: RefundRequest) -> None:
        """See ``RefundRegister``."""
        wanted = {
            "payment_id": request.payment_id,
            "amount": request.money.amount,
            "currency": request.money.currency,
        }
        try:
            async with self._database.writing() as connection:
                await insert_if_missing(
                    connection,
                    payments,
                    payment_id=request.payment_id,
                    amount=request.paid.amount,
                    currency=request.paid.currency,
                )
                await connection.execute(
                    update(refunds)
                    .where(
                        refunds.c.payment_id == request.payment_id,
                        refunds.c.refund_id.in_(request.given_up),
                        refunds.c.status != RefundStatus.SUCCEEDED,
                    )
                    .values(status=RefundStatus.CANCELED)
                )
                await insert_if_missing(
                    connection,
                    refunds,
                    refund_id=request.refund_id,
                    workflow_id=request.workflow_id,
                    asked_at=request.asked_at,
                    status=RefundStatus.PENDING,
                    reason="",
                    **wanted,
                )
                query = select(*(refunds.c[name] for name in wanted)).where(
                    refunds.c.refund_id == request.refund_id
                )
                entered = (await connection.execute(query)).one()
        except DBAPIError as error:
            if TOO_MUCH not in str(error.orig):
                raise
            raise ProviderRefusal(
                sentence(
                    "Refund {refund_id} of {money} would send back more than came in by payment "
                    "{payment_id}.",
                    refund_id=request.refund_id,
                    money=request.money,
                    payment_id=request.payment_id,
                )
            ) from None
        if tuple(entered) != tuple(wanted.values()):
            raise ProviderRefusal(
                sentence(
                    "Refund {refund_id} was asked for before, for another payment or amount.",
                    refund_id=request.refund_id,
                )
            )

    async def update(self, refund_id: str, state: RefundState) -> None:
        """See ``RefundRegister``."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(refunds)
                .where(refunds.c.refund_id == refund_id)
                .values(status=state.status, reason=state.reason)
            )


TOO_MUCH = "more would go back than came in"
"""The trigger's message for a refund that exceeds its payment."""
