"""Adapters through which activities start and query workflows, by a Temporal client."""

from collections.abc import Sequence

from temporalio.client import Client

from activities.webhooks import Announcement, Webhook
from client import orders, stray_payments, webhooks
from client.finished_orders import StoredOrder
from orders.stray_payments import StrayPaymentInput
from orders.view import OrderView


class TemporalWorkflowStates:
    """Implements ``activities.ledger_check.WorkflowStates``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def stray_payment_is_running(self, payment_id: str) -> bool:
        """See ``WorkflowStates``."""
        return await stray_payments.is_running(self._client, payment_id)

    async def order(self, order_id: str) -> OrderView | None:
        """See ``WorkflowStates``."""
        if not await orders.is_running(self._client, order_id):
            return None
        return await orders.show(self._client, order_id)


class TemporalStrayPayments:
    """Implements ``activities.stray_payments.StrayPaymentStarter``.

    The order's workflow does not start a child: a stray payment may outlive the order.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, payment: StrayPaymentInput) -> None:
        """See ``StrayPaymentStarter``."""
        await stray_payments.refund(self._client, payment)


class TemporalSubscribers:
    """Implements ``activities.notifications.Subscribers``: each change of an order is a workflow.

    ``endpoints`` are the names of the systems that subscribed.
    """

    def __init__(self, client: Client, stored: StoredOrder, endpoints: Sequence[str]) -> None:
        self._client = client
        self._stored = stored
        self._endpoints = tuple(endpoints)

    async def notify(self, order_id: str) -> None:
        """See ``Subscribers``; does nothing for a stray payment without an order."""
        if view := await self._stored(order_id):
            announcement = Announcement(webhook=Webhook.of(view), endpoints=self._endpoints)
            await webhooks.announce(self._client, announcement)
