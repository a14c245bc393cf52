"""Notifications (R21): everyone concerned is told of each step, once, in their language.

Notices wait in the outbox until a channel took them. The outbox is written together with the order's
step; what is here only empties it. Systems that subscribed to changes are told on the same occasions.
"""

import asyncio
from typing import Protocol

from temporalio import activity

from orders.messages import Role
from orders.place_order import Party
from orders.sentence_fields import Details
from orders.values import Frozen, Instant


class OutboxMessage(Frozen):
    """A notice with all a channel needs to tell it; ``party`` is None for support and unknown payers."""

    key: str
    order_id: str
    to: Role
    party: Party | None
    what: str
    at: Instant
    details: Details


class Outbox(Protocol):
    """What is still to be told."""

    async def undelivered(self, order_id: str) -> list[OutboxMessage]:
        """The messages of an order that no channel has accepted yet, oldest first."""

    async def mark_delivered(self, key: str) -> None:
        """Note that a channel has accepted this message, or will never deliver it; repeats change nothing."""


class Channel(Protocol):
    """A way to tell people. It may be asked twice for one letter; the letter's key says so."""

    async def send(self, letter: OutboxMessage) -> None:
        """Tell it. Raises when it could not be told."""


class Subscribers(Protocol):
    """Systems that want to know of every change of an order."""

    async def tell(self, order_id: str) -> None:
        """Have them told what is kept of the order now; each change once, however often this is asked."""


class Notifications:
    """Empties the outbox of an order, and tells those who subscribed to changes, where there are any.

    ``at_once`` is for a channel that takes letters in a moment. A channel to the outside may hang, or take a
    letter and say so too late for the short step that first tries: there everything is left to
    ``deliver_notices``, which has the time.
    """

    def __init__(
        self,
        outbox: Outbox,
        channel: Channel,
        subscribers: Subscribers | None = None,
        *,
        at_once: bool = True,
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self.subscribers = subscribers
        self._at_once = at_once

    @activity.defn
    async def deliver_notices(self, order_id: str) -> None:
        """Deliver all that waits for an order; raises when some of it has to be tried again.

        One that fails keeps nobody else's from being delivered, nor do people wait for systems; a channel
        sees to the order of what it sends to one reader.
        """
        letters = await self._outbox.undelivered(order_id)
        results = await asyncio.gather(
            self._tell_subscribers(order_id),
            *map(self._deliver, letters),
            return_exceptions=True,
        )
        if failures := [it for it in results if it is not None]:
            raise failures[0]

    async def _tell_subscribers(self, order_id: str) -> None:
        if self.subscribers:
            await self.subscribers.tell(order_id)

    async def _deliver(self, letter: OutboxMessage) -> None:
        await self._channel.send(letter)
        await self._outbox.mark_delivered(letter.key)

    async def try_to_deliver(self, order_id: str) -> bool:
        """One try, where that takes a moment. False when something waits: the step itself is kept."""
        try:
            if not self._at_once:
                await self._tell_subscribers(order_id)
                return not await self._outbox.undelivered(order_id)
            await self.deliver_notices(order_id)
        except Exception:
            activity.logger.warning(
                "notices of order %s wait: a channel or the subscribers failed", order_id
            )
            return False
        return True
