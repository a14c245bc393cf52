"""Chargebacks of orders whose process has ended (R23): taken into what the database keeps of them."""

from collections.abc import Callable
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bookkeeping import Recorded
from activities.notifications import Notifications
from orders.errors import NotAllowedNow
from orders.late import Afterwards, charged_back
from orders.messages import ChargebackReported
from orders.values import Frozen, Instant, OrderId
from orders.view import OrderView


class LateChargeback(Frozen):
    """The news, whose order it is about, and when it came."""

    order_id: OrderId
    news: ChargebackReported
    at: Instant


class FinishedOrders(Protocol):
    """What is kept of orders."""

    async def amend(self, order_id: str, change: Callable[[OrderView], Afterwards | None]) -> None:
        """Change an order's last view, with its postings and notices, in one transaction.

        ``change`` answers None where nothing is to change. Raises LookupError for an unknown order.
        """


class Chargebacks:
    """Takes late chargebacks."""

    def __init__(self, orders: FinishedOrders, notifications: Notifications) -> None:
        self._orders = orders
        self._notifications = notifications

    @activity.defn
    async def take_late(self, late: LateChargeback) -> Recorded:
        """Book it, keep it in the order's view, and make a first try at telling support and the seller."""
        try:
            await self._orders.amend(
                late.order_id, lambda view: charged_back(view, late.news, late.at)
            )
        except (NotAllowedNow, LookupError) as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, non_retryable=True
            ) from None
        # What a channel does not take now waits in the outbox.
        return Recorded(delivered=await self._notifications.try_to_deliver(late.order_id))
