"""What a process reads from its environment: addresses, sizes and limits of this installation.

How long a party has to act is not here but in the policy of each order. The connection to Temporal
is configured by Temporal's own variables (`TEMPORAL_ADDRESS` and its siblings).
"""

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

import httpx
from annotated_types import Gt
from pydantic import (
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
_SIGNING = "whsec_"
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]


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
                raise ValueError(f"number {number} is not whsec_ and 24 to 64 bytes in base64")
        return secrets

    @field_validator("order_webhook_urls")
    @classmethod
    def _webhooks_are_safe(
        cls, urls: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        schemes = ("https", "http") if info.data.get("allow_private_webhooks") else ("https",)
        for number, url in enumerate(urls, 1):
            if not _is_address(url.get_secret_value(), schemes):
                raise ValueError(f"number {number} is not an address that begins with https://")
        if urls and info.data.get("order_webhook_secrets") == ():
            raise ValueError("needs ORDER_WEBHOOK_SECRETS, to sign what is sent there")
        return urls

    @field_validator("stripe_api_key")
    @classmethod
    def _stripe_needs_its_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("payment_provider") == "stripe" and not (key and key.get_secret_value()):
            raise ValueError("is needed when UNBUY_PAYMENT_PROVIDER is stripe")
        return key


def _is_signing_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except ValueError:
        return False
    return secret.startswith(_SIGNING) and 24 <= len(key) <= 64


def _is_address(url: str, schemes: Sequence[str]) -> bool:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return read.scheme in schemes and bool(read.host)


def complaints(error: ValidationError) -> str:
    """What is wrong with the environment, by variable, without repeating what may be a secret."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{_variable(str(it['loc'][0]))}: {it['msg']}" for it in problems) + "."


def _variable(name: str) -> str:
    # An alias is the whole name of its variable.
    return name if name.isupper() else f"UNBUY_{name.upper()}"
