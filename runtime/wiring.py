"""The adapters behind the activities' Protocols, as the settings name them, for worker and gateway alike."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from temporalio.client import Client

from activities.disputes import DisputeCases, Disputes
from activities.notifications import Channel, Notifications, Outbox, Subscribers
from activities.orders import OrderRecords, OrderStore
from activities.reconciliation import Reconciliation
from activities.refunds import PaymentProvider, RefundRegister, Refunds
from activities.retention import Retained, Retention
from activities.stray_payments import StrayPayments, StrayPaymentStarter, StrayPaymentStore
from activities.tracking import CarrierService, NumberRegistry, NumberRules, Tracking
from activities.webhooks import Endpoints, OrderWebhooks
from adapters.local.disputes import LocalDisputeCases
from adapters.local.log_channel import LogChannel
from adapters.local.provider import LocalProvider
from adapters.notifications.addresses import sender_of
from adapters.notifications.email import MailComposer
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.router import Mailing, NotificationRouter
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.smtp_url import SmtpServer
from adapters.notifications.unsubscribe import UnsubscribeLinks
from adapters.stripe.money import amount_problem as stripe_amount_problem
from adapters.temporal import (
    TemporalStrayPayments,
    TemporalSubscribers,
    TemporalWorkflowStates,
)
from adapters.tracking.registry import SqlNumberRegistry
from adapters.tracking.rules import CarrierRules
from adapters.webhooks.sender import WebhookSender
from client.amounts import AmountRule, any_amount
from client.provider_events import ProviderEventHandler, ProviderEventRedelivery
from database.audit import SqlAudit
from database.connection import Database
from database.deliveries import SqlDeliveries
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from database.refunds import SqlRefundRegister
from database.reminder_preferences import SqlReminderPreferences
from database.retention import SqlExpiredRows
from database.stray_payments import SqlStrayPayments
from database.webhook_inbox import SqlWebhookInbox
from i18n.negotiation import zone_of
from runtime.settings import Settings

if TYPE_CHECKING:
    from adapters.stripe.provider import StripeProvider


@dataclasses.dataclass(frozen=True)
class Adapters:
    """What the activities reach: one adapter behind each of their Protocols.

    ``notifies_at_once`` says whether the channel delivers in a moment.
    """

    orders: OrderStore
    outbox: Outbox
    stray_payments: StrayPaymentStore
    channel: Channel
    provider: PaymentProvider
    refund_register: RefundRegister
    dispute_cases: DisputeCases
    number_rules: NumberRules
    number_registry: NumberRegistry
    stray_payment_starter: StrayPaymentStarter
    reconciliation: Reconciliation | None = None
    retention: Retention | None = None
    carrier_service: CarrierService | None = None
    notifies_at_once: bool = True
    # Also where nobody subscribed: a webhook may have been on its way when that changed.
    endpoints: Endpoints = dataclasses.field(default_factory=WebhookSender)
    subscribers: Subscribers | None = None

    @classmethod
    def local(cls, database: Database, client: Client) -> "Adapters":
        """Everything on this machine, with no outside account."""
        provider = LocalProvider(database)
        return cls(
            orders=SqlOrders(database),
            outbox=SqlOutbox(database),
            stray_payments=SqlStrayPayments(database),
            channel=LogChannel(),
            provider=provider,
            reconciliation=reconciliation(provider, database, client),
            refund_register=SqlRefundRegister(database),
            dispute_cases=LocalDisputeCases(database),
            number_rules=CarrierRules(),
            number_registry=SqlNumberRegistry(database),
            stray_payment_starter=TemporalStrayPayments(client),
        )

    @classmethod
    def from_settings(cls, settings: Settings, database: Database, client: Client) -> "Adapters":
        """What the settings name, and local adapters for the rest."""
        adapters = dataclasses.replace(
            cls.local(database, client),
            carrier_service=carrier_service(settings),
            retention=retention(settings, database),
        )
        if settings.notifies_outside:
            router = notification_router(settings, database)
            adapters = dataclasses.replace(adapters, channel=router, notifies_at_once=False)
        if settings.order_webhook_urls:
            sender = WebhookSender(
                settings.order_webhook_urls,
                settings.order_webhook_secrets,
                allow_private=settings.allow_private_webhooks,
            )
            subscribers = TemporalSubscribers(client, adapters.orders.find, sender.endpoints)
            adapters = dataclasses.replace(adapters, endpoints=sender, subscribers=subscribers)
        if stripe := stripe_provider(settings):
            return dataclasses.replace(
                adapters,
                provider=stripe,
                reconciliation=reconciliation(stripe, database, client),
            )
        return adapters

    def activities(self) -> list[Callable[..., Any]]:
        """All activities, with their collaborators."""
        notifications = Notifications(
            self.outbox, self.channel, self.subscribers, at_once=self.notifies_at_once
        )
        records = OrderRecords(self.orders, notifications)
        refunds = Refunds(self.provider, self.refund_register)
        stray_payments = StrayPayments(
            self.stray_payment_starter, self.stray_payments, notifications
        )
        tracking = Tracking(self.number_rules, self.number_registry, self.carrier_service)
        return [
            records.find_order,
            records.record_order,
            notifications.deliver_notices,
            refunds.ask_refund,
            refunds.check_refund,
            refunds.stop_refund,
            Disputes(self.dispute_cases).file_dispute,
            tracking.verify_tracking,
            stray_payments.start_stray,
            stray_payments.find_stray,
            stray_payments.record_stray,
            OrderWebhooks(self.endpoints).deliver_webhook,
            *([self.reconciliation.reconcile] if self.reconciliation else []),
            *([self.retention.remove_expired] if self.retention else []),
        ]


def stripe_provider(settings: Settings) -> "StripeProvider | None":
    """Stripe, where the settings choose it; the caller closes it."""
    if settings.payment_provider == "stripe" and settings.stripe_api_key:
        # An extra; the settings say so where it is missing.
        from adapters.stripe.provider import StripeProvider

        return StripeProvider(settings.stripe_api_key, settings.stripe_api_base)
    return None


def amount_rule(settings: Settings) -> AmountRule:
    """Which amounts the payment provider moves, as the settings choose it."""
    return stripe_amount_problem if settings.payment_provider == "stripe" else any_amount


def provider_event_handler(
    provider: "LocalProvider | StripeProvider", database: Database, client: Client
) -> ProviderEventHandler:
    """Delivers a provider's events: from the gateway's webhooks, and those that reconciliation redelivers."""
    return ProviderEventHandler(
        client,
        provider,
        SqlOrders(database),
        SqlStrayPayments(database),
        SqlWebhookInbox(database),
    )


def reconciliation(
    provider: "LocalProvider | StripeProvider", database: Database, client: Client
) -> Reconciliation:
    """Compares a provider's records with the ledger and the workflows."""
    redelivery = ProviderEventRedelivery(provider_event_handler(provider, database, client))
    return Reconciliation(provider, SqlAudit(database), TemporalWorkflowStates(client), redelivery)


def notification_renderer(settings: Settings) -> NotificationRenderer:
    """Puts notifications into words, by the settings' language and time zone where a reader has none."""
    return NotificationRenderer(settings.support_locale, zone_of(settings.time_zone))


def unsubscribe_links(settings: Settings) -> UnsubscribeLinks | None:
    """What signs the links of mails that turn reminders off, where it is set up."""
    secret = settings.unsubscribe_secret
    return UnsubscribeLinks(secret) if secret else None


def retention(settings: Settings, database: Database) -> Retention:
    """Removes what has been kept for as long as the settings say."""
    # Deliveries before their notifications, so that a batch of these takes few along.
    ages = {
        Retained.IDEMPOTENCY_KEYS: settings.idempotency_key_retention,
        Retained.WEBHOOK_INBOX: settings.webhook_inbox_retention,
        Retained.DELIVERIES: settings.delivery_retention,
        Retained.OUTBOX: settings.outbox_retention,
        Retained.SUPPORT_NOTES: settings.support_note_retention,
    }
    return Retention(SqlExpiredRows(database), ages)


def notification_router(settings: Settings, database: Database) -> NotificationRouter:
    """The channels to the outside, as the settings have them."""
    mailing = None
    renderer = notification_renderer(settings)
    if settings.smtp_url and settings.mail_from:
        support = sender_of(settings.support_address) if settings.support_address else None
        mailing = Mailing(
            MailComposer(
                sender_of(settings.mail_from),
                renderer,
                settings.public_url,
                support,
                unsubscribe_links(settings),
            ),
            SmtpChannel(SmtpServer.of(settings.smtp_url.get_secret_value())),
        )
    return NotificationRouter(
        SqlDeliveries(database),
        LogChannel(),
        settings.schemes,
        renderer,
        mailing,
        [it.get_secret_value() for it in settings.support_notify],
        SqlReminderPreferences(database),
    )


def carrier_service(settings: Settings) -> CarrierService | None:
    """The carrier service that knows about tracking numbers, if there is one."""
    if not (settings.easypost_api_key and settings.easypost_api_key.get_secret_value()):
        return None
    # An extra; the settings say so where it is missing.
    from adapters.tracking.easypost import EasyPostCarrier

    return EasyPostCarrier(settings.easypost_api_key, settings.easypost_api_base)
