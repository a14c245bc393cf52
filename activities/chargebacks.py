"""Chargebacks of orders and stray money whose process has ended (R17, R23).

They are taken into what the database keeps of them.
"""

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
    """The news, whose order it is about, and when it came; ``order_id`` is None for stray money."""

    order_id: OrderId | None
    news: ChargebackReported
    at: Instant


class LateChargebackOutcome(Frozen):
    """``delivered`` is false when somebody is still to be told, from that ``outbox``."""

    delivered: bool
    outbox: str | None = None


class Chargebacks:
    """Takes late chargebacks."""

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
        """Book it, keep it, and make a first try at telling support and an order's seller."""
        try:
            if late.order_id is None:
                stray = await self._stray_payments.amend(
                    late.news.payment_id, lambda stray: stray.charged_back(late.news, late.at)
                )
                about = stray.about
            else:
                await self._orders.amend(
                    late.order_id, lambda view: charged_back(view, late.news, late.at)
                )
                about = late.order_id
        except (NotAllowedNow, LookupError) as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, non_retryable=True
            ) from None
        # What a channel does not take now waits in the outbox.
        delivered = await self._notifications.try_to_deliver(about)
        return LateChargebackOutcome(delivered=delivered, outbox=about)
