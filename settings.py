"""What a process reads from its environment: addresses, sizes and limits of this installation.

How long a party has to act is not here but in the policy of each order. The connection to Temporal
is configured by Temporal's own variables (`TEMPORAL_ADDRESS` and its siblings).
"""

from datetime import timedelta
from typing import Annotated, Literal

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

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]
Secrets = Annotated[
    tuple[SecretStr, ...],
    NoDecode,
    BeforeValidator(lambda value: _listed(value) if isinstance(value, str) else value),
]
"""Several secrets, separated by commas."""
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]


Listed = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(lambda value: _listed(value) if isinstance(value, str) else value),
]
"""Several, separated by commas."""


def _rate(text: str) -> str:
    try:
        limits.parse(text)
    except ValueError:
        raise ValueError("must be a number of requests in a time, such as 300/minute") from None
    return text


def _asynchronous(uri: str) -> str:
    if not uri.startswith("async+"):
        raise ValueError("must be a URI that begins with async+, such as async+redis://host:6379")
    return uri


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
    # Whether a buyer may place orders under a policy of their own: for trying things out.
    buyers_choose_policy: bool = False
    # Where people reach the pages; cookies are for HTTPS only where it begins so.
    public_url: str = "http://127.0.0.1:8080"
    # Signs what keeps people signed in; the token secret does, where there is one.
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

    @field_validator("stripe_api_key")
    @classmethod
    def _stripe_needs_its_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("payment_provider") == "stripe" and not (key and key.get_secret_value()):
            raise ValueError("is needed when UNBUY_PAYMENT_PROVIDER is stripe")
        return key


def complaints(error: ValidationError) -> str:
    """What is wrong with the environment, by variable, without repeating what may be a secret."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"UNBUY_{str(it['loc'][0]).upper()}: {it['msg']}" for it in problems) + "."
