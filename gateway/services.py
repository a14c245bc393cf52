"""What the routes work with, put together once."""

from dataclasses import dataclass

from gateway.access import Tokens
from gateway.desk import OrderDesk
from gateway.health import Health
from gateway.limits import RateLimits
from gateway.live import Lookout
from gateway.proofs import Proofs
from gateway.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Services:
    """One of each for the whole gateway."""

    desk: OrderDesk
    tokens: Tokens
    limits: RateLimits
    lookout: Lookout
    proofs: Proofs
    webhooks: Webhooks
    health: Health
