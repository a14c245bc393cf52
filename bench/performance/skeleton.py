"""The skeleton that Unbuy is measured by: a canceled and refunded order with nothing in it.

4 messages, 4 timers, of which one fires, and 3 activities that do nothing: 50 events in 9 workflow tasks if
the messages are signals. The searchable skeleton writes one search attribute at each of 8 statuses as well.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import activity, workflow
from temporalio.common import SearchAttributeKey

TASK_QUEUE: Final = "skeletons"
ORDER_STATUS: Final = SearchAttributeKey.for_keyword("OrderStatus")
_ACTIVITY: Final = timedelta(minutes=1)


@dataclass
class SkeletonOrder:
    """The workflow's input; times in seconds."""

    order_id: str
    payment_window: float
    payment_review: float
    is_searchable: bool = False


@dataclass
class SkeletonMessage:
    """A message: its name, and something to read."""

    name: str
    text: str


@activity.defn
async def notify(order_id: str) -> None:
    """Notify nobody."""


@activity.defn
async def refund(order_id: str) -> None:
    """Refund nothing."""


@workflow.defn
class SkeletonWorkflow:
    """An order that is paid, checked, canceled and refunded; or canceled before, or never paid."""

    def __init__(self) -> None:
        self._received: set[str] = set()
        self._is_searchable = False
        self._status = ""

    @workflow.run
    async def run(self, order: SkeletonOrder) -> str:
        """Return the last status."""
        self._is_searchable = order.is_searchable
        self._become("awaiting_payment")
        try:
            within = timedelta(seconds=order.payment_window)
            await self._until("payment", "cancel_request", within=within)
        except TimeoutError:
            return await self._end("expired", order)
        if "cancel_request" in self._received:
            return await self._end("canceled", order)
        self._become("payment_review")
        await workflow.sleep(order.payment_review)
        self._become("awaiting_shipment")
        await self._activity(notify, order)
        await self._until("cancel_request")
        self._become("cancel_requested")
        await self._until("seller_reply", within=timedelta(days=14))
        self._become("canceled")
        await self._activity(refund, order)
        self._become("refunding")
        await self._until("refund_update", within=timedelta(days=14))
        self._become("refund_paid")
        return await self._end("refunded", order)

    @workflow.signal
    def signal(self, message: SkeletonMessage) -> None:
        """Take a message."""
        self._received.add(message.name)

    @workflow.update
    def update(self, message: SkeletonMessage) -> str:
        """Take a message and return the status."""
        self._received.add(message.name)
        return self._status

    async def _until(self, *names: str, within: timedelta | None = None) -> None:
        await workflow.wait_condition(lambda: not self._received.isdisjoint(names), timeout=within)

    async def _activity(self, what: object, order: SkeletonOrder) -> None:
        await workflow.execute_activity(
            what,  # type: ignore[arg-type]
            order.order_id,
            start_to_close_timeout=_ACTIVITY,
        )

    async def _end(self, status: str, order: SkeletonOrder) -> str:
        await self._activity(notify, order)
        self._become(status)
        return status

    def _become(self, status: str) -> None:
        self._status = status
        if self._is_searchable:
            workflow.upsert_search_attributes([ORDER_STATUS.value_set(status)])
