"""Orders whose people are told by real mail, and a mail server that comes and goes."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment

from adapters.local.log_channel import LogChannel
from adapters.notifications.addresses import allowed, sender_of
from adapters.notifications.email import MailComposer
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.router import Mailing, NotificationRouter
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.smtp_url import SmtpServer
from client import orders, stray_payments
from client.finished_orders import LateDelivery, deliver_late
from database.connection import Database
from database.deliveries import SqlDeliveries
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from database.stray_payments import SqlStrayPayments
from demo.waiting import until
from orders.messages import ChargebackReported, ChargebackStatus
from orders.place_order import Party
from runtime.wiring import Adapters
from runtime.worker import build_worker
from testing.mail_server import MailServer, mail_server
from tests.orders.builders import eur
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import TimeSkippingStory, forget, time_skipping_story
from workflows import ids, options

ANNA = Party(id="buyer-7", name="Anna", locale="pl", notify=("mailto:anna@example.org",))
SHOP = Party(id="seller-3", name="Shop 3", locale="en", notify=("mailto://shop@example.org",))
HELP = "mailto:help@unbuy.test"


@dataclass
class ByMail:
    """An order over a real ledger, whose people have mailboxes."""

    order: TimeSkippingStory
    server: MailServer
    database: Database

    async def must_notify_everyone_once(self, order_id: str | None = None) -> None:
        """What one step tells one person is one mail, and each mail is sent once."""
        order_id = order_id or self.order.placed.order_id
        entries = await SqlOutbox(self.database).entries(order_id)
        assert entries
        assert all(it.delivered_at and not it.refused for it in entries)
        written = [it.message for it in await SqlOutbox(self.database).entries()]
        assert len(self.server.mails) == len({(it.order_id, it.to, it.at) for it in written})
        assert set(self.server.counted.values()) == {1}

    async def mails(self, number: int) -> None:
        await until(lambda: len(self.server.mails) >= number)


@pytest_asyncio.fixture(loop_scope="session")
async def by_mail(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[ByMail]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}")
    async with (
        mail_server() as server,
        time_skipping_story(environment, order_id_of(request), serves=False) as order,
    ):
        order.placed = order.placed.model_copy(update={"buyer": ANNA, "seller": SHOP})
        world = dataclasses.replace(
            Adapters.local(database, environment.client),
            channel=NotificationRouter(
                SqlDeliveries(database),
                LogChannel(),
                allowed(None, anywhere=False),
                NotificationRenderer(),
                Mailing(
                    MailComposer(sender_of("Unbuy <orders@unbuy.test>"), NotificationRenderer()),
                    SmtpChannel(SmtpServer.of(server.url)),
                ),
                support=(HELP,),
            ),
            provider=order.world.provider,
            stray_payment_starter=order.world.stray_payment_starter,
            notifies_at_once=False,
        )
        async with build_worker(
            environment.client,
            world.activities(),
            task_queue=ids.TASK_QUEUE,
            graceful_shutdown=timedelta(0),
        ):
            yield ByMail(order, server, database)
            server.hangs = False
            await forget(order)
    await database.close()


async def test_a_mail_outage_of_a_day_holds_up_no_money(
    by_mail: ByMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14, R21, case 46: the money path does not notice, and mails arrive once when it is back."""
    # A try every quarter of an hour would take half a minute here.
    monkeypatch.setitem(
        options.NOTIFY, "retry_policy", RetryPolicy(maximum_interval=timedelta(hours=2))
    )
    order, server = by_mail.order, by_mail.server
    await server.stop()
    await order.place()
    await order.until_accepted()
    await until(lambda: order.world.provider.asked_for)
    sent_before = len(server.mails)
    await order.days_pass(1)
    await server.start()
    await order.days_pass(3)

    view = await order.handle.result()
    assert sent_before == 0
    assert view.amount_refunded == eur(2490)
    assert await SqlOrders(by_mail.database).find(view.order_id) == view
    await by_mail.must_notify_everyone_once()
    assert set(server.recipients) == {"anna@example.org", "shop@example.org"}


async def test_what_a_decision_leads_to_is_one_mail(by_mail: ByMail) -> None:
    """R16, R21: the end of the dispute, the closing and the refund, in this order, to the buyer."""
    order, server = by_mail.order, by_mail.server
    await order.place()
    await order.until_awaiting_shipment()
    await order.send("cancel_request", reason="distrust_seller", complaint=True)
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)

    await order.handle.result()
    await by_mail.must_notify_everyone_once()
    to_buyer = [
        body.get_content()
        for it in server.mails
        if "anna@example.org" in it["To"] and (body := it.get_body(("plain",)))
    ]
    [asked] = [it for it in to_buyer if "Prośba o anulowanie" in it and "otwarty" in it]
    [decided] = [it for it in to_buyer if "na Twoją korzyść" in it]
    assert asked.index("Prośba o anulowanie") < asked.index("jest otwarty")
    told = ("na Twoją korzyść", "tym samym zamknięte", "jest w drodze")
    assert sorted(told, key=decided.index) == list(told)
    assert sum("jest w drodze" in it for it in to_buyer) == 1


async def test_an_unpaid_order_expires_during_a_mail_outage(by_mail: ByMail) -> None:
    """R1, R21, case 46: the deadline fires on its day, and what is kept says so at once."""
    await by_mail.server.stop()
    order = await by_mail.order.place(payment_window=timedelta(hours=6), payment_reminders=())
    closed = await order.days_pass(0.25)
    kept = await SqlOrders(by_mail.database).find(closed.order_id)
    await by_mail.server.start()
    await order.days_pass(0.5)

    assert (await order.handle.result()).close_reason == closed.close_reason == "payment_expired"
    assert kept
    assert kept.close_reason == "payment_expired"
    await by_mail.must_notify_everyone_once()


async def test_notifications_written_while_mail_hangs_are_sent_after_it(by_mail: ByMail) -> None:
    """R21: the order goes on and is kept; no later step is needed to have the new letter told."""
    order, server = by_mail.order, by_mail.server
    server.hangs = True
    await order.place()
    await by_mail.mails(2)
    await order.send("buyer_message", text="Is it blue?")
    await order.send("seller_message", topic="other", text="It is red.")
    hung = len(server.mails)
    kept = await SqlOrders(by_mail.database).find(order.placed.order_id)
    server.hangs = False
    await by_mail.mails(4)

    assert hung == 2
    assert kept
    assert [it.what for it in kept.timeline][-1] == "seller_message"
    await order.days_pass(0.01)
    await by_mail.must_notify_everyone_once()


async def test_a_permanently_refused_mail_holds_up_nothing(by_mail: ByMail) -> None:
    """R21: 5xx; the other reader is told, the order ends, and support sees who was not reached by what."""
    by_mail.server.unknown.add("anna@example.org")
    order = await by_mail.order.place()
    await order.send("cancel_request", reason="changed_mind")

    await order.handle.result()
    entries = await SqlOutbox(by_mail.database).entries(order.placed.order_id)
    assert all(it.delivered_at for it in entries)
    refused = {it.reason for entry in entries for it in entry.refused}
    assert refused == {"The mail server refuses it (550)."}
    assert set(by_mail.server.recipients) == {"shop@example.org"}


async def test_the_payer_of_a_stray_payment_is_notified_when_mail_is_back(by_mail: ByMail) -> None:
    """R17, R21: by the stray money's own process, which may end last."""
    order, server = by_mail.order, by_mail.server
    await order.place()
    await by_mail.mails(2)
    await server.stop()
    payment_id = await order.send_stray_payment(eur(5))
    await order.days_pass(0.5)
    sent_before = len(server.mails)
    await server.start()
    await order.days_pass(4)

    stray = await order.stray_payment(payment_id)
    assert stray.refund
    assert stray.refund.is_settled
    assert sent_before == 2
    told = [
        it.message.what
        for it in await SqlOutbox(by_mail.database).entries()
        if "stray" in it.message.what
    ]
    assert told == ["stray_refund_started", "stray_refund_succeeded"]
    await by_mail.must_notify_everyone_once()


async def test_a_late_chargeback_is_notified_when_mail_is_back(by_mail: ByMail) -> None:
    """R21, R23: support and the seller hear of it, with the mail away when the news comes."""
    order, server = by_mail.order, by_mail.server
    await order.place()
    await order.until_awaiting_shipment()
    paid = await order.view()
    assert paid.payment
    await order.send("tracking_number", number="RR473124829PL")
    await order.days_pass(60)
    ended = await order.handle.result()
    before = len(server.mails)
    await server.stop()
    news = ChargebackReported(
        payment_id=paid.payment.payment_id, money=paid.amount_paid, status=ChargebackStatus.OPENED
    )
    client = order.environment.client
    stored = partial(orders.show, client)
    assert isinstance(await deliver_late(client, ended.order_id, stored, news), LateDelivery)
    await order.environment.sleep(timedelta(hours=2))
    while_away = len(server.mails)
    await server.start()
    await order.environment.sleep(timedelta(hours=2))

    assert while_away == before
    assert server.recipients[before:].count("help@unbuy.test") == 1
    await by_mail.must_notify_everyone_once()


async def test_support_is_notified_of_a_stray_payment_charged_back_late(by_mail: ByMail) -> None:
    """R17, R21, R23: support hears of it, though the money's own process has ended."""
    order, server = by_mail.order, by_mail.server
    await order.place()
    payment_id = await order.send_stray_payment(eur(5))
    await order.days_pass(4)
    assert (await order.stray_payment(payment_id)).is_over
    before = len(server.mails)
    await server.stop()
    news = ChargebackReported(payment_id=payment_id, money=eur(5), status=ChargebackStatus.OPENED)
    assert await stray_payments.send(
        order.environment.client, payment_id, news, SqlStrayPayments(by_mail.database)
    )
    await order.environment.sleep(timedelta(hours=2))
    while_away = len(server.mails)
    await server.start()
    await order.environment.sleep(timedelta(hours=2))

    assert while_away == before
    assert server.recipients[before:] == ["help@unbuy.test"]
    await by_mail.must_notify_everyone_once()
