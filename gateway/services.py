"""The services that the routes use."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.access import Tokens
from gateway.limits import RateLimits, Turns
from gateway.order_stream import OrderStream
from gateway.orders import OrderService
from gateway.proofs import Proofs
from gateway.provider_webhooks import ProviderWebhooks
from gateway.stray_payments import StrayPaymentService
from runtime.health import Health

if TYPE_CHECKING:
    from adapters.stripe.provider import StripeProvider


@dataclass(frozen=True, slots=True)
class Services:
    """The gateway's services, one instance each."""

    orders: OrderService
    stray_payments: StrayPaymentService
    tokens: Tokens
    limits: RateLimits
    order_stream: OrderStream
    proofs: Proofs
    webhooks: ProviderWebhooks
    health: Health
    turns: Turns = field(default_factory=Turns)
    stripe: "StripeProvider | None" = None

    async def close(self) -> None:
        """Close the connections that these services opened."""
        if self.stripe:
            await self.stripe.close()
