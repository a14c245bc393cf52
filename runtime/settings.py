"""What a process reads from its environment: addresses, sizes and limits of this installation.

How long a party has to act is not here but in the policy of each order. The connection to Temporal
is configured by Temporal's own variables (`TEMPORAL_ADDRESS` and its siblings).
"""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Literal

import httpx
import limits
from annotated_types import Gt
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adapters.notifications.addresses import MAIL, allowed, scheme_of, sender_of
from adapters.notifications.smtp_url import SmtpServer
from i18n.current import current_locale, gettext
from i18n.sentences import refusal

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]
_SIGNING = "whsec_"

# A path, or the bucket of S3 (3 to 63 characters) and a prefix without empty or relative parts.
_PROOF_STORE = re.compile(
    r"(?!\s)(?:(?!.*://)[^\0]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.?(/|$))[\w.!*'()-]+)*/?)(?<!\s)"
)


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
"""Several secrets, separated by commas."""
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several, separated by commas."""


def _rate(text: str) -> str:
    try:
        limits.parse(text)
    except ValueError:
        raise ValueError(
            gettext("must be a number of requests in a time, such as 300/minute")
        ) from None
    return text


def _asynchronous(uri: str) -> str:
    if not uri.startswith("async+"):
        raise ValueError(
            gettext("must be a URI that begins with async+, such as async+redis://host:6379")
        )
    return uri


_EXTRAS = {
    "apprise": "apprise",
    "easypost": "easypost",
    "postgresql": "asyncpg",
    "stripe": "stripe",
}
"""The extras, each with the package that it brings."""


def _is_there(extra: str) -> bool:
    return find_spec(_EXTRAS[extra]) is not None


def _must_be_there(extra: str) -> None:
    if not _is_there(extra):
        raise ValueError(
            gettext(
                "needs the package {package}, which is not installed: pip install 'unbuy[{extra}]', or in "
                "a checkout `make setup`",
                package=_EXTRAS[extra],
                extra=extra,
            )
        )


class Settings(BaseSettings):
    """Settings of one process; each is read from `UNBUY_` and its name in capitals.

    Durations are ISO 8601, as in `PT30S`.
    """

    model_config = SettingsConfigDict(env_prefix="UNBUY_", frozen=True)

    # Kept out of `repr`, hence out of logs: a database's URL may carry a password. A relative path
    # is relative to the working directory; whoever opens the database creates its directory.
    database_url: str = Field(default="sqlite+aiosqlite:///var/unbuy.db", repr=False)

    log_level: LogLevel = "INFO"

    # None: the worker decides by the machine.
    worker_processes: PositiveInt | None = None
    # Workflows kept in memory by one process: beyond it, the next step replays from history.
    max_cached_workflows: PositiveInt = 2000
    # How long running activities may still take once a worker is told to stop.
    graceful_shutdown: PositiveDuration = timedelta(seconds=30)
    # How long a workflow's next step waits for the worker that has it cached, before any may do it.
    sticky_timeout: PositiveDuration = timedelta(seconds=2)

    # Who holds the money: our own provider in the database, or Stripe.
    payment_provider: Literal["local", "stripe"] = "local"
    stripe_api_key: SecretStr | None = Field(default=None, validate_default=True)
    # Signing secrets of the webhook; several while one is replaced by the next.
    stripe_webhook_secrets: Secrets = ()
    # None: Stripe's own address.
    stripe_api_base: str | None = None

    # Where the gateway listens. Beyond this machine only behind something that speaks TLS.
    gateway_host: str = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    # Who signs callers' tokens: ourselves with a secret, for local use, or an OpenID Connect issuer.
    token_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    oidc_issuer: str | None = None
    oidc_audience: str = "unbuy"
    oidc_role_claim: str = "role"
    # How the issuer knows the pages, where people sign in at it; without a secret as a public client.
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    # Whether a buyer may place orders under a policy of their own: for trying things out.
    buyers_choose_policy: bool = False
    # Signs what keeps people signed in. For local use the token secret does, where there is one.
    session_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    # Where a buyer pays, and Temporal's web UI shows an order: {order_id} stands for its id.
    pay_url: str | None = None
    temporal_ui_url: str | None = None
    # Test payments and a clock that skips time, on the pages. Needs the embedded server; never in production.
    playground: bool = False
    # Of one caller, as in 300/minute; counted by each process unless the storage is shared (a URI as the
    # library `limits` has them, such as async+redis://host:6379).
    rate_limit: Annotated[str, AfterValidator(_rate)] = "300/minute"
    rate_limit_storage: Annotated[str, AfterValidator(_asynchronous)] = "async+memory://"
    # Streams of server-sent events at once.
    max_watchers: PositiveInt = 1000
    # Whose pages' scripts may call the gateway from a browser.
    cors_origins: Listed = ()
    # Where people find the gateway's pages, for links in mails; None: mails have no links. Cookies are for
    # HTTPS only where it begins so.
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None

    # Who is told outside of this machine (R21): the mail server, as in smtp://user:password@host:587, and the
    # sender, as in "Unbuy <orders@example.org>".
    smtp_url: SecretStr | None = None
    mail_from: str | None = Field(default=None, validate_default=True)
    # Which addresses parties may have; None: mail, and hosted services that cannot be pointed elsewhere.
    notify_schemes: Listed | None = None
    # Also those that name a machine of their own, which may be one of this network.
    allow_private_channels: bool = False
    # Where support is told, by mail or Apprise; such addresses carry passwords.
    support_notify: Secrets = ()

    @field_validator("database_url")
    @classmethod
    def _postgresql_has_its_driver(cls, url: str) -> str:
        if url.startswith("postgresql"):
            _must_be_there("postgresql")
        return url

    @field_validator("payment_provider")
    @classmethod
    def _stripe_has_its_package(cls, name: str) -> str:
        if name == "stripe":
            _must_be_there("stripe")
        return name

    @field_validator("easypost_api_key")
    @classmethod
    def _easypost_has_its_package(cls, key: SecretStr | None) -> SecretStr | None:
        if key and key.get_secret_value():
            _must_be_there("easypost")
        return key

    @field_validator("allow_private_channels")
    @classmethod
    def _channels_have_their_package(cls, are_allowed: bool) -> bool:
        if are_allowed:
            _must_be_there("apprise")
        return are_allowed

    @field_validator("oidc_issuer")
    @classmethod
    def _nobody_can_be_in_between(cls, address: str | None) -> str | None:
        if address and not keeps_secrets(address):
            raise ValueError(
                gettext("must begin with https:// (http:// only for this machine itself)")
            )
        return address

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes that parties' addresses may have."""
        if self.notify_schemes is None and not _is_there("apprise"):
            return frozenset({MAIL})
        return allowed(self.notify_schemes, anywhere=self.allow_private_channels)

    @property
    def tells_outside(self) -> bool:
        """Whether anybody is to be told outside of this machine."""
        return bool(
            self.smtp_url
            or self.notify_schemes
            or self.support_notify
            or self.allow_private_channels
        )

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url_can_be_read(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            SmtpServer.of(url.get_secret_value())
        return url

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
            _must_be_there("apprise")
        return names

    @field_validator("support_notify")
    @classmethod
    def _support_can_be_told(
        cls, addresses: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        schemes = [scheme_of(it.get_secret_value()) for it in addresses]
        if "" in schemes:
            raise ValueError(
                gettext("needs addresses such as mailto:support@example.org, separated by commas")
            )
        allowed(schemes, anywhere=False)
        if set(schemes) - {MAIL}:
            _must_be_there("apprise")
        if MAIL in schemes and not info.data.get("smtp_url"):
            raise ValueError(gettext("has a mail address, which needs UNBUY_SMTP_URL"))
        return addresses

    # Systems that are told of every change of an order: https addresses, which may carry secrets. Their
    # names are the contract's, hence without our prefix.
    allow_private_webhooks: bool = False
    order_webhook_secrets: Secrets = Field(default=(), validation_alias="ORDER_WEBHOOK_SECRETS")
    order_webhook_urls: Secrets = Field(default=(), validation_alias="ORDER_WEBHOOK_URLS")

    @field_validator("order_webhook_secrets")
    @classmethod
    def _secrets_are_standard(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, secret in enumerate(secrets, 1):
            if not _is_signing_secret(secret.get_secret_value()):
                raise ValueError(
                    gettext(
                        "number {number} is not whsec_ and 24 to 64 bytes in base64", number=number
                    )
                )
        return secrets

    @field_validator("order_webhook_urls")
    @classmethod
    def _webhooks_are_safe(
        cls, urls: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        schemes = ("https", "http") if info.data.get("allow_private_webhooks") else ("https",)
        for number, url in enumerate(urls, 1):
            if not _is_address(url.get_secret_value(), schemes):
                raise ValueError(
                    gettext(
                        "number {number} is not an address that begins with https://", number=number
                    )
                )
        if urls and info.data.get("order_webhook_secrets") == ():
            raise ValueError(gettext("needs ORDER_WEBHOOK_SECRETS, to sign what is sent there"))
        return urls

    # Asks carriers about tracking numbers; without it a number's form and check digit decide.
    easypost_api_key: SecretStr | None = None
    # None: EasyPost's own address.
    easypost_api_base: str | None = None

    # Where photos and scans are kept: a directory (a relative path is relative to the working
    # directory), or `s3://bucket/prefix`, with keys, region and endpoint in the usual AWS_* variables.
    proof_store: str = "var/proofs"

    @field_validator("proof_store")
    @classmethod
    def _proof_store_is_one_that_we_know(cls, address: str) -> str:
        if not _PROOF_STORE.fullmatch(address):
            raise ValueError(
                gettext("must be a directory, or a bucket written as s3://bucket/prefix")
            )
        return address

    @field_validator("stripe_api_key")
    @classmethod
    def _stripe_needs_its_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("payment_provider") == "stripe" and not (key and key.get_secret_value()):
            raise ValueError(gettext("is needed when UNBUY_PAYMENT_PROVIDER is stripe"))
        return key


def _is_signing_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except ValueError:
        return False
    return secret.startswith(_SIGNING) and 24 <= len(key) <= 64


def keeps_secrets(url: str) -> bool:
    """Whether what is sent to this address can be read by nobody on the way."""
    here = ("localhost", "127.0.0.1", "::1")
    return _is_address(url, ("https",)) or (
        _is_address(url, ("http",)) and httpx.URL(url).host in here
    )


def _is_address(url: str, schemes: Sequence[str]) -> bool:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return read.scheme in schemes and bool(read.host)


def complaints(error: ValidationError) -> str:
    """What is wrong with the environment, by variable, without repeating what may be a secret."""
    problems = error.errors(include_url=False, include_input=False)
    return (
        "; ".join(f"{_variable(str(it['loc'][0]))}: {_problem(it['msg'])}" for it in problems) + "."
    )


def _problem(message: str) -> str:
    # pydantic's words; our own are said in the language that is spoken from the start.
    return refusal(message.removeprefix("Value error, "), current_locale())


def _variable(name: str) -> str:
    # An alias is the whole name of its variable.
    return name if name.isupper() else f"UNBUY_{name.upper()}"
