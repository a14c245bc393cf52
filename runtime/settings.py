"""What a process reads from its environment: addresses, sizes and limits of this installation.

How long a party has to act is not here but in the policy of each order. The connection to Temporal
is configured by Temporal's own variables (`TEMPORAL_ADDRESS` and its siblings).
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

import httpx
from annotated_types import Ge, Le
from pydantic import (
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.notifications.addresses import MAIL, allowed, scheme_of, sender_of
from i18n.catalogues import Locale
from i18n.current import current_locale, gettext
from i18n.sentences import localize
from orders.pydantic_messages import problem_sentence
from runtime.setting_types import (
    DatabaseUrl,
    EasyPostKey,
    EncryptionKeys,
    IssuerUrl,
    Listed,
    LogLevel,
    LongSecret,
    MailAddress,
    Networks,
    Port,
    PositiveDuration,
    ProofStoreAddress,
    ProviderName,
    PublicUrl,
    Rate,
    RateStorage,
    RetentionPeriod,
    Scopes,
    Secrets,
    SigningSecrets,
    SmtpUrl,
    TimeZone,
    TracesUrl,
    has_extra,
    is_this_machine,
    is_url,
    require_extra,
)


class Settings(BaseSettings):
    """Settings of one process; docs/settings.md is made of the texts below.

    Each is read from `UNBUY_` and its name in capitals, or from its alias. What may carry a password is kept
    out of `repr`, hence out of logs.
    """

    model_config = SettingsConfigDict(
        env_prefix="UNBUY_", frozen=True, use_attribute_docstrings=True
    )

    database_url: DatabaseUrl = Field(default="sqlite+aiosqlite:///var/unbuy.db", repr=False)
    """The database, for workers, gateway and commands alike: SQLite, or
    `postgresql://user:password@host/name`, to which `?sslmode=verify-full` (or another of libpq's modes) adds
    TLS. A relative path is relative to the working directory; missing directories and tables are made."""
    proof_store: ProofStoreAddress = "var/proofs"
    """Where photos and scans are kept: a directory, or `s3://bucket/prefix`, with keys, region and endpoint
    in the usual `AWS_*` variables (docs/proofs.md)."""
    log_level: LogLevel = "INFO"
    """How much is logged. `DEBUG` is for looking for a fault; the libraries in use log no more by it."""

    log_format: Literal["lines", "json"] = "lines"
    """How it is logged: `lines` for people, or `json`, an object a line, with order and trace and without the
    texts of errors (docs/observability.md)."""
    traces_url: TracesUrl | None = None
    """Where a collector takes OpenTelemetry traces, as in `http://localhost:4318/v1/traces`; unset, none are
    made (docs/observability.md)."""
    traces_share: Annotated[float, Ge(0), Le(1)] = 1.0
    """Of how many requests a trace is made: 0.05 for one in twenty."""

    idempotency_key_retention: RetentionPeriod = timedelta(days=30)
    """How long the key of a message over HTTP is kept, of a refused one, too: at least as long as clients may
    repeat it (docs/retention.md)."""
    webhook_inbox_retention: RetentionPeriod = timedelta(days=90)
    """How long it is known which of the provider's events were taken (docs/retention.md)."""
    delivery_retention: RetentionPeriod = timedelta(days=90)
    """How long it is known what became of a notification at each address (docs/retention.md)."""
    outbox_retention: RetentionPeriod = timedelta(days=365)
    """How long a notification is kept that was delivered or given up (docs/retention.md)."""
    support_note_retention: RetentionPeriod = timedelta(days=3 * 365)
    """How long it is kept what support has noted of an order, and who had taken it (docs/retention.md)."""
    encryption_keys: EncryptionKeys = ()
    """What encrypts all that Temporal keeps of an order: each an id, a colon and 32 bytes in base64. The
    first encrypts, each decrypts; unset, nothing is encrypted (docs/encryption.md)."""

    worker_processes: PositiveInt | None = None
    """How many worker processes `unbuy worker` starts; unset, one for each core."""
    worker_host: str = "127.0.0.1"
    """Where workers tell their health and metrics (docs/observability.md)."""
    worker_port: Port | None = None
    """The port on which a worker's first process tells its health and metrics, each further one on the next;
    unset, none does (docs/observability.md)."""
    max_cached_workflows: PositiveInt = 2000
    """How many workflows one worker process keeps in memory: at least the number of orders that are awake.
    Beyond it, an order's next step replays its history."""
    graceful_shutdown: PositiveDuration = timedelta(seconds=30)
    """How long running activities may still take once a worker was asked to stop."""
    sticky_timeout: PositiveDuration = timedelta(seconds=2)
    """How long a workflow's next step waits for the worker that has it in memory, before any may do it."""
    workflow_sandbox: bool = False
    """Whether workflows run in the SDK's sandbox, as they do in tests of whole lives. It finds what is not
    deterministic in a changed workflow, and costs a third more of the worker's time."""

    payment_provider: ProviderName = "local"
    """Who holds the money: `local`, a provider of our own in the database, or `stripe` (docs/stripe.md)."""
    stripe_api_key: SecretStr | None = Field(default=None, validate_default=True)
    """Stripe's secret key, or a restricted one (docs/stripe.md); needed with `stripe`."""
    stripe_webhook_secrets: Secrets = ()
    """The signing secrets of Stripe's webhook; several while one is replaced by the next
    (docs/stripe.md)."""
    stripe_api_base: str | None = None
    """Another address than Stripe's own, for tests."""

    gateway_host: str = "127.0.0.1"
    """Where the gateway listens: beyond this machine only behind something that speaks TLS
    (docs/gateway.md)."""
    gateway_port: Port = 8080
    """The port on which the gateway listens."""
    operations_host: str = "127.0.0.1"
    """Where the gateway serves operations, with a port for them: an address that strangers do not reach
    (docs/gateway.md)."""
    operations_port: Port | None = None
    """The port of `/readyz` and `/metrics` alone, and of `/healthz`; unset, they are where all else is
    (docs/gateway.md)."""
    rate_limit: Rate = "300/minute"
    """How many requests one caller may make in a time (docs/gateway.md)."""
    rate_limit_storage: RateStorage = SecretStr("async+memory://")
    """Where requests are counted, as the library `limits` writes it: shared by several gateways with
    `async+redis://host:6379` and the package that this needs; else by each process (docs/gateway.md)."""
    proofs_per_day: PositiveInt = 20
    """How many photos and scans each party may upload for one order in a day (docs/proofs.md)."""
    max_watchers: PositiveInt = 1000
    """How many streams of server-sent events a gateway has open at once (docs/gateway.md)."""
    trusted_proxies: Networks = ()
    """The addresses or networks of reverse proxies, as in `10.0.0.7,10.1.0.0/16`: only what comes from there
    says by `X-Forwarded-For` whom it is from (docs/gateway.md)."""
    cors_origins: Listed = ()
    """Whose pages' scripts may call the gateway from a browser, as in `https://shop.example`
    (docs/gateway.md)."""

    token_secret: LongSecret | None = None
    """What signs callers' tokens, for local use: 32 characters or more (docs/signing-in.md)."""
    token_secret_fallback: LongSecret | None = None
    """Another secret by which tokens count, while one is replaced by the other (docs/signing-in.md)."""
    oidc_issuer: IssuerUrl | None = None
    """The OpenID Connect issuer that signs callers' tokens, in production; then no token of our own counts
    (docs/signing-in.md)."""
    oidc_audience: str = "unbuy"
    """The audience that the API's access tokens must name (docs/signing-in.md)."""
    oidc_role_claim: str = "role"
    """The claim that holds the caller's role, or a path to it such as `realm_access.roles`
    (docs/signing-in.md)."""
    oidc_scopes: Scopes = "openid"
    """What the pages ask the issuer for, separated by blanks (docs/signing-in.md)."""
    oidc_support_acr: Listed = ()
    """How strongly support must sign in on the pages: the issuer's names for it, such as `phr,phrh`, of which
    the ID token's `acr` must be one; unset, any way will do (docs/signing-in.md)."""
    oidc_support_max_age: PositiveDuration | None = None
    """How long ago support may have signed in at the issuer, by the ID token's `auth_time`, when it signs in
    on the pages, such as `PT15M`; unset, any time ago (docs/signing-in.md)."""
    oidc_client_id: str | None = None
    """What the issuer calls the pages, where people sign in at it (docs/signing-in.md)."""
    oidc_client_secret: SecretStr | None = None
    """The secret of a confidential client; without it the pages are a public client
    (docs/signing-in.md)."""
    session_secret: LongSecret | None = None
    """What signs the cookies of people who are signed in, 32 characters or more and the same for all
    gateways; unset, the token secret does, where there is one (docs/signing-in.md)."""
    session_secret_fallback: LongSecret | None = None
    """Another secret by which these cookies count, while one is replaced by the other, so that nobody is
    signed out (docs/signing-in.md)."""

    public_url: PublicUrl | None = None
    """Where people find the pages: notifications link there, and with `https` cookies are for HTTPS only
    (docs/pages.md)."""
    pay_url: str | None = None
    """Where a buyer pays, with `{order_id}` for the order's id (docs/pages.md)."""
    temporal_ui_url: str | None = None
    """An order in Temporal's web UI, with `{order_id}` for its id: a link for support (docs/pages.md)."""
    buyers_place_orders: bool = False
    """Whether a buyer's own token places and re-orders, at prices of its own (R3); otherwise the marketplace
    does, with support's token (docs/gateway.md)."""
    buyer_orders_limit: Rate = "100/day"
    """How many orders one buyer may place in a time, where buyers do."""
    buyers_choose_policy: bool = False
    """Whether a buyer may place orders with deadlines of their own, for trying things out: refused where
    `UNBUY_PLAYGROUND` is."""
    playground: bool = False
    """Test payments and a clock that skips time, on the pages. It needs the embedded server, and is refused
    beside an issuer, a real payment provider or an address beyond this machine (docs/pages.md)."""

    smtp_url: SmtpUrl | None = None
    """The mail server, as in `smtp://user:password@host:587` (docs/notifications.md)."""
    mail_from: str | None = Field(default=None, validate_default=True)
    """The sender of mails, as in `Unbuy <orders@example.org>`; needed with a mail server
    (docs/notifications.md)."""
    notify_schemes: Listed | None = None
    """Which addresses parties may have: `mailto` and Apprise's; unset, mail and hosted services that cannot
    be pointed elsewhere (docs/notifications.md)."""
    allow_private_channels: bool = False
    """Whether parties' addresses may also name a machine of their own, which may be one of this network
    (docs/notifications.md)."""
    support_notify: Secrets = ()
    """Where support is notified, by mail or Apprise (docs/notifications.md)."""
    support_locale: Locale = "en"
    """The language in which support is notified: `en` or `pl`."""
    support_address: MailAddress | None = None
    """Where buyers and sellers reach support, as in `help@example.org`: mails to them name it, and are
    answered there (docs/notifications.md)."""
    unsubscribe_secret: LongSecret | None = None
    """What signs the links by which mails turn reminders off with one click, 32 characters or more and the
    same for workers and gateways; unset, one signs in for it (docs/notifications.md)."""
    time_zone: TimeZone = "UTC"
    """The time zone in which notifications tell instants to support, and to parties whose order names none
    of theirs, as in `Europe/Warsaw`."""

    allow_private_webhooks: bool = False
    """Whether webhooks may go to private networks and this machine, and by `http://` (docs/webhooks.md)."""
    # The contract names these two, hence without our prefix.
    order_webhook_secrets: SigningSecrets = Field(
        default=(), validation_alias="ORDER_WEBHOOK_SECRETS"
    )
    """What signs webhooks, each `whsec_` and 24 to 64 bytes in base64; several while one is replaced by the
    next (docs/webhooks.md)."""
    order_webhook_urls: Secrets = Field(default=(), validation_alias="ORDER_WEBHOOK_URLS")
    """The systems that hear of every change of an order: `https://` addresses, which may carry secrets
    (docs/webhooks.md)."""

    easypost_api_key: EasyPostKey | None = None
    """Asks carriers about tracking numbers; without it a number's form and check digit decide
    (docs/tracking.md)."""
    easypost_api_base: str | None = None
    """Another address than EasyPost's own, for tests."""

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes that parties' addresses may have."""
        if self.notify_schemes is None and not has_extra("apprise"):
            return frozenset({MAIL})
        return allowed(self.notify_schemes, anywhere=self.allow_private_channels)

    @property
    def operations(self) -> tuple[str, int] | None:
        """Host and port of operations, where they have an address of their own."""
        return (self.operations_host, self.operations_port) if self.operations_port else None

    @property
    def is_https(self) -> bool:
        """Whether people find the pages over HTTPS."""
        return (self.public_url or "").startswith("https://")

    @property
    def own_secret(self) -> bytes:
        """The secret that only gateways have; the session's, else the tokens'."""
        found = self.session_secret or self.token_secret
        return found.get_secret_value().encode() if found else b""

    @property
    def is_for_trying_out(self) -> bool:
        """Whether neither people beyond this machine nor real money hang on this installation."""
        return not any(_signs_of_production(dict(self)))

    @property
    def notifies_outside(self) -> bool:
        """Whether anybody is to be notified outside of this machine."""
        return bool(
            self.smtp_url
            or self.notify_schemes
            or self.support_notify
            or self.allow_private_channels
        )

    @field_validator("stripe_api_key")
    @classmethod
    def _stripe_needs_its_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("payment_provider") == "stripe" and not (key and key.get_secret_value()):
            raise ValueError(gettext("is needed when UNBUY_PAYMENT_PROVIDER is stripe"))
        return key

    @field_validator("buyers_choose_policy", "playground")
    @classmethod
    def _trying_out_stays_on_this_machine(cls, is_on: bool, info: ValidationInfo) -> bool:
        production = ", ".join(_signs_of_production(info.data)) if is_on else ""
        if production:
            raise ValueError(
                gettext(
                    "is for trying things out on this machine, and never true beside {production}: leave one "
                    "or the other out",
                    production=production,
                )
            )
        return is_on

    @field_validator("operations_port")
    @classmethod
    def _operations_are_apart(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and port == info.data.get("gateway_port"):
            raise ValueError(gettext("must be another than UNBUY_GATEWAY_PORT"))
        return port

    @field_validator("mail_from")
    @classmethod
    def _mail_has_a_sender(cls, sender: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("smtp_url") and not sender:
            raise ValueError(gettext("is needed when UNBUY_SMTP_URL is set"))
        if sender:
            sender_of(sender)
        return sender

    @field_validator("notify_schemes")
    @classmethod
    def _schemes_leave_this_machine_alone(
        cls, names: tuple[str, ...] | None
    ) -> tuple[str, ...] | None:
        allowed(names, anywhere=False)
        if {name.lower() for name in names or ()} - {MAIL}:
            require_extra("apprise")
        return names

    @field_validator("allow_private_channels")
    @classmethod
    def _channels_have_their_package(cls, are_allowed: bool) -> bool:
        if are_allowed:
            require_extra("apprise")
        return are_allowed

    @field_validator("support_notify")
    @classmethod
    def _support_can_be_notified(
        cls, addresses: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        schemes = [scheme_of(it.get_secret_value()) for it in addresses]
        if "" in schemes:
            raise ValueError(
                gettext("needs addresses such as mailto:support@example.org, separated by commas")
            )
        allowed(schemes, anywhere=False)
        if set(schemes) - {MAIL}:
            require_extra("apprise")
        if MAIL in schemes and not info.data.get("smtp_url"):
            raise ValueError(gettext("has a mail address, which needs UNBUY_SMTP_URL"))
        return addresses

    @field_validator("order_webhook_urls")
    @classmethod
    def _webhooks_are_safe(
        cls, urls: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        schemes = ("https", "http") if info.data.get("allow_private_webhooks") else ("https",)
        for number, url in enumerate(urls, 1):
            if not is_url(url.get_secret_value(), schemes):
                raise ValueError(
                    gettext(
                        "number {number} is not an address that begins with https://", number=number
                    )
                )
        if urls and info.data.get("order_webhook_secrets") == ():
            raise ValueError(gettext("needs ORDER_WEBHOOK_SECRETS, to sign what is sent there"))
        return urls


def _signs_of_production(given: Mapping[str, Any]) -> Iterator[str]:
    """The variables by which people beyond this machine, or real money, hang on an installation."""
    if given.get("oidc_issuer"):
        yield "UNBUY_OIDC_ISSUER"
    if given.get("payment_provider", "local") != "local":
        yield "UNBUY_PAYMENT_PROVIDER"
    if not is_this_machine(given.get("gateway_host", "")):
        yield "UNBUY_GATEWAY_HOST"
    if (url := given.get("public_url")) and not is_this_machine(httpx.URL(url).host):
        yield "UNBUY_PUBLIC_URL"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"UNBUY_{field.upper()}"


def setting_errors(error: ValidationError) -> str:
    """What is wrong with the environment, by variable, without repeating what may be a secret."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{_variable(str(it['loc'][0]))}: {_problem(it)}" for it in problems) + "."


def _variable(location: str) -> str:
    # pydantic names a field that has an alias by it.
    return variable(location) if location in Settings.model_fields else location


def _problem(problem: ErrorDetails) -> str:
    return localize(problem_sentence(problem), current_locale())
