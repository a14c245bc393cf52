"""The types of settings, each with what must hold of a value."""

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Annotated, Final, Literal

import httpx
import limits
from annotated_types import Ge, Gt
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from adapters.notifications.addresses import sender_of
from adapters.notifications.smtp_url import SmtpServer
from i18n.current import gettext
from i18n.negotiation import find_zone
from runtime.encryption import EncryptionKey

_EXTRAS: Final = {
    "apprise": "apprise",
    "easypost": "easypost",
    "postgresql": "asyncpg",
    "s3": "obstore",
    "stripe": "stripe",
    "tracing": "opentelemetry.sdk",
}
"""The extras, each with the package that it brings."""

_SIGNING: Final = "whsec_"
_FEWEST_BYTES: Final = 12
"""How many different ones a key has: of 24 random ones some 23 differ."""
_FEWEST_PAIRS: Final = 18
"""How many different pairs of neighbours a secret has: one that repeats a shorter text has as many as that
is long. Of 32 random hexadecimal digits some 29 differ, of 32 decimal ones 27."""

# A path, or the bucket of S3 (3 to 63 characters) and a prefix without empty or relative parts.
_PROOF_STORE: Final = re.compile(
    r"(?!\s)(?:(?!.*://)[^\0]+|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.?(/|$))[\w.!*'()-]+)*/?)(?<!\s)"
)


def has_extra(extra: str) -> bool:
    """Whether the package of an extra is installed."""
    return find_spec(_EXTRAS[extra]) is not None


def require_extra(extra: str) -> None:
    """Raise ValueError, which says how to install it, where the package of an extra is missing."""
    if not has_extra(extra):
        raise ValueError(
            gettext(
                "needs the package {package}, which is not installed: pip install 'unbuy[{extra}]', or in "
                "a checkout `make setup`",
                package=_EXTRAS[extra],
                extra=extra,
            )
        )


def _traces_url(url: str) -> str:
    require_extra("tracing")
    if not is_url(url, ("http", "https")):
        raise ValueError(gettext("is not an address that begins with https:// or http://"))
    return url


TracesUrl = Annotated[str, AfterValidator(_traces_url)]
"""Where a collector takes traces."""


def is_url(text: str, schemes: Sequence[str]) -> bool:
    """Whether this is the URL of a host, with one of these schemes."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in schemes and bool(url.host)


def keeps_secrets(url: str) -> bool:
    """Whether what is sent to this address can be read by nobody on the way."""
    return is_url(url, ("https",)) or (
        is_url(url, ("http",)) and is_this_machine(httpx.URL(url).host)
    )


def is_this_machine(host: str) -> bool:
    """Whether only this machine itself can reach the host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _database(url: str) -> str:
    if url.startswith("postgres"):
        require_extra("postgresql")
    return url


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    if len(set(pairwise(secret.get_secret_value()))) < _FEWEST_PAIRS:
        raise ValueError(
            gettext("repeats itself, and can be guessed: `openssl rand -base64 33` makes a secret")
        )
    return secret


def _rate(text: str) -> str:
    try:
        limits.parse(text)
    except ValueError:
        raise ValueError(
            gettext("must be a number of requests in a time, such as 300/minute")
        ) from None
    return text


def _networks(names: tuple[str, ...]) -> tuple[str, ...]:
    with suppress(ValueError):
        networks = [ip_network(name, strict=False) for name in names]
        # Of all there are, any caller could say where it comes from.
        if all(network.prefixlen for network in networks):
            return tuple(map(str, networks))
    raise ValueError(
        gettext(
            "must be addresses or networks, such as 10.0.0.7,10.1.0.0/16, and not all that there are"
        )
    )


def _rate_storage(uri: SecretStr) -> SecretStr:
    scheme, separator, _ = uri.get_secret_value().partition("://")
    if not (separator and scheme.startswith("async+")):
        raise ValueError(
            gettext("must be a URI that begins with async+, such as async+redis://host:6379")
        )
    return uri


def _issuer(url: str) -> str:
    if url and not keeps_secrets(url):
        raise ValueError(gettext("must begin with https:// (http:// only for this machine itself)"))
    return url


def _mail_server(url: SecretStr) -> SecretStr:
    SmtpServer.of(url.get_secret_value())
    return url


def _time_zone(name: str) -> str:
    if find_zone(name) is None:
        raise ValueError(gettext("must be an IANA time zone, such as Europe/Warsaw"))
    return name


def _mail_address(text: str) -> str:
    try:
        sender_of(text)
    except ValueError:
        raise ValueError(gettext("is not a mail address such as help@example.org")) from None
    return text


def _easypost_key(key: SecretStr) -> SecretStr:
    if key.get_secret_value():
        require_extra("easypost")
    return key


def _payment_provider(name: str) -> str:
    if name == "stripe":
        require_extra("stripe")
    return name


def _proof_store(address: str) -> str:
    if not _PROOF_STORE.fullmatch(address):
        raise ValueError(gettext("must be a directory, or a bucket written as s3://bucket/prefix"))
    if address.startswith("s3://"):
        require_extra("s3")
    return address


def _signing_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for number, secret in enumerate(secrets, 1):
        if not _is_signing_secret(secret.get_secret_value()):
            raise ValueError(
                gettext(
                    "number {number} is not whsec_ and 24 to 64 random bytes in base64",
                    number=number,
                )
            )
    return secrets


def _is_signing_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except ValueError:
        return False
    is_long = 24 <= len(key) <= 64
    return secret.startswith(_SIGNING) and is_long and len(set(key)) >= _FEWEST_BYTES


def _encryption_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for number, key in enumerate(keys, 1):
        try:
            parsed = EncryptionKey.parse(key.get_secret_value())
        except ValueError:
            parsed = None
        if parsed is None or len(set(parsed.secret)) < _FEWEST_BYTES:
            raise ValueError(
                gettext(
                    "number {number} is not an id, a colon and 32 random bytes in base64, such as `openssl "
                    "rand -base64 32` makes",
                    number=number,
                )
            )
    return keys


LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]
RetentionPeriod = Annotated[timedelta, Ge(timedelta(days=1))]
"""For how long something is kept: what is repeated, is repeated within hours."""
Port = Annotated[int, Field(ge=1, le=65535)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several, separated by commas."""
Networks = Annotated[Listed, AfterValidator(_networks)]
"""IP addresses and networks, separated by commas."""
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
"""Several secrets, separated by commas."""
LongSecret = Annotated[SecretStr, Field(min_length=32), AfterValidator(_hard_to_guess)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
ProviderName = Annotated[Literal["local", "stripe"], AfterValidator(_payment_provider)]
PublicUrl = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
IssuerUrl = Annotated[str, AfterValidator(_issuer)]
Scopes = Annotated[str, Field(pattern=r"^([!#-\[\]-~]+ )*openid( [!#-\[\]-~]+)*$")]
"""Scopes of RFC 6749, openid among them."""
Rate = Annotated[str, AfterValidator(_rate)]
RateStorage = Annotated[SecretStr, AfterValidator(_rate_storage)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_mail_server)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SigningSecrets = Annotated[Secrets, AfterValidator(_signing_secrets)]
EncryptionKeys = Annotated[Secrets, AfterValidator(_encryption_keys)]
EasyPostKey = Annotated[SecretStr, AfterValidator(_easypost_key)]
ProofStoreAddress = Annotated[str, AfterValidator(_proof_store)]
