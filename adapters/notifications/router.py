"""The channel to the outside (R21): each message goes to each of its reader's addresses, once.

What is told of one moment is one mail, or one message of another service.

Mail goes by SMTP, the rest by Apprise. Who has no address is notified as before, on this machine. An address
that is refused for good is noted for support and holds up nothing; one that fails holds up the messages to
itself only, which keep their order.

Delivered once means: one that is known to be taken is never sent again, and no two workers send one at a
time. A worker that dies between the server's 250 and the note of it leaves that open; the mail is then sent
again, with the same Message-ID.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from activities.notifications import Channel, OutboxMessage
from adapters.notifications.addresses import MAIL, check, label, mailbox, scheme_of
from adapters.notifications.email import MailComposer
from adapters.notifications.errors import PermanentFailure, TemporaryFailure
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.smtp import SmtpChannel
from database.deliveries import DeliveryLease, SqlDeliveries
from orders.messages import Role

if TYPE_CHECKING:
    from adapters.notifications.apprise import AppriseChannel

log = logging.getLogger("unbuy.notifications")


@dataclass(frozen=True)
class Mailing:
    """How mail is written, and who carries it."""

    mails: MailComposer
    smtp: SmtpChannel


@dataclass
class _Queue:
    """Messages of this worker that wait for their turn at one address."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    messages: int = 0
    failed: bool = False


class NotificationRouter:
    """Implements ``activities.notifications.Channel``.

    ``schemes`` are those that parties' addresses may have; ``support`` are the addresses of support, whose
    schemes are the operator's own choice. ``nobody`` hears of messages that go to no address.
    """

    def __init__(
        self,
        deliveries: SqlDeliveries,
        nobody: Channel,
        schemes: frozenset[str],
        renderer: NotificationRenderer,
        mailing: Mailing | None = None,
        support: Sequence[str] = (),
    ) -> None:
        self._deliveries = deliveries
        self._nobody = nobody
        self._schemes = schemes
        self._renderer = renderer
        self._mailing = mailing
        self._support = support
        self._queues: dict[str, _Queue] = {}
        # Taken, and the database was away when that was to be noted.
        self._unnoted: set[tuple[str, str]] = set()

    @cached_property
    def _services(self) -> "AppriseChannel":
        # An extra: where only mail is sent it need not be there.
        from adapters.notifications.apprise import AppriseChannel

        return AppriseChannel()

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        """See ``Channel``: to all addresses at once, and those that have them are left out."""
        entries = tuple(dict.fromkeys(self._entries(messages[0])))
        if not entries:
            await self._nobody.send(messages)
            return
        results = await asyncio.gather(
            *(self._deliver(messages, entry) for entry in entries), return_exceptions=True
        )
        if failures := [it for it in results if it is not None]:
            raise failures[0]

    def _entries(self, message: OutboxMessage) -> Sequence[str]:
        if message.to is Role.SUPPORT:
            return self._support
        return message.party.notify if message.party else ()

    async def _deliver(self, messages: Sequence[OutboxMessage], entry: str) -> None:
        channel = label(entry, self._schemes)
        async with self._in_order(entry):
            leased = await self._lease(messages, entry, channel)
            if not leased:
                return
            keys = [it.key for it in leased]
            try:
                if unsent := [it for it in leased if (it.key, entry) not in self._unnoted]:
                    await self._carry(unsent, entry)
                    self._unnoted.update((it.key, entry) for it in unsent)
            except PermanentFailure as why:
                log.warning("%s: not sent by %s: %s", ", ".join(keys), channel, why)
                await self._deliveries.mark_refused(keys, entry, str(why))
            except Exception:
                await self._deliveries.release(keys, entry)
                raise
            else:
                await self._deliveries.mark_delivered(keys, entry)
                self._unnoted.difference_update((key, entry) for key in keys)

    async def _lease(
        self, messages: Sequence[OutboxMessage], entry: str, channel: str
    ) -> list[OutboxMessage]:
        """Those that the address does not have yet, leased; all of them or none."""
        leased: list[OutboxMessage] = []
        for message in messages:
            match await self._deliveries.lease(message.key, entry, channel):
                case DeliveryLease.GRANTED:
                    leased.append(message)
                case DeliveryLease.HELD:
                    await self._deliveries.release([it.key for it in leased], entry)
                    raise TemporaryFailure(f"Another worker is sending it by {channel}.")
                case DeliveryLease.SETTLED:
                    pass
        return leased

    async def _carry(self, messages: Sequence[OutboxMessage], entry: str) -> None:
        if messages[0].to is not Role.SUPPORT:
            check(entry, self._schemes)
        if scheme_of(entry) != MAIL:
            subject, text = self._renderer.subject(messages), self._renderer.text(messages)
            await self._services.send(entry, subject, text)
            return
        if self._mailing is None:
            raise PermanentFailure("No mail server is set; UNBUY_SMTP_URL names it.")
        local, domain = mailbox(entry)
        mails = self._mailing.mails
        await self._mailing.smtp.send(
            mails.write(messages, local, domain), mails.sender.addr_spec, f"{local}@{domain}"
        )

    @asynccontextmanager
    async def _in_order(self, entry: str) -> AsyncIterator[None]:
        """One message at a time to one address; when one fails, so do those that wait behind it."""
        queue = self._queues.setdefault(entry, _Queue())
        queue.messages += 1
        try:
            async with queue.turn:
                if queue.failed:
                    raise TemporaryFailure("An earlier message to this address could not be sent.")
                try:
                    yield
                except BaseException:
                    queue.failed = True
                    raise
        finally:
            queue.messages -= 1
            if not queue.messages:
                del self._queues[entry]
