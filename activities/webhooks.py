"""Webhooks: a marketplace's own systems are told of every change of an order.

What they get says which order changed and how, and names nobody: who wants to know more asks the API.
"""

import hashlib
import json
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from orders.values import Frozen, microseconds
from orders.view import OrderView

TYPE = "order.changed"

# With so many of the newest entries of a timeline, who missed a few webhooks has missed nothing.
_MOST_CHANGES = 10


class Webhook(Frozen):
    """``body`` is the JSON to sign and send; the same for the same change, and so is ``id``."""

    id: str
    order_id: str
    what: str
    body: str

    @classmethod
    def of(cls, view: OrderView) -> "Webhook":
        """What an order has come to. ``revision`` never falls from one change to the next."""
        newest = view.timeline[-_MOST_CHANGES:]
        changes = [it.model_dump(mode="json", exclude={"details"}) for it in newest]
        last = newest[-1]
        body = json.dumps(
            {
                "type": TYPE,
                "timestamp": changes[-1]["at"],
                "data": {
                    "order_id": view.order_id,
                    "status": view.status,
                    "close_reason": view.close_reason,
                    "revision": microseconds(last.at),
                    "changes": changes,
                },
            }
        )
        # Made of what happened: a workflow task that is run again counts its steps anew.
        digest = hashlib.sha256(body.encode()).hexdigest()
        return cls(id=f"msg_{digest[:32]}", order_id=view.order_id, what=last.what, body=body)


class Announcement(Frozen):
    """A webhook, and the names of the endpoints that it goes to."""

    webhook: Webhook
    endpoints: tuple[str, ...]


class Delivery(Frozen):
    """A webhook on its way to one endpoint."""

    webhook: Webhook
    endpoint: str


class WebhookNotDelivered(ApplicationError):
    """An endpoint did not take a webhook now; tried again later."""

    def __init__(self, sentence: str) -> None:
        # Benign: a line in the log says it, and not a stack trace for each try.
        super().__init__(sentence, type="Undelivered", category=ApplicationErrorCategory.BENIGN)


class EndpointGone(ApplicationError):
    """An endpoint wants no more of them (410): this one is not tried again."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"{endpoint} is gone (410): take it out of ORDER_WEBHOOK_URLS.",
            type="EndpointGone",
            category=ApplicationErrorCategory.BENIGN,
        )


class Endpoints(Protocol):
    """Where webhooks go: endpoints, by names in which there is nothing secret of their addresses."""

    async def post(self, endpoint: str, webhook: Webhook) -> None:
        """Sign it and send it once. Raises WebhookNotDelivered and EndpointGone."""


class OrderWebhooks:
    """Delivers webhooks."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    @activity.defn
    async def deliver_webhook(self, delivery: Delivery) -> None:
        """One try at one endpoint."""
        webhook = delivery.webhook
        try:
            await self._endpoints.post(delivery.endpoint, webhook)
        except WebhookNotDelivered as error:
            activity.logger.warning(
                "Webhook %s of order %s: %s", webhook.id, webhook.order_id, error
            )
            raise
