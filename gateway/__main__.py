"""``python -m gateway``: the HTTP API, until SIGTERM or SIGINT.

Put together here: tokens, limits, provider and what is kept, by the settings.
"""

import asyncio
import logging
import os
import sys
from datetime import timedelta
from types import FrameType

import uvicorn
from limits.errors import ConfigurationError
from pydantic import ValidationError
from temporalio.client import Client

from adapters.local.provider import LocalProvider
from adapters.proof_store import ProofStore, StoreUnavailable
from database.connection import Database
from database.order_lists import SqlOrderLists
from database.support_queue import SqlSupportQueue
from gateway.access import Tokens
from gateway.app import build_app
from gateway.health import Health
from gateway.issuer import Issuer
from gateway.limits import RateLimits
from gateway.observability import log_as_json
from gateway.order_stream import OrderStream
from gateway.orders import OrderService
from gateway.pages.auth import SignInPages
from gateway.pages.base import PageRenderer
from gateway.pages.oidc import IssuerSignIn, Registration
from gateway.pages.orders import Links, OrderPages
from gateway.pages.sessions import Sessions
from gateway.pages.sign_in import BACK, SignIn, TokenSignIn
from gateway.pages.time_skipping import Clock
from gateway.proofs import Proofs
from gateway.services import Services
from gateway.tokens import IssuersTokens, SecretTokens
from gateway.webhooks import ProviderWebhooks, stripe_reader
from i18n.current import use_locale
from i18n.negotiation import of_terminal
from i18n.sentences import refusal
from orders.sentences import sentence
from runtime.settings import Settings, complaints, keeps_secrets
from runtime.temporal import (
    BadConfiguration,
    CannotServe,
    connect_later,
    first_line,
    open_database,
)
from runtime.wiring import provider_event_handler, stripe_provider

log = logging.getLogger("unbuy.gateway")

WRITERS_PATIENCE = timedelta(seconds=2)
"""So long a request waits for another process's write on SQLite: less than ``desk.DATABASE_PATIENCE``."""

# So long running requests may still take once the gateway is told to stop.
_GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Ends the streams when it is told to stop: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, lookout: OrderStream) -> None:
        super().__init__(config)
        self._lookout = lookout

    def stop(self) -> None:
        """Take nothing new, and finish what runs."""
        self._lookout.stop()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See base class."""
        self._lookout.stop()
        super().handle_exit(sig, frame)


def tokens_of(settings: Settings) -> Tokens:
    """Who vouches for callers. Raises CannotServe."""
    if settings.oidc_issuer:
        issuer = Issuer(settings.oidc_issuer)
        return IssuersTokens(issuer, settings.oidc_audience, settings.oidc_role_claim)
    if settings.token_secret:
        return SecretTokens(settings.token_secret)
    raise CannotServe(
        sentence(
            "Nobody could sign in: set UNBUY_OIDC_ISSUER to who signs your tokens, or UNBUY_TOKEN_SECRET to "
            "a secret of 32 characters or more for local use (`make up` makes one)."
        )
    )


def services_of(settings: Settings, client: Client, database: Database) -> Services:
    """What the settings name, put together. Raises CannotServe."""
    stripe, readers = stripe_provider(settings), {}
    if stripe and (secrets := settings.stripe_webhook_secrets):
        readers["stripe"] = stripe_reader(secrets)
    handler = provider_event_handler(stripe or LocalProvider(database), database, client)
    desk = OrderService(client, database, buyers_choose_policy=settings.buyers_choose_policy)
    try:
        proofs = Proofs(desk, ProofStore.at(settings.proof_store))
    except StoreUnavailable as error:
        raise CannotServe(str(error)) from None
    try:
        limits = RateLimits(settings.rate_limit, settings.rate_limit_storage)
    except ConfigurationError as error:
        raise CannotServe(
            sentence(
                "Requests cannot be counted there ({why}). UNBUY_RATE_LIMIT_STORAGE says where, and the "
                "library `limits` names the package that it needs for it.",
                why=first_line(error),
            )
        ) from None
    return Services(
        desk=desk,
        proofs=proofs,
        tokens=tokens_of(settings),
        limits=limits,
        lookout=OrderStream(SqlOrderLists(database), settings.max_watchers),
        webhooks=ProviderWebhooks(handler, readers),
        health=Health(client, database),
        stripe=stripe,
    )


def site_of(settings: Settings, works: Services, client: Client, database: Database) -> OrderPages:
    """The pages, as the settings ask for them. Raises CannotServe."""
    sessions, sign_in = signing_in(settings, works.tokens)
    frame = PageRenderer(sessions, works.limits)
    return OrderPages(
        works,
        frame,
        SignInPages(frame, sessions, sign_in),
        SqlSupportQueue(database),
        Links(settings.pay_url, settings.temporal_ui_url),
        Clock(client) if settings.playground else None,
    )


def signing_in(settings: Settings, tokens: Tokens) -> tuple[Sessions, SignIn]:
    """How people sign in on the pages, and stay signed in. Raises CannotServe."""
    public_url = settings.public_url or ""
    secure = public_url.startswith("https://")
    if not isinstance(tokens, IssuersTokens):
        secret = settings.session_secret or settings.token_secret
        assert secret, "else nobody has a token"
        return Sessions(secret, secure=secure), TokenSignIn(tokens)
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
    sessions = Sessions(settings.session_secret, secure=secure)
    we = Registration(
        settings.oidc_client_id,
        settings.oidc_client_secret,
        f"{public_url.rstrip('/')}{BACK}",
    )
    return sessions, IssuerSignIn(tokens.issuer, we, settings.oidc_role_claim, sessions)


async def serve(settings: Settings) -> None:
    """Serve until told to stop; then take nothing new and finish what runs."""
    try:
        client = await connect_later()
    except BadConfiguration as error:
        raise CannotServe(str(error)) from None
    database = await open_database(settings.database_url, WRITERS_PATIENCE)
    try:
        services = services_of(settings, client, database)
        config = uvicorn.Config(
            build_app(
                services,
                settings.cors_origins,
                site_of(settings, services, client, database),
            ),
            host=settings.gateway_host,
            port=settings.gateway_port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        log.info("Serving HTTP on %s:%d", settings.gateway_host, settings.gateway_port)
        try:
            await Server(config, services.lookout).serve()
        finally:
            await services.close()
    finally:
        await database.close()


def main() -> int:
    """Serve; a sentence on standard error, in the terminal's language, if that cannot be."""
    locale = of_terminal(os.environ)
    with use_locale(locale):
        try:
            settings = Settings()
        except ValidationError as error:
            print(complaints(error), file=sys.stderr)
            return 2
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    log_as_json()
    try:
        asyncio.run(serve(settings))
    except CannotServe as error:
        # Said again here only: what is served and logged knows no terminal's language.
        print(refusal(str(error), locale), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
