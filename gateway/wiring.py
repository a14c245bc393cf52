"""The gateway's services and pages, built from the settings."""

from limits.errors import ConfigurationError
from temporalio.client import Client

from adapters.local.provider import LocalProvider
from adapters.notifications.addresses import sender_of
from adapters.proof_files import StoreUnavailable
from adapters.proof_store import ProofStore
from adapters.tracking.rules import CarrierRules
from database.connection import Database
from database.order_lists import SqlOrderLists
from database.outbox import SqlOutbox
from database.reminder_preferences import SqlReminderPreferences
from database.sessions import SqlSessions
from database.support_cases import SqlSupportCases
from database.support_queue import SqlSupportQueue
from gateway.access import Tokens
from gateway.issuer import Issuer, WrongIssuer
from gateway.limits import RateLimits
from gateway.order_stream import OrderStream
from gateway.orders import OrderService
from gateway.pages.base import PageRenderer
from gateway.pages.links import Links
from gateway.pages.lists import ListPages
from gateway.pages.oidc import IssuerClient, IssuerSignIn, Registration, Strength
from gateway.pages.orders import OrderPages
from gateway.pages.playground import PlaygroundPages
from gateway.pages.reminders import ReminderPages
from gateway.pages.session_pages import SessionPages
from gateway.pages.sessions import Sessions
from gateway.pages.sign_in import BACK, SignIn, TokenSignIn
from gateway.pages.sign_in_pages import SignInPages
from gateway.pages.support_case import SupportCasePages
from gateway.pages.time_skipping import Clock
from gateway.proofs import Proofs
from gateway.provider_webhooks import ProviderWebhooks, stripe_reader
from gateway.services import Services
from gateway.stray_payments import StrayPaymentService
from gateway.tokens import IssuersTokens, SecretTokens
from orders.sentences import sentence
from runtime.health import Health
from runtime.setting_types import keeps_secrets
from runtime.settings import Settings
from runtime.temporal import CannotServe, first_line
from runtime.wiring import (
    amount_rule,
    notification_renderer,
    provider_event_handler,
    stripe_provider,
    unsubscribe_links,
)


def build_tokens(settings: Settings) -> Tokens:
    """The verifier of bearer tokens. Raises CannotServe."""
    if settings.oidc_issuer:
        issuer = Issuer(settings.oidc_issuer)
        return IssuersTokens(issuer, settings.oidc_audience, settings.oidc_role_claim)
    if settings.token_secret:
        return SecretTokens(settings.token_secret, settings.token_secret_fallback)
    raise CannotServe(
        sentence(
            "Nobody could sign in: set UNBUY_OIDC_ISSUER to who signs your tokens, or UNBUY_TOKEN_SECRET to "
            "a secret of 32 characters or more for local use (`make up` makes one)."
        )
    )


async def check_issuer(tokens: Tokens, settings: Settings) -> None:
    """Raise CannotServe if the issuer calls itself otherwise than the settings do."""
    if not isinstance(tokens, IssuersTokens):
        return
    try:
        await tokens.issuer.check_name()
    except WrongIssuer as error:
        raise CannotServe(
            sentence(
                "UNBUY_OIDC_ISSUER is {given}, and who is there is called {named}: none of its tokens would "
                "count. Set it to that, to the letter.",
                given=settings.oidc_issuer,
                named=error.named,
            )
        ) from None


def build_services(settings: Settings, client: Client, database: Database) -> Services:
    """The services that the settings name. Raises CannotServe."""
    stripe, readers = stripe_provider(settings), {}
    if stripe and (secrets := settings.stripe_webhook_secrets):
        readers["stripe"] = stripe_reader(secrets)
    handler = provider_event_handler(stripe or LocalProvider(database), database, client)
    try:
        store = ProofStore.at(settings.proof_store)
    except StoreUnavailable as error:
        raise CannotServe(str(error)) from None
    counted_at = settings.rate_limit_storage.get_secret_value()
    try:
        limits = RateLimits(settings.rate_limit, counted_at)
        uploads = RateLimits(f"{settings.proofs_per_day}/day", counted_at)
        placing = RateLimits(settings.buyer_orders_limit, counted_at)
    except (ConfigurationError, ValueError) as error:
        # What is said of the address may be its password.
        is_about_it = isinstance(error, ValueError) or counted_at in str(error)
        raise CannotServe(
            sentence(
                "Requests cannot be counted there ({why}). UNBUY_RATE_LIMIT_STORAGE says where, and the "
                "library `limits` names the package that it needs for it.",
                why=sentence("no such address") if is_about_it else first_line(error),
            )
        ) from None
    orders = OrderService(
        client,
        database,
        amount_rule(settings),
        store.has,
        placing,
        buyers_place_orders=settings.buyers_place_orders,
        buyers_choose_policy=settings.buyers_choose_policy,
    )
    return Services(
        orders=orders,
        stray_payments=StrayPaymentService(client, database),
        proofs=Proofs(orders, store, uploads),
        tokens=build_tokens(settings),
        limits=limits,
        order_stream=OrderStream(SqlOrderLists(database), settings.max_watchers),
        webhooks=ProviderWebhooks(handler, readers),
        health=Health(client, database),
        stripe=stripe,
    )


def build_pages(
    settings: Settings, services: Services, client: Client, database: Database
) -> OrderPages:
    """The pages. Raises CannotServe."""
    sessions, sign_in = build_sign_in(settings, services.tokens, SqlSessions(database))
    support = sender_of(settings.support_address).addr_spec if settings.support_address else ""
    renderer = PageRenderer(
        sessions,
        services.limits,
        services.turns,
        settings.public_url or "",
        support,
        playground=settings.playground,
    )
    links = Links(settings.pay_url, settings.temporal_ui_url)
    clock = Clock(client) if settings.playground else None
    lists, playground = SqlOrderLists(database), None
    if settings.playground:
        playground = PlaygroundPages(services.orders, lists, renderer, sessions, links)
    front_page = playground.show if playground else None
    queue = SqlSupportQueue(database)
    return OrderPages(
        services,
        renderer,
        SignInPages(renderer, sessions, sign_in),
        ListPages(lists, queue, renderer, links, clock, front_page),
        SupportCasePages(
            services.orders,
            SqlSupportCases(database),
            SqlOutbox(database),
            notification_renderer(settings),
            renderer,
        ),
        ReminderPages(SqlReminderPreferences(database), renderer, unsubscribe_links(settings)),
        SessionPages(sessions, renderer),
        playground,
        CarrierRules(),
        links,
        clock,
    )


def build_sign_in(
    settings: Settings, tokens: Tokens, store: SqlSessions
) -> tuple[Sessions, SignIn]:
    """How people sign in on the pages, and stay signed in. Raises CannotServe."""
    public_url, secure = settings.public_url or "", settings.is_https
    if not isinstance(tokens, IssuersTokens):
        secret, fallback = settings.session_secret, settings.session_secret_fallback
        if secret is None:
            secret, fallback = settings.token_secret, settings.token_secret_fallback
        assert secret, "else nobody has a token"
        sessions = Sessions(secret, store, secure=secure, fallback=fallback)
        return sessions, TokenSignIn(tokens)
    if not (public_url and settings.oidc_client_id and settings.session_secret):
        raise CannotServe(
            sentence(
                "People could not sign in at the issuer: set UNBUY_PUBLIC_URL to where they find the pages, "
                "UNBUY_OIDC_CLIENT_ID to what the issuer calls them, and UNBUY_SESSION_SECRET to a secret of "
                "32 characters or more (docs/signing-in.md)."
            )
        )
    if not keeps_secrets(public_url):
        raise CannotServe(
            sentence(
                "UNBUY_PUBLIC_URL must begin with https:// where people sign in at an issuer (http:// only "
                "for this machine itself)."
            )
        )
    we = Registration(
        settings.oidc_client_id,
        settings.oidc_client_secret,
        f"{public_url.rstrip('/')}{BACK}",
        settings.oidc_scopes,
    )
    client = IssuerClient(tokens.issuer, we, settings.oidc_role_claim)
    sessions = Sessions(
        *(settings.session_secret, store),
        secure=secure,
        fallback=settings.session_secret_fallback,
        check=client.refresh,
    )
    support = Strength(settings.oidc_support_acr, settings.oidc_support_max_age)
    return sessions, IssuerSignIn(client, sessions, support)
