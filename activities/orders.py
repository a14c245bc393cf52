"""Recording orders in the database; they are never deleted.

A snapshot of an order (its view, its postings, its notifications) is recorded in one transaction: a
notification is in the outbox if and only if the view that explains it is stored.
"""

from collections.abc import Iterable
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.notifications import Notifications, OutboxMessage
from orders.accounting import Posting
from orders.messages import Role
from orders.notifications import Notification
from orders.values import Frozen
from orders.view import OrderView


class RecordedAction(BaseModel):
    """An action whose reason and the like are handed on as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    action: str
    available: bool


class RecordedView(OrderView):
    """A view on its way to the database, whose actions, most of it, are read no further than needed."""

    actions: dict[Role, list[RecordedAction]]  # type: ignore[assignment]


def as_recorded(view: OrderView) -> RecordedView:
    """A view as it is now, whatever becomes of its order."""
    return RecordedView.model_validate_json(view.model_dump_json())


class OrderSnapshot(Frozen):
    """An order's current state: its view, all postings so far, and new notifications.

    ``revision`` is the snapshot's instant in microseconds: a workflow task that runs again, after one was
    discarded or after a reset, may decide differently and has a later one. ``first_run_id`` is Temporal's:
    the same for all resets and continuations of the order's workflow, another for a second one under its
    id. An order's own workflow that was started again has another one too, and says so: ``postings`` are
    then only those of its own.
    """

    revision: int
    first_run_id: str = Field(alias="process")
    reopened: bool = False
    view: RecordedView
    postings: tuple[Posting, ...]
    notifications: tuple[Notification, ...] = Field(alias="notices")


class OrderExists(ApplicationError):
    """The order id was used before; ids are never reused, even after Temporal has deleted the workflow."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} exists already, and an id is never used again: place it with another one.",
            type=type(self).__name__,
            non_retryable=True,
        )


class Recorded(Frozen):
    """``delivered`` is false when notifications are left to ``deliver_notices``."""

    delivered: bool


def outbox_messages(
    view: OrderView, notifications: Iterable[Notification]
) -> tuple[OutboxMessage, ...]:
    """The notifications of an order, addressed to its parties."""
    parties = {Role.BUYER: view.buyer, Role.SELLER: view.seller}
    return tuple(
        OutboxMessage(
            key=it.key,
            order_id=view.order_id,
            to=it.to,
            party=parties.get(it.to),
            what=it.what,
            at=it.at,
            details=it.details,
        )
        for it in notifications
    )


class OrderStore(Protocol):
    """Orders as they were last recorded."""

    async def find(self, order_id: str) -> OrderView | None:
        """An order's latest view, also years after it closed; None for an unknown order."""

    async def record(self, snapshot: OrderSnapshot, *, delivered: bool = False) -> None:
        """Record a snapshot with its postings and notifications, in one transaction.

        ``delivered``: the notifications are delivered by that.

        The same snapshot again changes nothing, and an older revision never replaces a newer view. Raises
        OrderExists for a snapshot of another workflow than the one that is recorded under this id.
        """


class OrderRecords:
    """Records snapshots of orders; short and idempotent, so it runs as a local activity."""

    def __init__(self, orders: OrderStore, notifications: Notifications) -> None:
        self._orders = orders
        self._notifications = notifications

    @activity.defn
    async def find_order(self, order_id: str) -> OrderView | None:
        """The order as it was last recorded."""
        return await self._orders.find(order_id)

    @activity.defn
    async def record_order(self, snapshot: OrderSnapshot) -> Recorded:
        """Record the snapshot and make a first attempt to notify everyone concerned (R21)."""
        notifications = self._notifications
        await self._orders.record(snapshot, delivered=notifications.deliver_with_the_record)
        if not (snapshot.notifications or notifications.subscribers):
            return Recorded(delivered=True)
        messages = outbox_messages(snapshot.view, snapshot.notifications)
        order_id = snapshot.view.order_id
        return Recorded(delivered=await notifications.try_to_deliver(order_id, messages))
