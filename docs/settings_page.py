"""docs/settings.md: every setting once, from ``runtime.settings``."""

import re
from datetime import timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from runtime.settings import Settings, variable

_DOCUMENT = re.compile(r"docs/([a-z-]+\.md)")

SECTIONS = {
    "database_url": "Storage and logs",
    "idempotency_key_retention": "Retention",
    "worker_processes": "Workers",
    "payment_provider": "Payments",
    "gateway_host": "Gateway",
    "token_secret": "Signing in",
    "public_url": "Pages",
    "smtp_url": "Notifications",
    "allow_private_webhooks": "Webhooks",
    "easypost_api_key": "Tracking numbers",
}
"""The first setting of each section."""

_KINDS = {
    bool: "switch",
    int: "number",
    float: "number",
    timedelta: "duration",
    SecretStr: "secret",
    str: "text",
}

_INTRODUCTION = """\
# Settings

Generated from `runtime/settings.py` by `make docs-tables`.

Workers, gateway and commands read these variables from their environment when they start. When one is wrong
they say which, and do not start. A duration is written as in ISO 8601 (`PT30S`, `P7D`), a list with commas, a
switch as `true` or `false`. Secrets are never logged.

How long people have to act is not set here: it is in each order's policy ([contract.md](contract.md)).
"""

_ELSEWHERE = """
## Variables that are not ours alone

| variable | meaning |
|---|---|
| `UNBUY_LANG` | The language of commands, `en` or `pl`; else that of `LC_ALL`, `LC_MESSAGES` or `LANG` ([languages.md](languages.md)). |
| `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`, `TEMPORAL_PROFILE` | How Temporal is reached, by default `localhost:7233` and the namespace `default`. All of Temporal's own [environment configuration](https://docs.temporal.io/develop/environment-configuration) counts, files with profiles included. |
| `AWS_…` | Keys, region and endpoint of proofs on S3 ([proofs.md](proofs.md)). |
| `SSL_CERT_FILE` | By which authorities certificates of mail servers are checked ([notifications.md](notifications.md)). |
| `NO_COLOR` | Set to anything, it keeps colours out of what commands print. |
"""  # noqa: E501


def page() -> str:
    """The whole page."""
    rows = "".join(_row(name, about) for name, about in Settings.model_fields.items())
    return _INTRODUCTION + rows + _ELSEWHERE


def _row(name: str, about: FieldInfo) -> str:
    heading = (
        f"\n## {SECTIONS[name]}\n\n| variable | type | default | meaning |\n|---|---|---|---|\n"
        if name in SECTIONS
        else ""
    )
    meaning = _DOCUMENT.sub(r"[\1](\1)", " ".join((about.description or "").split()))
    cells = (f"`{variable(name)}`", _kind(about.annotation), _default(about.default), meaning)
    return f"{heading}| {' | '.join(cells)} |\n"


def _kind(annotation: Any) -> str:
    """A setting's type in a word or two."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _KINDS[annotation]
        case origin if origin in (Union, UnionType):
            return _kind(next(it for it in arguments if it is not NoneType))
        case origin if origin is Annotated:
            return _kind(arguments[0])
        case origin if origin is Literal:
            return " ".join(f"`{it}`" for it in arguments)
        case _:
            return "secrets" if arguments[0] is SecretStr else "list"


def _default(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
        case SecretStr():
            return f"`{value.get_secret_value()}`"
        case _:
            return f"`{value}`"
