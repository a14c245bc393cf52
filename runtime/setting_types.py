"""The types of settings, each with what must hold of a value."""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Final, Literal

import httpx
import limits
from annotated_types import Gt
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from adapters.notifications.smtp_url import SmtpServer
from i18n.current import gettext

_EXTRAS: Final = {
    "apprise": "apprise",
    "easypost": "easypost",
    "postgresql": "asyncpg",
    "s3": "obstore",
    "stripe": "stripe",
}
"""The extras, each with the package that it brings."""

_SIGNING: Final = "whsec_"

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


def is_url(text: str, schemes: Sequence[str]) -> bool:
    """Whether this is the URL of a host, with one of these schemes."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in schemes and bool(url.host)


def keeps_secrets(url: str) -> bool:
    """Whether what is sent to this address can be read by nobody on the way."""
    here = ("localhost", "127.0.0.1", "::1")
    return is_url(url, ("https",)) or (is_url(url, ("http",)) and httpx.URL(url).host in here)


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _database(url: str) -> str:
    if url.startswith("postgresql"):
        require_extra("postgresql")
    return url


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


def _issuer(url: str) -> str:
    if url and not keeps_secrets(url):
        raise ValueError(gettext("must begin with https:// (http:// only for this machine itself)"))
    return url


def _mail_server(url: SecretStr) -> SecretStr:
    SmtpServer.of(url.get_secret_value())
    return url


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
                gettext("number {number} is not whsec_ and 24 to 64 bytes in base64", number=number)
            )
    return secrets


def _is_signing_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except ValueError:
        return False
    return secret.startswith(_SIGNING) and 24 <= len(key) <= 64


LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]
PositiveDuration = Annotated[timedelta, Gt(timedelta(0))]
Port = Annotated[int, Field(ge=1, le=65535)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several, separated by commas."""
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
"""Several secrets, separated by commas."""
LongSecret = Annotated[SecretStr, Field(min_length=32)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
ProviderName = Annotated[Literal["local", "stripe"], AfterValidator(_payment_provider)]
PublicUrl = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
IssuerUrl = Annotated[str, AfterValidator(_issuer)]
Rate = Annotated[str, AfterValidator(_rate)]
RateStorage = Annotated[str, AfterValidator(_asynchronous)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_mail_server)]
SigningSecrets = Annotated[Secrets, AfterValidator(_signing_secrets)]
EasyPostKey = Annotated[SecretStr, AfterValidator(_easypost_key)]
ProofStoreAddress = Annotated[str, AfterValidator(_proof_store)]
