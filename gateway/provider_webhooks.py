"""Providers' webhooks (R5, R6, R15, R23; cases 13-15, 49): signature-checked.

An event that is not accepted gets an error, so that the provider sends it again. The address of a
provider that is not configured does not exist.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from pydantic import SecretStr
from starlette.requests import Request
from temporalio.exceptions import ApplicationError

from activities.provider_events import ProviderEvent
from adapters.stripe.events import LARGEST, EventError, NotSigned, read_event
from client.errors import ClientError
from client.provider_events import PaymentNotYetKnown, ProviderEventHandler
from database.connection import DATABASE_UNAVAILABLE
from database.webhook_inbox import EventIdReused
from gateway import bodies
from gateway.orders import asking_temporal
from gateway.problems import Conflict, Invalid, NotFound, ServiceUnavailable, Unauthorized
from orders.errors import OrderError
from orders.sentences import sentence

log = logging.getLogger("unbuy.gateway")

_SEND_AGAIN: Final = "This cannot be taken at the moment; send it again soon."


class Reader(Protocol):
    """Reads a provider's webhook."""

    def __call__(self, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        """The verified event. Raises EventError, also for a wrong signature."""


def stripe_reader(secrets: Sequence[SecretStr]) -> Reader:
    """Reads Stripe's webhooks, signed by one of the secrets."""

    def read(body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderEvent:
        return read_event(body, headers.get("stripe-signature"), secrets, now)

    return read


class ProviderWebhooks:
    """Webhooks of the configured providers, by their name in the path."""

    def __init__(self, handler: ProviderEventHandler, readers: Mapping[str, Reader]) -> None:
        self._handler = handler
        self._readers = readers

    async def handle(self, provider: str, request: Request) -> str:
        """Accept a webhook; returns the outcome. Raises a Problem that makes the provider retry."""
        if (read := self._readers.get(provider)) is None:
            raise NotFound(
                sentence(
                    "Webhooks from {provider} are not accepted here. For Stripe's, set "
                    "UNBUY_PAYMENT_PROVIDER=stripe and UNBUY_STRIPE_WEBHOOK_SECRETS.",
                    provider=provider[:32],
                )
            )
        body = await bodies.read(request, LARGEST)
        try:
            event = read(body, request.headers, datetime.now(UTC))
        except NotSigned as error:
            raise Unauthorized(str(error)) from None
        except EventError as error:
            raise Invalid(str(error)) from None
        try:
            async with asking_temporal(_SEND_AGAIN):
                return (await self._handler.handle(event)).value
        except (EventIdReused, PaymentNotYetKnown) as error:
            raise Conflict(str(error)) from None
        except (*DATABASE_UNAVAILABLE, ApplicationError, ClientError, OrderError) as error:
            log.warning("A webhook of %s is not accepted yet: %s", provider, type(error).__name__)
            raise ServiceUnavailable(_SEND_AGAIN) from None
