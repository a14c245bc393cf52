"""Reads request bodies, limited in size, in time, and in what all of them need together (case 87)."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from gateway.limits import address_of
from gateway.problems import (
    BadRequest,
    ContentTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    WrongType,
)
from orders.sentences import sentence

LARGEST: Final = 64 * 1024
"""Bytes of a JSON body (contract)."""

WITHIN: Final = timedelta(seconds=10)
"""How long a body may take to arrive."""

ROOM: Final = 16 * 1024 * 1024
"""Bytes of all bodies that are arriving, as large as each may be; beyond it who has most gives one up."""

_FAIR: Final = ROOM // 4
"""Whoever had more of it than this is told that it was too much."""

_AT_ONCE: Final = 0.0


@dataclass(eq=False, slots=True)
class _Arriving:
    """A body: whose it is, how large it may be, and whether its sender had too much when it gave up."""

    who: str
    largest: int
    patience: asyncio.Timeout
    was_too_much: bool = False


_arriving: list[_Arriving] = []


async def read(request: Request, largest: int = LARGEST) -> bytes:
    """The whole body.

    Raises ContentTooLarge as soon as the limit is passed, RequestTimeout, TooManyRequests and
    ServiceUnavailable.
    """
    who = request.scope.get("unbuy.party") or address_of(request)
    too_large = ContentTooLarge(
        sentence("At most {largest} bytes are accepted here.", largest=largest)
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(WITHIN.total_seconds()) as patience:
            arriving = _Arriving(who, largest, patience)
            with _among_others(arriving):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > largest:
                        raise too_large
    except TimeoutError:
        if patience.when() == _AT_ONCE:
            if arriving.was_too_much:
                raise TooManyRequests(
                    sentence("Too many of your bodies are arriving at once; send it again."), 1
                ) from None
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
def _among_others(body: _Arriving) -> Iterator[None]:
    """Make room for a body: one that comes at once is read at once, however many come slowly."""
    _arriving.append(body)
    while sum(it.largest for it in _arriving) > ROOM:
        taken = Counter[str]()
        for each in _arriving:
            taken[each.who] += each.largest
        [(most, size)] = taken.most_common(1)
        oldest = next(it for it in _arriving if it.who == most)
        _arriving.remove(oldest)
        oldest.was_too_much = size > _FAIR
        oldest.patience.reschedule(_AT_ONCE)
    try:
        yield
    finally:
        with suppress(ValueError):
            _arriving.remove(body)


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
