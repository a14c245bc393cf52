"""Late chargebacks (R17, R23): of orders and stray payments whose workflow has ended.

They are recorded in the database, where those orders and payments are still stored.
"""

from pydantic import Field
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.notifications import Notifications
from activities.orders import OrderStore
from activities.stray_payments import StrayPaymentStore
from orders.errors import NotAllowedNow
from orders.late_chargebacks import charged_back
from orders.messages import ChargebackReported
from orders.values import Frozen, Instant, OrderId


class LateChargeback(Frozen):
    """A chargeback, its order (None for a stray payment), and when it was reported."""

    order_id: OrderId | None
    chargeback: ChargebackReported = Field(alias="news")
    at: Instant


class LateChargebackOutcome(Frozen):
    """``delivered`` is false when messages are left, in the outbox of the order ``outbox``."""

    delivered: bool
    outbox: str | None = None


class Chargebacks:
    """Records late chargebacks."""

    def __init__(
        self,
        orders: OrderStore,
        stray_payments: StrayPaymentStore,
        notifications: Notifications,
    ) -> None:
        self._orders = orders
        self._stray_payments = stray_payments
        self._notifications = notifications

    @activity.defn
    async def take_late(self, late: LateChargeback) -> LateChargebackOutcome:
        """Record and book it, and make a first attempt to notify support and the order's seller."""
        try:
            if late.order_id is None:
                payment = await self._stray_payments.amend(
                    late.chargeback.payment_id,
                    lambda payment: payment.charged_back(late.chargeback, late.at),
                )
                about = payment.about
            else:
                await self._orders.amend(
                    late.order_id, lambda view: charged_back(view, late.chargeback, late.at)
                )
                about = late.order_id
        except (NotAllowedNow, LookupError) as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, non_retryable=True
            ) from None
        # What cannot be delivered now stays in the outbox.
        delivered = await self._notifications.try_to_deliver(about)
        return LateChargebackOutcome(delivered=delivered, outbox=about)
