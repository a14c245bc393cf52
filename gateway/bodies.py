"""Reads request bodies, limited in size, in time, and in what all of them need together (case 87)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from gateway.problems import (
    BadRequest,
    ContentTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    WrongType,
)
from orders.sentences import sentence

LARGEST: Final = 64 * 1024
"""Bytes of a JSON body (contract)."""

WITHIN: Final = timedelta(seconds=10)
"""How long a body may take to arrive."""

ROOM: Final = 16 * 1024 * 1024
"""Bytes of all bodies that are arriving, as large as each may be; beyond it the oldest gives up."""

_AT_ONCE: Final = 0.0
_arriving: dict[asyncio.Timeout, int] = {}


async def read(request: Request, largest: int = LARGEST) -> bytes:
    """The whole body.

    Raises ContentTooLarge as soon as the limit is passed, RequestTimeout and ServiceUnavailable.
    """
    too_large = ContentTooLarge(
        sentence("At most {largest} bytes are accepted here.", largest=largest)
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN.total_seconds()) as patience:
            with _among_others(patience, largest):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > largest:
                        raise too_large
    except TimeoutError:
        if patience.when() == _AT_ONCE:
            raise ServiceUnavailable(
                sentence("Too many bodies are arriving at the moment; send it again.")
            ) from None
        raise RequestTimeout(
            sentence(
                "The body did not arrive within {seconds} seconds; send it again.",
                seconds=f"{WITHIN.total_seconds():.0f}",
            )
        ) from None
    except ClientDisconnect:
        raise BadRequest(sentence("The body broke off.")) from None
    return bytes(body)


@contextmanager
def _among_others(patience: asyncio.Timeout, largest: int) -> Iterator[None]:
    """Make room for a body: one that comes at once is read at once, however many come slowly."""
    _arriving[patience] = largest
    while sum(_arriving.values()) > ROOM:
        oldest = next(iter(_arriving))
        del _arriving[oldest]
        oldest.reschedule(_AT_ONCE)
    try:
        yield
    finally:
        _arriving.pop(patience, None)


async def read_json(request: Request) -> bytes:
    """A JSON body, or None. Raises as ``read`` does, WrongType, and BadRequest for invalid JSON.

    More than 200 levels of nesting (jiter's limit) and lone surrogates are invalid.
    """
    body = (await read(request)).strip()
    if not body:
        return b""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongType(sentence("Send the body as JSON, with Content-Type: application/json."))
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest(sentence("The body is not JSON: {error}.", error=error)) from None
    return body
