"""Bookkeeping: what an order has come to is kept in the database, so that it can be read for ever.

One step of an order (its view, its postings, what people must be told) is written in one transaction: a
notice is in the outbox if and only if the view that explains it is kept.
"""

from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.notifications import Notifications
from orders.accounting import Posting
from orders.order import Notification
from orders.values import Frozen
from orders.view import OrderView


class OrderSnapshot(Frozen):
    """What an order has come to; ``postings`` are all of the order's so far.

    ``revision`` is the step's instant in microseconds: a workflow task that is run again, after one that was
    thrown away or after a reset, and that may decide otherwise, is later. ``process`` tells the order's own
    process, with all its resets and continuations, from another one under the same id.
    """

    revision: int
    process: str
    view: OrderView
    postings: tuple[Posting, ...]
    notices: tuple[Notification, ...]


class OrderExists(ApplicationError):
    """An order's id is never used again, also when Temporal has forgotten the first one."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} exists already, and an id is never used again: place it with another one.",
            type=type(self).__name__,
            non_retryable=True,
        )


class Recorded(Frozen):
    """``delivered`` is false when somebody is still to be told, by a step of its own."""

    delivered: bool


class OrderStore(Protocol):
    """Where orders are kept."""

    async def record(self, step: OrderSnapshot) -> None:
        """Keep a step in one transaction; the same step again changes nothing.

        An older revision never replaces a newer view. A posting already there by its key is left alone.
        Raises OrderExists for the step of another process than the one that is kept under this id.
        """


class OrderRecords:
    """Keeps every step of every order; short and safe to repeat, so it runs as a local activity."""

    def __init__(self, journal: OrderStore, notifications: Notifications) -> None:
        self._journal = journal
        self._notifications = notifications

    @activity.defn
    async def record_order(self, step: OrderSnapshot) -> Recorded:
        """Keep the step and make a first try at telling everyone who is concerned (R21)."""
        await self._journal.record(step)
        if not (step.notices or self._notifications.subscribers):
            return Recorded(delivered=True)
        return Recorded(delivered=await self._notifications.try_to_deliver(step.view.order_id))
