"""The worker: settings, adapters, activities and workflows put together, and served.

The only file that knows everyone. ``python worker.py`` serves the task queue ``orders`` of the Temporal
service that Temporal's own environment configuration names (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, ...).
"""

import argparse
import asyncio
import dataclasses
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.chargebacks import Chargebacks
from activities.disputes import DisputeCases, Disputes
from activities.notifications import Channel, Notifications, Subscribers
from activities.orders import OrderRecords
from activities.reconciliation import Reconciliation
from activities.refunds import PaymentProvider, RefundRegister, Refunds
from activities.stray_payments import StrayPayments, StrayPaymentStarter
from activities.tracking import CarrierService, NumberRegistry, NumberRules, Tracking
from activities.webhooks import Endpoints, Webhooks
from adapters.local.disputes import LocalDisputeCases
from adapters.local.log_channel import LogChannel
from adapters.local.provider import LocalProvider
from adapters.notifications.addresses import sender_of
from adapters.notifications.email import MailComposer
from adapters.notifications.router import Mailing, NotificationRouter
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.smtp_url import SmtpServer
from adapters.stray_processes import TemporalStrayPayments
from adapters.stripe.provider import StripeProvider
from adapters.temporal import TemporalWorkflowStates
from adapters.tracking.registry import SqlNumberRegistry
from adapters.tracking.rules import CarrierRules
from adapters.webhooks.sender import WebhookSender
from adapters.webhooks.subscribers import TemporalSubscribers
from client.provider_events import Messenger, ProviderEventHandler
from database.audit import SqlAudit
from database.deliveries import SqlDeliveries
from database.journal import Database, SqlJournal
from database.refunds import SqlRefundRegister
from database.webhook_inbox import SqlWebhookInbox
from i18n.current import gettext, use_locale
from i18n.negotiation import of_terminal
from i18n.sentences import refusal as said_again
from orders.sentences import sentence
from runtime.settings import Settings, complaints
from runtime.temporal import (
    BadConfiguration,
    CannotServe,
    Unreachable,
    connect,
    open_database,
    refusal,
)
from workflows import calls, ids
from workflows.late_chargeback import LateChargebackWorkflow
from workflows.messages import LenientInputConverter
from workflows.order import OrderWorkflow
from workflows.order_webhook import OrderWebhookWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.stray_payment import StrayPaymentWorkflow

log = logging.getLogger("unbuy.worker")

WORKFLOWS = (
    OrderWorkflow,
    StrayPaymentWorkflow,
    LateChargebackWorkflow,
    ReconciliationWorkflow,
    OrderWebhookWorkflow,
)


@dataclasses.dataclass(frozen=True)
class Adapters:
    """What the activities reach: one adapter behind each of their Protocols.

    ``tells_at_once`` says whether the channel takes letters in a moment.
    """

    journal: SqlJournal
    channel: Channel
    provider: PaymentProvider
    register: RefundRegister
    desk: DisputeCases
    rules: NumberRules
    registry: NumberRegistry
    strays: StrayPaymentStarter
    reconciliation: Reconciliation | None = None
    carriers: CarrierService | None = None
    tells_at_once: bool = True
    # Also where nobody subscribed: a webhook may have been on its way when that changed.
    endpoints: Endpoints = dataclasses.field(default_factory=WebhookSender)
    subscribers: Subscribers | None = None

    @classmethod
    def local(cls, database: Database, client: Client) -> "Adapters":
        """Everything on this machine, with no outside account."""
        provider = LocalProvider(database)
        return cls(
            journal=SqlJournal(database),
            channel=LogChannel(),
            provider=provider,
            reconciliation=reconciliation(provider, database, client),
            register=SqlRefundRegister(database),
            desk=LocalDisputeCases(database),
            rules=CarrierRules(),
            registry=SqlNumberRegistry(database),
            strays=TemporalStrayPayments(client),
        )

    @classmethod
    def of(cls, settings: Settings, database: Database, client: Client) -> "Adapters":
        """The world that the settings name."""
        local = cls.local(database, client)
        if settings.tells_outside:
            channel = post_office(settings, database)
            local = dataclasses.replace(local, channel=channel, tells_at_once=False)
        if settings.order_webhook_urls:
            sender = WebhookSender(
                settings.order_webhook_urls,
                settings.order_webhook_secrets,
                allow_private=settings.allow_private_webhooks,
            )
            subscribers = TemporalSubscribers(client, local.journal.order, sender.endpoints)
            local = dataclasses.replace(local, endpoints=sender, subscribers=subscribers)
        local = dataclasses.replace(local, carriers=carrier_service(settings))
        if settings.payment_provider == "stripe" and settings.stripe_api_key:
            stripe = StripeProvider(settings.stripe_api_key, settings.stripe_api_base)
            return dataclasses.replace(
                local,
                provider=stripe,
                reconciliation=reconciliation(stripe, database, client),
            )
        return local

    def activities(self) -> list[Callable[..., Any]]:
        """All activities, with their collaborators."""
        notifications = Notifications(
            self.journal, self.channel, self.subscribers, at_once=self.tells_at_once
        )
        bookkeeping = OrderRecords(self.journal, notifications)
        refunds = Refunds(self.provider, self.register)
        strays = StrayPayments(self.strays, self.journal, notifications)
        return [
            bookkeeping.record_order,
            notifications.deliver_notices,
            refunds.ask_refund,
            refunds.check_refund,
            refunds.stop_refund,
            Disputes(self.desk).file_dispute,
            Tracking(self.rules, self.registry, self.carriers).verify_tracking,
            strays.start_stray,
            strays.record_stray,
            Chargebacks(self.journal, notifications).take_late,
            Webhooks(self.endpoints).deliver_webhook,
            *([self.reconciliation.reconcile] if self.reconciliation else []),
        ]


def post_office(settings: Settings, database: Database) -> NotificationRouter:
    """The channel to the outside, as the settings have it."""
    mailing = None
    if settings.smtp_url and settings.mail_from:
        mailing = Mailing(
            MailComposer(sender_of(settings.mail_from), settings.public_url),
            SmtpChannel(SmtpServer.of(settings.smtp_url.get_secret_value())),
        )
    return NotificationRouter(
        SqlDeliveries(database),
        LogChannel(),
        settings.schemes,
        mailing,
        [it.get_secret_value() for it in settings.support_notify],
    )


def carrier_service(settings: Settings) -> CarrierService | None:
    """Whoever is asked about tracking numbers, if anybody. Raises CannotServe without its package."""
    if not (settings.easypost_api_key and settings.easypost_api_key.get_secret_value()):
        return None
    try:
        from adapters.tracking.easypost import EasyPostCarrier
    except ImportError as error:
        raise CannotServe(
            sentence(
                "UNBUY_EASYPOST_API_KEY is set, but the package easypost is missing: install the extra "
                "with pip install 'unbuy[easypost]'."
            )
        ) from error
    return EasyPostCarrier(settings.easypost_api_key, settings.easypost_api_base)


def news_desk(
    provider: LocalProvider | StripeProvider, database: Database, client: Client
) -> ProviderEventHandler:
    """Whoever takes a provider's news; a gateway's webhooks end here."""
    return ProviderEventHandler(client, provider, SqlJournal(database), SqlWebhookInbox(database))


def reconciliation(
    provider: LocalProvider | StripeProvider, database: Database, client: Client
) -> Reconciliation:
    """Compares a provider's records with the ledger and the workflows."""
    messenger = Messenger(news_desk(provider, database, client))
    return Reconciliation(provider, SqlAudit(database), TemporalWorkflowStates(client), messenger)


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox of our workflows, for workers, tests and replay alike.

    The rules are passed through: they are pure, and a class that exists twice fails ``isinstance``.
    """
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "orders", "activities", "pydantic", "pydantic_core", "pydantic_extra_types", "pycountry"
        )
    )


def lenient_converter(converter: DataConverter) -> DataConverter:
    """A data converter for workers and replay: it hands workflows their input undecoded."""
    return dataclasses.replace(converter, payload_converter_class=LenientInputConverter)


def build_worker(
    client: Client,
    activities: Sequence[Callable[..., Any]],
    *,
    task_queue: str = ids.TASK_QUEUE,
    max_cached_workflows: int = 2000,
    graceful_shutdown: timedelta = timedelta(seconds=30),
    sticky_timeout: timedelta = timedelta(seconds=2),
) -> Worker:
    """A worker for orders and stray money.

    ``max_cached_workflows`` should be at least the number of orders that are awake;
    ``sticky_timeout`` is how long the orders of a killed worker wait for it.
    """
    config = client.config()
    config["data_converter"] = lenient_converter(config["data_converter"])
    return Worker(
        Client(**config),
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities,
        workflow_runner=workflow_runner(),
        max_cached_workflows=max_cached_workflows,
        graceful_shutdown_timeout=graceful_shutdown,
        sticky_queue_schedule_to_start_timeout=sticky_timeout,
    )


async def _connected() -> Client:
    """A client of the configured Temporal service; waits, saying so, while it can't be reached."""
    wait = 1.0
    while True:
        try:
            return await connect()
        except Unreachable as error:
            log.warning("%s TEMPORAL_ADDRESS names it; trying again in %.0f s", error, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)


async def register_search_attributes(client: Client) -> None:
    """Add those of our search attributes that the namespace lacks.

    Where the service lets nobody but its owner do that, say so and go on: they may well be there.
    """
    service = client.operator_service
    try:
        present = await service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(key.indexed_value_type)
            for key in ids.SEARCH_ATTRIBUTES
            if key.name not in present.custom_attributes
        }
        if missing:
            await service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise CannotServe(refusal(client, error)) from error
        log.warning(
            "Search attributes cannot be registered from here (%s); have these added to namespace %s: %s",
            error.message,
            client.namespace,
            ", ".join(key.name for key in ids.SEARCH_ATTRIBUTES),
        )


async def schedule_reconciliation(client: Client) -> None:
    """Have reconciliation run daily; where the service does not let us, say so and go on."""
    try:
        await calls.schedule_reconciliation(client)
    except RPCError as error:
        if error.status not in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
            raise
        log.warning(
            "Reconciliation cannot be scheduled from here (%s); run `python starter.py reconcile` daily",
            error.message,
        )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then take nothing new and finish what runs."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    connecting = asyncio.create_task(_connected())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        connecting.cancel()
        return
    client = connecting.result()
    await register_search_attributes(client)
    await schedule_reconciliation(client)
    database = await open_database(settings.database_url)
    try:
        worker = build_worker(
            client,
            Adapters.of(settings, database, client).activities(),
            max_cached_workflows=settings.max_cached_workflows,
            graceful_shutdown=settings.graceful_shutdown,
            sticky_timeout=settings.sticky_timeout,
        )
        async with worker:
            log.info(
                "Serving %s on task queue %s of %s, namespace %s (process %d)",
                ", ".join(w.__name__ for w in WORKFLOWS),
                ids.TASK_QUEUE,
                client.service_client.config.target_host,
                client.namespace,
                os.getpid(),
            )
            await stop.wait()
            log.info("Stopping: finishing what runs")
    finally:
        await database.close()


def _serve_process(settings: Settings) -> NoReturn:
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    status = 0
    try:
        asyncio.run(serve(settings))
    except (BadConfiguration, CannotServe) as error:
        log.debug("The worker cannot serve", exc_info=True)
        # Said again here only: what is served and logged knows no terminal's language.
        print(said_again(str(error), of_terminal(os.environ)), file=sys.stderr)
        status = 1
    except Exception as error:
        log.error("The worker stopped: %s", error, exc_info=settings.log_level == "DEBUG")
        status = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # The SDK's threads may still hold the interpreter when it ends, and then it aborts
    # (temporalio/sdk-python#300). All is closed and flushed: end without asking them.
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve with as many processes as asked for; they stop together, and are missed when one dies."""
    parser = argparse.ArgumentParser(description="Serve orders on a Temporal service.")
    parser.add_argument(
        "--processes",
        type=int,
        default=None,
        help="how many worker processes (default: one per core)",
    )
    options = parser.parse_args(arguments)
    with use_locale(of_terminal(os.environ)):
        try:
            settings = Settings()
        except ValidationError as error:
            print(complaints(error), file=sys.stderr)
            return 2
        if options.processes is not None and options.processes < 1:
            print(gettext("--processes must be at least 1."), file=sys.stderr)
            return 2
    processes = options.processes or settings.worker_processes or os.cpu_count() or 1
    if processes == 1:
        _serve_process(settings)
    spawn = multiprocessing.get_context("spawn")
    children = [
        spawn.Process(target=_serve_process, args=(settings,), name=f"worker-{number}")
        for number in range(1, processes + 1)
    ]
    for child in children:
        child.start()

    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        if stopping:
            return  # a second signal would reach a process whose event loop is closing
        stopping = True
        for child in children:
            if child.pid and child.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    multiprocessing.connection.wait([child.sentinel for child in children])
    stop()
    for child in children:
        child.join()
    return max(_status(child.exitcode) for child in children)


def _status(exitcode: int | None) -> int:
    # One that was not yet there to listen when it was told to stop ends by the signal itself.
    return 0 if exitcode == -signal.SIGTERM else abs(exitcode or 0)


if __name__ == "__main__":
    sys.exit(main())
