"""Notifications (R21): everyone concerned is notified of each event, once, in their language.

The outbox is written in the transaction of the change that its messages are about; this module empties it.
Systems that subscribed to changes are notified on the same occasions.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from temporalio import activity

from orders.messages import Role
from orders.place_order import Party
from orders.sentence_fields import Details
from orders.values import Frozen, Instant, Money


class SummaryLine(Frozen):
    """So many of one thing."""

    title: str
    quantity: int


class OrderSummary(Frozen):
    """Which order a message is about: what was bought, the parties' names, and what is due in all."""

    lines: tuple[SummaryLine, ...]
    buyer: str
    seller: str
    total: Money


class OutboxMessage(Frozen):
    """A notification with everything a channel needs; ``party`` is None for support and unknown payers.

    ``summary`` is the order's as it is when the message is delivered; None for a stray payment's.
    """

    key: str
    order_id: str
    to: Role
    party: Party | None
    what: str
    at: Instant
    details: Details
    summary: OrderSummary | None = None


class Outbox(Protocol):
    """Messages that are still to be delivered."""

    async def undelivered(self, order_id: str) -> list[OutboxMessage]:
        """The messages of an order that no channel has accepted yet, oldest first."""

    async def mark_delivered(self, *keys: str) -> None:
        """Mark messages as accepted by a channel or undeliverable, all at once; repeats change nothing."""


class Channel(Protocol):
    """A channel to recipients. It may receive a message twice, under the same key."""

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        """Deliver what one recipient is told of one moment, in order, as one mail or the like.

        Raises if it could not be delivered.
        """


@runtime_checkable
class NotingChannel(Channel, Protocol):
    """A channel that only notes what it is given: its messages are recorded as delivered."""

    def note(self, messages: Sequence[OutboxMessage]) -> None:
        """Note the messages; never fails."""


class Subscribers(Protocol):
    """Systems that are notified of every change of an order."""

    async def notify(self, order_id: str) -> None:
        """Send them the order's recorded view; each change once, however often this is called."""


def by_moment(messages: Iterable[OutboxMessage]) -> list[list[OutboxMessage]]:
    """An order's messages by recipient and instant: what one step tells one person belongs together."""
    moments: dict[tuple[Role, Instant], list[OutboxMessage]] = {}
    for message in messages:
        moments.setdefault((message.to, message.at), []).append(message)
    return list(moments.values())


class Notifications:
    """Empties an order's outbox and notifies any subscribers.

    ``at_once`` is for a channel that delivers immediately. An external channel may be too slow for the local
    activity that makes the first attempt: then all deliveries are left to ``deliver_notices``.
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
        self._notes = channel.note if isinstance(channel, NotingChannel) else None

    @property
    def deliver_with_the_record(self) -> bool:
        """Whether messages are delivered by being recorded, so that they are recorded as that."""
        return self._notes is not None

    @activity.defn
    async def deliver_notices(self, order_id: str) -> None:
        """Deliver an order's undelivered messages; raises if any must be retried.

        A failure does not hold up the others, and people do not wait for systems; a channel preserves the
        order of messages to one recipient.
        """
        moments = by_moment(await self._outbox.undelivered(order_id))
        results = await asyncio.gather(
            self._notify_subscribers(order_id),
            *map(self._deliver, moments),
            return_exceptions=True,
        )
        if failures := [it for it in results if it is not None]:
            raise failures[0]

    async def _notify_subscribers(self, order_id: str) -> None:
        if self.subscribers:
            await self.subscribers.notify(order_id)

    async def _deliver(self, moment: Sequence[OutboxMessage]) -> None:
        await self._channel.send(moment)
        await self._outbox.mark_delivered(*(it.key for it in moment))

    async def try_to_deliver(self, order_id: str, recorded: Sequence[OutboxMessage]) -> bool:
        """Make one attempt, if ``at_once``, for an order of which these messages were just recorded.

        Returns False if messages are left in the outbox.
        """
        try:
            if self._notes:
                self._notes(recorded)
            elif self._at_once:
                await self.deliver_notices(order_id)
                return True
            await self._notify_subscribers(order_id)
            return self.deliver_with_the_record or not recorded
        except Exception:
            activity.logger.warning(
                "notifications of order %s wait: a channel or the subscribers failed", order_id
            )
            return False
