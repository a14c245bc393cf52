"""Webhooks: a marketplace's own systems are notified of every change of an order.

A webhook says which order changed and how, without personal data; the API has the details.
"""

import hashlib
import json
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from orders.values import Frozen, microseconds
from orders.view import OrderView

TYPE = "order.changed"

# Enough recent entries that a receiver which missed a few webhooks still has them all.
_MOST_CHANGES = 10


class Webhook(Frozen):
    """A change to announce: ``body`` is the JSON to sign; it and ``id`` depend on the change alone."""

    id: str
    order_id: str
    what: str
    body: str

    @classmethod
    def of(cls, view: OrderView) -> "Webhook":
        """The webhook of an order's latest change; ``revision`` never decreases."""
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
        # Derived from the change itself: a workflow task that runs again counts its steps anew.
        digest = hashlib.sha256(body.encode()).hexdigest()
        return cls(id=f"msg_{digest[:32]}", order_id=view.order_id, what=last.what, body=body)


class Announcement(Frozen):
    """A webhook, and the names of the endpoints to send it to."""

    webhook: Webhook
    endpoints: tuple[str, ...]


class Delivery(Frozen):
    """A webhook to send to one endpoint."""

    webhook: Webhook
    endpoint: str


class WebhookNotDelivered(ApplicationError):
    """An endpoint did not accept a webhook; retried later."""

    def __init__(self, sentence: str) -> None:
        # Benign: logged as one line, not as a stack trace for each attempt.
        super().__init__(sentence, type="Undelivered", category=ApplicationErrorCategory.BENIGN)


class EndpointGone(ApplicationError):
    """An endpoint answered 410 Gone; not retried."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"{endpoint} is gone (410): take it out of ORDER_WEBHOOK_URLS.",
            type="EndpointGone",
            category=ApplicationErrorCategory.BENIGN,
        )


class Endpoints(Protocol):
    """The endpoints of webhooks, by names that contain no secrets of their addresses."""

    async def post(self, endpoint: str, webhook: Webhook) -> None:
        """Sign and send a webhook once. Raises WebhookNotDelivered and EndpointGone."""


class OrderWebhooks:
    """Delivers webhooks."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    @activity.defn
    async def deliver_webhook(self, delivery: Delivery) -> None:
        """Make one attempt at one endpoint."""
        webhook = delivery.webhook
        try:
            await self._endpoints.post(delivery.endpoint, webhook)
        except WebhookNotDelivered as error:
            activity.logger.warning(
                "Webhook %s of order %s: %s", webhook.id, webhook.order_id, error
            )
            raise
