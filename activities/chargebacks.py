"""Chargebacks of orders and stray money whose process has ended (R17, R23).

They are taken into what the database keeps of them.
"""

from collections.abc import Callable
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.notifications import Notifications
from orders.errors import NotAllowedNow
from orders.late_chargebacks import LateOutcome, charged_back
from orders.messages import ChargebackReported
from orders.stray_payments import StrayPaymentState
from orders.values import Frozen, Instant, OrderId
from orders.view import OrderView


class LateChargeback(Frozen):
    """The news, whose order it is about, and when it came; ``order_id`` is None for stray money."""

    order_id: OrderId | None
    news: ChargebackReported
    at: Instant


class LateChargebackOutcome(Frozen):
    """``delivered`` is false when somebody is still to be told, from that ``outbox``."""

    delivered: bool
    outbox: str | None = None


class Finished(Protocol):
    """What is kept of orders and of stray money."""

    async def amend(self, order_id: str, change: Callable[[OrderView], LateOutcome | None]) -> None:
        """Change an order's last view, with its postings and notices, in one transaction.

        ``change`` answers None where nothing is to change. Raises LookupError for an unknown order.
        """

    async def amend_stray(
        self, payment_id: str, change: Callable[[StrayPaymentState], bool]
    ) -> StrayPaymentState:
        """Change what is kept of stray money, and book and tell what comes of it, in one transaction.

        ``change`` says whether anything has changed; the answer is what is kept then. Raises LookupError for
        a payment of which nothing is kept.
        """


class Chargebacks:
    """Takes late chargebacks."""

    def __init__(self, finished: Finished, notifications: Notifications) -> None:
        self._finished = finished
        self._notifications = notifications

    @activity.defn
    async def take_late(self, late: LateChargeback) -> LateChargebackOutcome:
        """Book it, keep it, and make a first try at telling support and an order's seller."""
        try:
            if late.order_id is None:
                stray = await self._finished.amend_stray(
                    late.news.payment_id, lambda stray: stray.charged_back(late.news, late.at)
                )
                about = stray.about
            else:
                await self._finished.amend(
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
