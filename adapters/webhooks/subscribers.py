"""Systems that subscribed to changes of orders: each change is a workflow, started through a client."""

from collections.abc import Awaitable, Callable, Sequence

from temporalio.client import Client

from activities.webhooks import Announcement, Webhook
from orders.view import OrderView
from workflows import calls


class TemporalSubscribers:
    """Implements ``activities.notifications.Subscribers``.

    ``kept`` reads what is kept of an order; ``endpoints`` are the names of those who subscribed.
    """

    def __init__(
        self,
        client: Client,
        kept: Callable[[str], Awaitable[OrderView | None]],
        endpoints: Sequence[str],
    ) -> None:
        self._client = client
        self._kept = kept
        self._endpoints = tuple(endpoints)

    async def tell(self, order_id: str) -> None:
        """See ``Subscribers``; stray money that belongs to no order concerns none of them."""
        if view := await self._kept(order_id):
            announcement = Announcement(webhook=Webhook.of(view), endpoints=self._endpoints)
            await calls.announce(self._client, announcement)
