"""Reads request bodies, limited in size and time."""

import asyncio
from datetime import timedelta
from typing import Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from gateway.problems import BadRequest, ContentTooLarge, RequestTimeout, WrongType
from orders.sentences import sentence

LARGEST: Final = 64 * 1024
"""Bytes of a JSON body (contract)."""

WITHIN: Final = timedelta(seconds=10)
"""How long a body may take to arrive."""


async def read(request: Request, largest: int = LARGEST) -> bytes:
    """The whole body. Raises ContentTooLarge as soon as the limit is passed, and RequestTimeout."""
    too_large = ContentTooLarge(
        sentence("At most {largest} bytes are accepted here.", largest=largest)
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise too_large
    except TimeoutError:
        raise RequestTimeout(
            sentence(
                "The body did not arrive within {seconds} seconds; send it again.",
                seconds=f"{WITHIN.total_seconds():.0f}",
            )
        ) from None
    except ClientDisconnect:
        raise BadRequest(sentence("The body broke off.")) from None
    return bytes(body)


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
