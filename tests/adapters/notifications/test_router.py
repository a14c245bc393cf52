"""R21: each message goes to each of its reader's addresses, once, whatever fails."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from activities.notifications import Notifications, OutboxMessage
from adapters.local.log_channel import LogChannel
from adapters.notifications.addresses import allowed, sender_of
from adapters.notifications.apprise import AppriseChannel
from adapters.notifications.email import MailComposer
from adapters.notifications.errors import PermanentFailure, TemporaryFailure
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.router import Mailing, NotificationRouter
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.smtp_url import SmtpServer
from database.connection import Database
from database.deliveries import DeliveryLease, SqlDeliveries
from database.outbox import SqlOutbox
from database.reminder_preferences import SqlReminderPreferences
from orders.messages import Role
from orders.place_order import Party
from testing.mail_server import MailServer, mail_server
from tests.database.samples import put_into_outbox

ANNA, BOB = "mailto:anna@example.org", "mailto:bob@example.org"
HELP = "mailto:help@unbuy.test"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Hook:
    """A service of somebody's own that takes JSON, unless it is out of order."""

    url: str = ""
    down: bool = False
    moved_to: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        if self.moved_to:
            raise web.HTTPTemporaryRedirect(self.moved_to)
        if self.down:
            raise web.HTTPServiceUnavailable
        self.taken.append(json.loads(await request.text()))
        return web.Response()


@asynccontextmanager
async def hook_server() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/{path:.*}", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    hook.url = f"json://127.0.0.1:{port}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def hook() -> AsyncIterator[Hook]:
    async with hook_server() as hook:
        yield hook


@dataclass
class Post:
    """A post office over a real ledger, and what waits there."""

    database: Database
    server: MailServer
    messages: int = 0

    def office(
        self,
        deliveries: SqlDeliveries | None = None,
        *,
        anywhere: bool = False,
        support: tuple[str, ...] = (),
        patience: float = 5,
        mailing: bool = True,
    ) -> NotificationRouter:
        renderer = NotificationRenderer()
        mails = MailComposer(sender_of("Unbuy <orders@unbuy.test>"), renderer)
        smtp = SmtpChannel(SmtpServer.of(self.server.url), patience=patience)
        return NotificationRouter(
            deliveries or SqlDeliveries(self.database),
            LogChannel(),
            allowed(None, anywhere=anywhere),
            renderer,
            Mailing(mails, smtp) if mailing else None,
            support,
            SqlReminderPreferences(self.database),
        )

    async def write(
        self,
        *notify: str,
        to: Role = Role.BUYER,
        moment: int | None = None,
        details: Mapping[str, Any] | None = None,
        what: str = "seller_message",
    ) -> OutboxMessage:
        self.messages += 1
        message = OutboxMessage(
            key=f"A-1:seller_message:{self.messages}:{to}",
            order_id="A-1",
            to=to,
            party=None
            if to is Role.SUPPORT
            else Party(id="buyer-7", name="Anna", locale="en", notify=notify),
            what=what,
            at=AT + timedelta(minutes=moment or self.messages),
            details={"text": f"message {self.messages}"} if details is None else dict(details),
        )
        await put_into_outbox(self.database, message)
        return message

    async def empty(self, office: NotificationRouter) -> bool:
        """One try at the outbox; whether all of it is told."""
        outbox = SqlOutbox(self.database)
        try:
            await Notifications(outbox, office, at_once=False).deliver_notices("A-1")
        except TemporaryFailure:
            return False
        return not await outbox.undelivered("A-1")

    async def refused(self) -> list[tuple[str, str]]:
        entries = await SqlOutbox(self.database).entries("A-1")
        return [(it.channel, it.reason) for entry in entries for it in entry.refused]


@pytest_asyncio.fixture(loop_scope="session")
async def post(database: Database, server: MailServer) -> Post:
    return Post(database, server)


async def test_everyone_of_several_addresses_gets_it_once(post: Post, hook: Hook) -> None:
    """R21: one that fails is tried again, and those that have it do not get it again."""
    await post.write(ANNA, hook.url, BOB, ANNA)
    office = post.office(anywhere=True)
    hook.down = True
    first = await post.empty(office)
    second = await post.empty(office)
    hook.down = False

    assert (first, second, await post.empty(office)) == (False, False, True)
    assert sorted(post.server.recipients) == ["anna@example.org", "bob@example.org"]
    [told] = hook.taken
    assert told["title"] == "Message from the seller: order A-1"
    assert "message 1" in told["message"]


async def test_recipients_without_an_address_are_notified_in_the_log(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    message = await post.write()

    assert await post.empty(post.office())
    assert f"Notified the buyer: seller_message ({message.key})" in caplog.messages
    assert post.server.mails == []


async def test_who_wants_no_reminders_gets_none_and_everything_else(post: Post) -> None:
    """R21: also where one moment has both; what is not sent waits for nobody."""
    preferences = SqlReminderPreferences(post.database)
    details = {"due_by": AT.isoformat(), "money": None}
    await preferences.mute(Role.BUYER, "buyer-7", AT)
    await preferences.mute(Role.BUYER, "buyer-7", AT)

    await post.write(ANNA, what="payment_reminder", details=details)
    await post.write(ANNA, moment=2)
    await post.write(ANNA, moment=2, what="payment_reminder", details=details)
    assert await post.empty(post.office())
    assert ["message 2" in str(mail) for mail in post.server.mails] == [True]
    assert "Reminder" not in str(post.server.mails[0])

    await preferences.unmute(Role.BUYER, "buyer-7")
    await post.write(ANNA, what="payment_reminder", details=details)
    assert await post.empty(post.office())
    assert len(post.server.mails) == 2


async def test_support_has_addresses_of_its_own(post: Post, hook: Hook) -> None:
    """R21: the operator's, hence of any scheme."""
    await post.write(to=Role.SUPPORT)

    assert await post.empty(post.office(support=("mailto:help@unbuy.test", hook.url)))
    assert post.server.recipients == ["help@unbuy.test"]
    assert len(hook.taken) == 1


def _told(post: Post, address: str) -> list[tuple[str, str]]:
    """The subjects of mails to an address, and what is in them in one line."""
    return [
        (mail["subject"], " ".join(mail.as_string().split()))
        for mail, to in zip(post.server.mails, post.server.recipients, strict=True)
        if to == address
    ]


@pytest.mark.parametrize(
    "details",
    [{}, {"text": {"amount": "many", "currency": "EUR"}}, {"text": "a", "due_by": "tomorrow"}],
    ids=["missing", "no money", "no instant"],
)
async def test_what_cannot_be_written_out_is_sent_plainly_and_reported(
    post: Post, hook: Hook, details: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """R21, case 72: whatever is in one message, people are told, and what comes after it is sent."""
    await post.write(ANNA, hook.url, details=details)
    await post.write(ANNA)

    assert await post.empty(post.office(anywhere=True, support=(HELP,)))
    plain, full = _told(post, "anna@example.org")
    assert plain[0] == hook.taken[0]["title"] == "Update on order A-1"
    assert "There is an update on order A-1." in plain[1]
    assert "message 2" in full[1]
    reports = _told(post, "help@unbuy.test")
    assert {it[0] for it in reports} == {"Order A-1: a notification was sent plainly"}
    assert "A-1:seller_message:1:buyer: sent plainly (" in caplog.text
    assert "tomorrow" not in caplog.text


@pytest.mark.parametrize(
    "failing", ["email._summary", "email._display_name", "email._one_line", "render._text"]
)
async def test_no_fault_of_ours_keeps_a_message_back(
    post: Post, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21, case 72: any exception at all, in the text, the layout or a header; also of a report."""

    def fails(*_: Any) -> Any:
        raise RecursionError("a fault of ours")

    await post.write(ANNA)
    post.server.unknown.add("gone@unbuy.test")
    with monkeypatch.context() as patched:
        patched.setattr(f"adapters.notifications.{failing}", fails)
        assert await post.empty(post.office(support=("mailto:gone@unbuy.test", HELP)))

    assert [it[0] for it in _told(post, "anna@example.org")] == ["Update on order A-1"]
    [report] = _told(post, "help@unbuy.test")
    assert "What the buyer was to be told of order A-1 (seller_message)" in report[1]
    assert await post.refused() == []


async def test_support_is_told_plainly_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """R21, case 72: and once."""
    await post.write(to=Role.SUPPORT)
    monkeypatch.setattr(NotificationRenderer, "paragraphs", lambda *_: 1 / 0)

    assert await post.empty(post.office(support=(HELP,)))
    assert [it[0] for it in _told(post, "help@unbuy.test")] == ["Update on order A-1"]


async def test_a_refused_address_holds_up_nothing_and_support_sees_it(
    post: Post, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    """R21, cases 50 and 54: without what the address was."""
    post.server.unknown.add("gone@example.org")
    await post.write(hook.url, "mailto:gone@example.org", "file:///etc/canary", "canary", ANNA)

    assert await post.empty(post.office())
    assert hook.taken == []
    assert post.server.recipients == ["anna@example.org"]
    assert sorted(await post.refused()) == [
        ("file", "Its scheme is not allowed here; UNBUY_NOTIFY_SCHEMES lists those that are."),
        ("json", "Its scheme is not allowed here; UNBUY_NOTIFY_SCHEMES lists those that are."),
        ("mailto", "The mail server refuses it (550)."),
        ("unknown", "Its scheme is not allowed here; UNBUY_NOTIFY_SCHEMES lists those that are."),
    ]
    assert not any(it in caplog.text for it in ("canary", "gone", "127.0.0.1"))


async def test_mail_without_a_mail_server_is_refused_with_the_remedy(post: Post) -> None:
    await post.write(ANNA)

    assert await post.empty(post.office(mailing=False))
    assert await post.refused() == [("mailto", "No mail server is set; UNBUY_SMTP_URL names it.")]


async def test_notifications_to_one_recipient_are_sent_in_order(post: Post) -> None:
    """R21: one that is not taken keeps back those behind it, and nobody else's."""
    for _ in range(4):
        await post.write(ANNA)
    await post.write(BOB)
    post.server.busy.add("anna@example.org")
    office = post.office()
    first = await post.empty(office)
    between = list(post.server.recipients)

    assert (first, await post.empty(office)) == (False, True)
    assert between == ["bob@example.org"]
    assert [_numbers(it) for it in post.server.mails] == [[5], [1], [2], [3], [4]]


async def test_what_is_told_of_one_moment_is_one_mail(post: Post, hook: Hook) -> None:
    """R21: in its order, to each address once, though one of them fails at first."""
    for _ in range(2):
        await post.write(ANNA, hook.url, moment=1)
    await post.write(BOB, to=Role.SELLER, moment=1)
    await post.write(ANNA, hook.url, moment=2)
    office = post.office(anywhere=True)
    hook.down = True
    first = await post.empty(office)
    hook.down = False

    assert (first, await post.empty(office)) == (False, True)
    told = sorted((it["To"], _numbers(it)) for it in post.server.mails)
    assert told == [
        ("Anna <anna@example.org>", [1, 2]),
        ("Anna <anna@example.org>", [4]),
        ("Anna <bob@example.org>", []),
    ]
    assert [it["message"].count("message") for it in hook.taken] == [2, 1]
    assert set(post.server.counted.values()) == {1}


async def test_a_moment_of_which_one_message_is_delivered_is_told_the_rest(post: Post) -> None:
    """R21: an earlier version sent each by itself, and may have died between two."""
    message = await post.write(ANNA, moment=1)
    await post.write(ANNA, moment=1)
    deliveries = SqlDeliveries(post.database)
    await deliveries.lease(message.key, ANNA, "mailto")
    await deliveries.mark_delivered([message.key], ANNA)

    assert await post.empty(post.office())
    assert [_numbers(it) for it in post.server.mails] == [[2]]


async def test_a_moment_that_another_worker_is_sending_waits_whole(post: Post) -> None:
    """R21: also where only its second message is being sent."""
    first = await post.write(ANNA, moment=1)
    second = await post.write(ANNA, moment=1)
    deliveries = SqlDeliveries(post.database)
    await deliveries.lease(second.key, ANNA, "mailto")

    assert not await post.empty(post.office())
    assert post.server.mails == []
    assert await deliveries.lease(first.key, ANNA, "mailto") is DeliveryLease.GRANTED


def _numbers(mail: EmailMessage) -> list[int]:
    body = mail.get_body(("plain",))
    assert body
    return [int(number) for number in re.findall(r"message (\d)", body.get_content())]


async def test_a_mail_server_that_hangs_costs_one_wait_for_all_notifications(post: Post) -> None:
    for _ in range(5):
        await post.write(ANNA)
    post.server.hangs = True

    assert not await post.empty(post.office(patience=0.3))

    assert post.server.tried == 1


async def test_many_workers_send_each_notification_once(post: Post) -> None:
    """R21: overlapping tries, as after a timeout or by an order and its stray money."""
    for _ in range(3):
        await post.write(ANNA, BOB)
    tries = [post.empty(post.office()) for _ in range(6)]
    await asyncio.gather(*tries)
    while not await post.empty(post.office()):
        pass

    assert len(post.server.mails) == 6
    assert set(post.server.counted.values()) == {1}


class Dying(SqlDeliveries):
    """Is away when the first delivery is to be noted; its leases are over at once."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, lease_duration=timedelta(0))
        self.deaths = 1

    async def mark_delivered(self, message_keys: list[str], address: str) -> None:
        if self.deaths:
            self.deaths -= 1
            raise Died
        await super().mark_delivered(message_keys, address)


class Died(Exception):
    """It was taken, and nobody noted it."""


async def test_a_worker_that_dies_after_the_mail_is_taken_repeats_the_same_mail(post: Post) -> None:
    """Case 19: what nobody can know, a mailbox can: the second mail has the first one's Message-ID."""
    messages = [await post.write(ANNA, moment=1), await post.write(ANNA, moment=1)]
    deliveries = Dying(post.database)
    with pytest.raises(Died):
        await post.office(deliveries).send(messages)

    assert await post.empty(post.office(deliveries))
    assert list(post.server.counted.values()) == [2]


async def test_a_worker_that_goes_on_sends_no_second_mail(post: Post) -> None:
    """R21: it knows what was taken, also when the database is away for the moment."""
    message = await post.write(ANNA)
    office = post.office(Dying(post.database))
    with pytest.raises(Died):
        await office.send([message])

    assert await post.empty(office)
    assert list(post.server.counted.values()) == [1]


async def test_a_services_redirect_is_not_followed(hook: Hook) -> None:
    """Case 50: by redirect neither."""
    async with hook_server() as other:
        hook.moved_to = other.url.replace("json:", "http:")
        with pytest.raises(TemporaryFailure):
            await AppriseChannel().send(hook.url, "subject", "text")

    assert other.taken == []


@pytest.mark.parametrize(
    "entry", ["tgram://123456789:abcdefg_hijklmnop/1/2/3", "tgram://", "nothing://x"]
)
async def test_an_address_names_exactly_one_recipient(entry: str) -> None:
    """R21: of several some would be told twice when another fails."""
    with pytest.raises(PermanentFailure):
        await AppriseChannel().send(entry, "subject", "text")
