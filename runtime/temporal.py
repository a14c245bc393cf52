"""How our programs reach Temporal and the database, and how they say that they cannot.

Temporal is found by its own environment configuration (`TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE`, ...).
"""

import asyncio
import logging
import textwrap
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache

from pydantic import SecretStr
from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RetryConfig, RPCError

from client.errors import is_unknown_namespace
from database.connection import DATABASE_ERRORS, SQLITE_BUSY_TIMEOUT, Database
from orders.sentences import sentence
from runtime.encryption import data_converter

log = logging.getLogger("unbuy.temporal")

DEFAULT_ADDRESS = "localhost:7233"

_CONNECT_WITHIN = timedelta(seconds=5)
# For a gateway, whose caller is asked to try again rather than left to wait.
_IMPATIENT = RetryConfig(max_elapsed_time_millis=1000, max_retries=3)
_LONGEST_REASON = 160

# What the SDK's transport says, and what that means to an operator.
_REASONS = (
    ("Connection refused", sentence("connection refused")),
    ("dns error", sentence("no such host")),
    ("InvalidContentType", sentence("it does not speak TLS")),
    ("certificate", sentence("its certificate is not trusted")),
    ("ConnectionReset", sentence("it closes the connection")),
    ("transport error", sentence("it does not answer as Temporal does")),
)
_LACKS_OUR_ATTRIBUTES = ("no mapping defined for search attribute", "invalid search attribute")


class BadConfiguration(Exception):
    """Temporal's environment configuration cannot be read."""


class CannotServe(Exception):
    """Something that worker or gateway needs is missing; the text says what, with the remedy."""


class Unreachable(Exception):
    """Nothing answers as Temporal does; the text names the address and says why."""


@cache
def quiet_core() -> None:
    """Have the SDK keep its warnings from standard output, amid what a command prints."""
    with suppress(RuntimeError):  # one that runs already stays as it is
        quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))


def connect_later(
    encryption_keys: Sequence[SecretStr] = (), interceptors: Sequence[Interceptor] = ()
) -> Awaitable[Client]:
    """A client of the configured Temporal service, which need not be there yet; it gives up soon.

    Raises BadConfiguration. Calls while the service is away raise RPCError, or RuntimeError before the first
    that it has answered.
    """
    return Client.connect(
        **_configuration(),
        data_converter=data_converter(encryption_keys),
        interceptors=interceptors,
        lazy=True,
        retry_config=_IMPATIENT,
    )


async def connect(
    encryption_keys: Sequence[SecretStr] = (), interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client of the configured Temporal service. Raises BadConfiguration and Unreachable."""
    config = _configuration()
    try:
        async with asyncio.timeout(_CONNECT_WITHIN.total_seconds()):
            return await Client.connect(
                **config,
                data_converter=data_converter(encryption_keys),
                interceptors=interceptors,
            )
    except (RuntimeError, TimeoutError, ValueError) as error:
        raise Unreachable(
            sentence(
                "Temporal at {address} cannot be reached ({why}).",
                address=config["target_host"],
                why=_reason(error),
            )
        ) from None


async def wait_for_temporal(
    encryption_keys: Sequence[SecretStr] = (), interceptors: Sequence[Interceptor] = ()
) -> Client:
    """The same; waits, saying so in the log, while it cannot be reached. Raises BadConfiguration."""
    pause = 1.0
    while True:
        try:
            return await connect(encryption_keys, interceptors)
        except Unreachable as error:
            log.warning("%s TEMPORAL_ADDRESS names it; trying again in %.0f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)


async def open_database(url: str, patience: timedelta = SQLITE_BUSY_TIMEOUT) -> Database:
    """The database of a server's settings. Raises CannotServe."""
    try:
        return await Database.open(url, patience)
    except DATABASE_ERRORS as error:
        raise CannotServe(
            sentence(
                "The database cannot be opened ({why}). UNBUY_DATABASE_URL says where it is.",
                why=first_line(error),
            )
        ) from error


def why_refused(client: Client, error: RPCError) -> str:
    """Why Temporal refused a call, as a sentence with the remedy where we know one."""
    address, namespace = client.service_client.config.target_host, client.namespace
    if is_unknown_namespace(error):
        return sentence(
            "Temporal at {address} has no namespace {namespace}. Set TEMPORAL_NAMESPACE to one that "
            "it has, or make it: temporal operator namespace create --namespace {namespace}",
            address=address,
            namespace=namespace,
        )
    if any(text in error.message for text in _LACKS_OUR_ATTRIBUTES):
        return sentence(
            "Namespace {namespace} of Temporal at {address} does not know our search attributes yet. "
            "Start a worker once first: it registers them.",
            namespace=namespace,
            address=address,
        )
    return sentence(
        "Temporal at {address} refused the request: {why}.",
        address=address,
        why=first_line(error).rstrip("."),
    )


def first_line(error: BaseException | None) -> str:
    """What an error says, in one line."""
    if isinstance(error, TimeoutError) and not str(error):
        return sentence("no answer in time")
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _configuration() -> ClientConnectConfig:
    try:
        config = ClientConfig.load_client_connect_config()
    except (RuntimeError, OSError, ValueError) as error:
        raise BadConfiguration(
            sentence("Temporal's configuration cannot be read: {why}", why=first_line(error))
        ) from None
    config.setdefault("target_host", DEFAULT_ADDRESS)
    return config


def _reason(error: Exception) -> str:
    for text, meaning in _REASONS:
        if text in str(error):
            return meaning
    return textwrap.shorten(first_line(error), _LONGEST_REASON, placeholder=" ...")
