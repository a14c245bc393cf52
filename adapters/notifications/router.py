"""The channel to the outside (R21): each message goes to each of its reader's addresses, once.

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
from adapters.notifications.render import wording
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.subjects import subject
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
        mailing: Mailing | None = None,
        support: Sequence[str] = (),
    ) -> None:
        self._deliveries = deliveries
        self._nobody = nobody
        self._schemes = schemes
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

    async def send(self, message: OutboxMessage) -> None:
        """See ``Channel``: to all its addresses at once, and those that have it are left out."""
        entries = tuple(dict.fromkeys(self._entries(message)))
        if not entries:
            await self._nobody.send(message)
            return
        results = await asyncio.gather(
            *(self._deliver(message, entry) for entry in entries), return_exceptions=True
        )
        if failures := [it for it in results if it is not None]:
            raise failures[0]

    def _entries(self, message: OutboxMessage) -> Sequence[str]:
        if message.to is Role.SUPPORT:
            return self._support
        return message.party.notify if message.party else ()

    async def _deliver(self, message: OutboxMessage, entry: str) -> None:
        channel = label(entry, self._schemes)
        async with self._in_order(entry):
            match await self._deliveries.lease(message.key, entry, channel):
                case DeliveryLease.SETTLED:
                    return
                case DeliveryLease.HELD:
                    raise TemporaryFailure(f"Another worker is sending it by {channel}.")
                case DeliveryLease.GRANTED:
                    pass
            try:
                if (message.key, entry) not in self._unnoted:
                    await self._carry(message, entry)
                    self._unnoted.add((message.key, entry))
            except PermanentFailure as why:
                log.warning("Message %s is not sent by %s: %s", message.key, channel, why)
                await self._deliveries.mark_refused(message.key, entry, str(why))
            except Exception:
                await self._deliveries.release(message.key, entry)
                raise
            else:
                await self._deliveries.mark_delivered(message.key, entry)
                self._unnoted.discard((message.key, entry))

    async def _carry(self, message: OutboxMessage, entry: str) -> None:
        if message.to is not Role.SUPPORT:
            check(entry, self._schemes)
        if scheme_of(entry) != MAIL:
            await self._services.send(entry, subject(message), wording(message))
            return
        if self._mailing is None:
            raise PermanentFailure("No mail server is set; UNBUY_SMTP_URL names it.")
        local, domain = mailbox(entry)
        mails = self._mailing.mails
        await self._mailing.smtp.send(
            mails.write(message, local, domain), mails.sender.addr_spec, f"{local}@{domain}"
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
