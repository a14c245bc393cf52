"""The provider's webhooks: signed events, which may get lost, come twice, and overtake each other."""

import hmac
import itertools
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import aiohttp

Handler = Callable[[bytes, str], Awaitable[int]]
"""Takes a body and its ``Stripe-Signature``, answers with an HTTP status."""


def signature(body: bytes, secret: str, at: float | None = None) -> str:
    """The header ``Stripe-Signature`` of a body, as docs.stripe.com/webhooks/signature describes it."""
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), b"%d." % stamp + body, sha256).hexdigest()
    return f"t={stamp},v1={mac}"


@dataclass
class StripeWebhooks:
    """Events wait until ``deliver`` is called, and longer if nobody answers with a 2xx, as at Stripe."""

    secret: str = "whsec_peer"
    to: Handler | str | None = None
    """Where they are sent: a function, or the address of a webhook."""
    drop: float = 0.0
    """The share of events that get lost on the way, for good."""
    repeat: float = 0.0
    """The share that comes twice."""
    shuffle: bool = False
    seed: int = 0
    waiting: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    """Every event that there ever was, in the order in which things happened."""
    lost: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._numbers = itertools.count(1)

    def put(self, kind: str, what: dict[str, Any]) -> None:
        """Write an event of this type about an object as it is now."""
        event = {
            "id": f"evt_{next(self._numbers):020}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": what},
        }
        body = json.dumps(event).encode()
        self.sent.append(body)
        if self._chance.random() < self.drop:
            self.lost.append(body)
            return
        self.waiting.append(body)
        if self._chance.random() < self.repeat:
            self.waiting.append(body)

    async def deliver(self) -> list[int]:
        """Deliver what waits, and tell the statuses of the answers."""
        bodies, self.waiting = self.waiting, []
        if self.shuffle:
            self._chance.shuffle(bodies)
        statuses = [await self._hand_over(body) for body in bodies]
        self.waiting += [b for b, it in zip(bodies, statuses, strict=True) if not 200 <= it < 300]
        return statuses

    async def _hand_over(self, body: bytes) -> int:
        signed = signature(body, self.secret)
        if self.to is None:
            return 200
        if not isinstance(self.to, str):
            return await self.to(body, signed)
        headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self.to, data=body, headers=headers) as answer,
            ):
                return answer.status
        except aiohttp.ClientError:
            return 503
