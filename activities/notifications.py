"""Notifications (R21): everyone concerned is told of each step, once, in their language.

Notices wait in the outbox until a channel took them. The outbox is written together with the order's
step; what is here only empties it. Systems that subscribed to changes are told on the same occasions.
"""

from typing import Any, Protocol

from temporalio import activity

from orders.messages import Role
from orders.model import Party
from orders.values import Frozen, Instant


class Letter(Frozen):
    """A notice with all a channel needs to tell it; ``party`` is None for support and unknown payers."""

    key: str
    order_id: str
    to: Role
    party: Party | None
    what: str
    at: Instant
    details: dict[str, Any]


class Outbox(Protocol):
    """What is still to be told."""

    async def undelivered(self, order_id: str) -> list[Letter]:
        """The letters of an order that no channel has taken yet, oldest first."""

    async def delivered(self, key: str) -> None:
        """A channel has taken this letter."""


class Channel(Protocol):
    """A way to tell people. It may be asked twice for one letter; the letter's key says so."""

    async def send(self, letter: Letter) -> None:
        """Tell it. Raises when it could not be told."""


class Subscribers(Protocol):
    """Systems that want to know of every change of an order."""

    async def tell(self, order_id: str) -> None:
        """Have them told what is kept of the order now; each change once, however often this is asked."""


class Notifications:
    """Empties the outbox of an order, and tells those who subscribed to changes, where there are any."""

    def __init__(
        self, outbox: Outbox, channel: Channel, subscribers: Subscribers | None = None
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self.subscribers = subscribers

    @activity.defn
    async def deliver_notices(self, order_id: str) -> None:
        """Deliver all that waits for an order; raises at the first failure, to be tried again."""
        try:
            if self.subscribers:
                await self.subscribers.tell(order_id)
        finally:
            # Whatever became of that: people don't wait for systems, nor systems for people.
            for letter in await self._outbox.undelivered(order_id):
                await self._channel.send(letter)
                await self._outbox.delivered(letter.key)

    async def try_to_deliver(self, order_id: str) -> bool:
        """One try; False when a channel failed, whatever it raised: the step itself is kept."""
        try:
            await self.deliver_notices(order_id)
        except Exception:
            activity.logger.warning(
                "notices of order %s wait: a channel or the subscribers failed", order_id
            )
            return False
        return True
