"""Bookkeeping: what an order has come to is kept in the database, so that it can be read for ever.

One step of an order (its view, its postings, what people must be told) is written in one transaction: a
notice is in the outbox if and only if the view that explains it is kept.
"""

from typing import Protocol

from temporalio import activity

from activities.notifications import Notifications
from orders.books import Posting
from orders.model import Notice
from orders.values import Frozen
from orders.view import OrderView


class Step(Frozen):
    """What an order has come to; ``postings`` are all of the order's so far.

    ``revision`` is how many history events it has seen: a workflow task that is run again, and may decide
    otherwise than the one that was thrown away, has seen more.
    """

    revision: int
    view: OrderView
    postings: tuple[Posting, ...]
    notices: tuple[Notice, ...]


class Recorded(Frozen):
    """``delivered`` is false when some notice waits in the outbox because its channel failed."""

    delivered: bool


class Journal(Protocol):
    """Where orders are kept."""

    async def record(self, step: Step) -> None:
        """Keep a step in one transaction; the same step again changes nothing.

        An older revision never replaces a newer view. A posting already there by its key is left alone.
        """


class Bookkeeping:
    """Keeps every step of every order; short and safe to repeat, so it runs as a local activity."""

    def __init__(self, journal: Journal, notifications: Notifications) -> None:
        self._journal = journal
        self._notifications = notifications

    @activity.defn
    async def record_order(self, step: Step) -> Recorded:
        """Keep the step and make a first try at delivering its notices (R21)."""
        await self._journal.record(step)
        if not step.notices:
            return Recorded(delivered=True)
        return Recorded(delivered=await self._notifications.try_to_deliver(step.view.order_id))
