"""The refunds that were requested, and their states (R14-R17, R23).

The database itself refuses refunds that exceed their payment: a trigger compares each with the payment and
with the payment's other refunds.
"""

from functools import partial

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection
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
        try:
            registered = await self._database.write(partial(_register, request))
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
        if registered != (request.payment_id, request.money.amount, request.money.currency):
            raise ProviderRefusal(
                sentence(
                    "Refund {refund_id} was asked for before, for another payment or amount.",
                    refund_id=request.refund_id,
                )
            )

    async def update(self, refund_id: str, state: RefundState) -> None:
        """See ``RefundRegister``."""
        values = {"id": refund_id, "new_status": state.status, "new_reason": state.reason}
        await self._database.write(lambda connection: connection.execute(_UPDATE, values))


_GIVE_UP = (
    update(refunds)
    .where(
        refunds.c.payment_id == bindparam("of_payment"),
        refunds.c.refund_id.in_(bindparam("given_up", expanding=True)),
        refunds.c.status != RefundStatus.SUCCEEDED,
    )
    .values(status=RefundStatus.CANCELED)
)
_REGISTERED = select(refunds.c.payment_id, refunds.c.amount, refunds.c.currency).where(
    refunds.c.refund_id == bindparam("refund_id")
)
_UPDATE = (
    update(refunds)
    .where(refunds.c.refund_id == bindparam("id"))
    .values(status=bindparam("new_status"), reason=bindparam("new_reason"))
)


def _register(request: RefundRequest, connection: Connection) -> tuple[str, int, str]:
    """Register the refund unless its id is; what is registered under it."""
    insert_if_missing(
        connection,
        payments,
        payment_id=request.payment_id,
        amount=request.paid.amount,
        currency=request.paid.currency,
    )
    if request.given_up:
        connection.execute(
            _GIVE_UP, {"of_payment": request.payment_id, "given_up": request.given_up}
        )
    is_new = insert_if_missing(
        connection,
        refunds,
        refund_id=request.refund_id,
        payment_id=request.payment_id,
        amount=request.money.amount,
        currency=request.money.currency,
        workflow_id=request.workflow_id,
        asked_at=request.asked_at,
        status=RefundStatus.PENDING,
        reason="",
    )
    if is_new:
        return request.payment_id, request.money.amount, request.money.currency
    return connection.execute(_REGISTERED, {"refund_id": request.refund_id}).one()


TOO_MUCH = "more would go back than came in"
"""The trigger's message for a refund that exceeds its payment."""
