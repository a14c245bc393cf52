"""What a process reads from its environment: addresses, sizes and limits of this installation.

How long a party has to act is not here but in the policy of each order. The connection to Temporal
is configured by Temporal's own variables (`TEMPORAL_ADDRESS` and its siblings).
"""

import re
from datetime import timedelta
from typing import Annotated, Literal

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
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]

# A path, or the bucket of S3 (3 to 63 characters) and a prefix without empty or relative parts.
_PROOF_STORE = re.compile(
    r"(?!\s)(?:(?!.*://)[^\0]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.?(/|$))[\w.!*'()-]+)*/?)(?<!\s)"
)


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
            raise ValueError("must be a directory, or a bucket written as s3://bucket/prefix")
        return address

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
