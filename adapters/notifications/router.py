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
from email.message import EmailMessage
from functools import cached_property
from typing import TYPE_CHECKING

from activities.notifications import Channel, OutboxMessage
from adapters.notifications.addresses import MAIL, check, label, mailbox, scheme_of
from adapters.notifications.email import MailComposer
from adapters.notifications.errors import PermanentFailure, TemporaryFailure
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.smtp import SmtpChannel
from database.deliveries import DeliveryLease, SqlDeliveries
from database.reminder_preferences import SqlReminderPreferences
from orders.messages import Role
from orders.notifications import REMINDERS

if TYPE_CHECKING:
    from adapters.notifications.apprise import AppriseChannel

log = logging.getLogger("unbuy.notifications")

# A mail, or the subject and the text for another service.
_Written = EmailMessage | tuple[str, str]


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
    schemes are the operator's own choice. ``nobody`` hears of messages that go to no address. Who has said
    so in ``preferences`` is sent no reminders.
    """

    def __init__(
        self,
        deliveries: SqlDeliveries,
        nobody: Channel,
        schemes: frozenset[str],
        renderer: NotificationRenderer,
        mailing: Mailing | None = None,
        support: Sequence[str] = (),
        preferences: SqlReminderPreferences | None = None,
    ) -> None:
        self._preferences = preferences
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
        messages = await self._wanted(messages)
        if not messages:
            return
        entries = tuple(dict.fromkeys(self._entries(messages[0])))
        if not entries:
            await self._nobody.send(messages)
            return
        results = await asyncio.gather(
            *(self._deliver(messages, entry) for entry in entries), return_exceptions=True
        )
        if failures := [it for it in results if it is not None]:
            raise failures[0]

    async def _wanted(self, messages: Sequence[OutboxMessage]) -> Sequence[OutboxMessage]:
        party, role = messages[0].party, messages[0].to
        if (
            self._preferences is None
            or party is None
            or REMINDERS.isdisjoint(it.what for it in messages)
        ):
            return messages
        if not await self._preferences.are_muted(role, party.id):
            return messages
        return [it for it in messages if it.what not in REMINDERS]

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
        try:
            written = self._written(messages, entry)
        except PermanentFailure:
            raise
        except Exception as error:
            # Whatever somebody wrote, and whatever is wrong with our own texts: people are told.
            log.error("%s: sent plainly (%s)", messages[0].key, type(error).__name__)
            plain = self._plainly(messages, entry, self._renderer.plain(messages))
            await self._hand_over(plain, entry)
            if messages[0].to is not Role.SUPPORT:
                await self._report(messages[0])
        else:
            await self._hand_over(written, entry)

    def _written(self, messages: Sequence[OutboxMessage], entry: str) -> _Written:
        if scheme_of(entry) != MAIL:
            return self._renderer.subject(messages), self._renderer.text(messages)
        mail = self._mail.mails.write(messages, *mailbox(entry))
        mail.as_bytes()  # what cannot be sent is not written either
        return mail

    def _plainly(
        self, messages: Sequence[OutboxMessage], entry: str, words: tuple[str, str]
    ) -> _Written:
        if scheme_of(entry) != MAIL:
            return words
        return self._mail.mails.write_plainly(messages, *mailbox(entry), words)

    async def _report(self, message: OutboxMessage) -> None:
        """Have support told that a message was sent plainly, which holds up nothing."""
        report = message.model_copy(
            update={"key": f"{message.key}:plainly", "to": Role.SUPPORT, "party": None}
        )
        words = (
            f"Order {message.order_id}: a notification was sent plainly",
            f"What the {message.to} was to be told of order {message.order_id} ({message.what}) could not be "
            "written out. That there is an update is all that they were told. The log says why.",
        )
        for entry in self._support:
            try:
                await self._hand_over(self._plainly([report], entry, words), entry)
            except Exception as error:
                log.error("%s: support is not told (%s)", report.key, type(error).__name__)

    @property
    def _mail(self) -> Mailing:
        if self._mailing is None:
            raise PermanentFailure("No mail server is set; UNBUY_SMTP_URL names it.")
        return self._mailing

    async def _hand_over(self, written: _Written, entry: str) -> None:
        if isinstance(written, tuple):
            await self._services.send(entry, *written)
            return
        sender = self._mail.mails.sender.addr_spec
        await self._mail.smtp.send(written, sender, "@".join(mailbox(entry)))

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
