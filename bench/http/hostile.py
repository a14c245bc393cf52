"""Hostile requests, in the middle of the others: what strangers send to hold up a gateway or to break it.

They come in periods, with quiet ones between them, so that what other callers wait can be compared within one
run. Each kind is told apart by its name; an answer of 5xx is a failure.
"""

import asyncio
import gzip
import itertools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import jwt

from bench.http.latency import Wait
from testing.pictures import PHOTO

LIMIT: Final = 0.25
"""Seconds that 99 of 100 requests of others stay under."""

_PERIOD: Final = 10.0
_A_SECOND: Final = 50
_ANSWERED_WITHIN: Final = 5.0
_TRICKLE_EVERY: Final = 0.5
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_NO_ANSWER: Final = 0
# Not the address of others: what strangers are refused is counted by address. Only Linux has it by itself.
_FROM: Final = ("127.0.0.2", 0) if sys.platform == "linux" else None


class Known(NamedTuple):
    """What somebody hostile has: an order, with tokens of its buyer and its seller, and another's order."""

    token: str
    seller_token: str
    order_id: str
    others_order_id: str


@dataclass
class HostileCounts:
    """Answers by kind; status 0 where a connection ended, or was kept, without one."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    waits: list[Wait] = field(default_factory=list)
    """What others waited, in all periods."""
    periods: list[tuple[float, float]] = field(default_factory=list)
    """From when until when hostile requests were made, in seconds since the epoch."""

    @property
    def requests(self) -> int:
        """All hostile requests."""
        return sum(sum(counted.values()) for counted in self.statuses.values())

    def waited(self, *, hostile: bool) -> list[float]:
        """Seconds that others waited, shortest first, while hostile requests were made or were not."""
        return sorted(
            wait.seconds
            for wait in self.waits
            if hostile
            == any(
                began < wait.began + wait.seconds and wait.began < ended
                for began, ended in self.periods
            )
        )

    def count(self, kind: str, answers: bytes | bytearray) -> None:
        """Count an exchange."""
        found = [int(status) for status in _STATUS.findall(answers)] or [_NO_ANSWER]
        self.statuses.setdefault(kind, Counter())[max(found)] += 1
        if max(found) >= 500:
            self.failures[f"{kind}: {max(found)}"] += 1

    def judge(self) -> None:
        """Fail where others were refused, or waited too long and much longer than in the quiet periods."""
        for wait in self.waits:
            if wait.status != 200:
                self.failures[f"somebody else got {wait.status}"] += 1
        hostile, quiet = (p99(self.waited(hostile=it)) for it in (True, False))
        if hostile > max(LIMIT, 2 * quiet):
            self.failures[
                f"others waited {hostile:.3f} s (p99), in quiet periods {quiet:.3f} s"
            ] += 1


def p99(ordered: list[float]) -> float:
    """What 99 of 100 are at most."""
    return ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0


def _get(path: str, *headers: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _post(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Connection: close",
        *headers,
        f"Content-Length: {len(body) if length is None else length}",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body


_JSON: Final = "Content-Type: application/json"
_PATHS: Final = (
    *(
        "/v1/orders/..%2f..%2fetc%2fpasswd",
        "/v1/orders/%2e%2e/%2e%2e/healthz",
        "//evil.example/%2f..",
    ),
    *(
        "/v1/orders/%00",
        "/v1/orders/%c0%ae%c0%ae",
        "/v1/orders/A%0d%0aX-A:%20b",
        "/v1/orders/%ff%fe",
    ),
    *(
        "/docs/ui/..%2f..%2f..%2fgateway/app.py",
        "/docs/ui/%2e%2e%5c%2e%2e",
        "/orders/..;/..;/metrics",
    ),
    *(
        "/static/../../pyproject.toml",
        "/.git/config",
        "/.env",
        "/v1/orders?cursor=%00&limit=1e9",
        "*",
    ),
    *("http://169.254.169.254/latest/meta-data", "/" + "a/" * 3000, "/orders/" + "%25" * 2000),
)
_CHUNKED: Final = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
_FRAMING: Final = (
    _CHUNKED + b"Content-Length: 60\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   {",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    _CHUNKED + b"\r\n-1\r\n{}\r\n0\r\n\r\n",
    _CHUNKED + b"\r\nffffffffffffffff\r\n{}\r\n",
    _CHUNKED + b"\r\n2;" + b"x" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
    _CHUNKED + b"\r\n" + b"1\r\n{\r\n" * 30_000 + b"0\r\n\r\n",
    _CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-A: " + b"b" * 70_000 + b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: x\n\n",
    b"GET  /healthz  HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
)
_BODIES: Final = (
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'{"order_id": ' + b"9" * 60_000 + b"}",
    b"{" + b",".join(b'"k%d":1' % n for n in range(6000)) + b"}",
    b'{"order_id":"\\ud800"}',
    b"\xff" * 60_000,
    json.dumps({"order_id": "A" * 60_000}).encode(),
)
_BOMB: Final = gzip.compress(bytes(20_000_000))
_BOUNDARY: Final = "multipart/form-data; boundary=b"
_PARTS: Final = b"--b\r\nContent-Disposition: form-data; name=kind\r\n\r\nphoto\r\n" * 700
_PHOTO_PARTS: Final = (
    b"--b\r\nContent-Disposition: form-data; name=kind\r\n\r\nphoto\r\n"
    b"--b\r\nContent-Disposition: form-data; name=file; filename=x.jpg\r\n\r\n"
    + PHOTO
    + b"\r\n--b--\r\n"
)
_FOREIGN: Final = jwt.encode(
    {"sub": "a", "role": "support", "exp": 2**40}, "x" * 32, algorithm="HS256"
)
_UNSIGNED: Final = jwt.encode({"sub": "a", "role": "support", "exp": 2**40}, "", algorithm="none")

Payload = Callable[[random.Random, Known], bytes]


def _signed(known: Known) -> str:
    return f"Authorization: Bearer {known.token}"


def _upload(known: Known, body: bytes, length: int | None = None) -> bytes:
    return _post(
        f"/v1/orders/{known.order_id}/proofs",
        body,
        f"Content-Type: {_BOUNDARY}",
        f"Authorization: Bearer {known.seller_token}",
        length=length,
    )


def _any_token(chance: random.Random, known: Known) -> bytes:
    head, _, rest = known.token.partition(".")
    tokens = (_FOREIGN, _UNSIGNED, f"{head}.{rest[:-2]}AA", "a.b.c", "." * 9000, "x" * 15_000)
    return _get(f"/v1/orders/{known.order_id}", f"Authorization: Bearer {chance.choice(tokens)}")


def _any_cookie(chance: random.Random, known: Known) -> bytes:
    values = (_FOREIGN, known.token, "x" * 14_000, '"\\', "a=b; " * 2000, "\udcff\udcfe")
    return _get("/", f"Cookie: unbuy={chance.choice(values)}; lang=../../x; zone={'Z' * 300}")


ONCE: Final[dict[str, Payload]] = {
    "huge head": lambda chance, _: _get(
        "/healthz", f"X-A: {'b' * chance.choice((18_000, 90_000))}"
    ),
    "many headers": lambda *_: _get("/healthz", *("X-A: b",) * 20_000),
    "huge body": lambda _, known: _post("/v1/orders", bytes(300_000), _JSON, _signed(known)),
    "hard body": lambda chance, known: _post(
        "/v1/orders", chance.choice(_BODIES), _JSON, _signed(known)
    ),
    "compressed body": lambda chance, known: _post(
        *("/v1/orders", _BOMB[:60_000], _JSON, _signed(known)),
        f"Content-Encoding: {chance.choice(('gzip', 'deflate', 'br', 'zstd', 'gzip, gzip'))}",
    ),
    "bad framing": lambda chance, _: chance.choice(_FRAMING),
    "path trick": lambda chance, _: _get(chance.choice(_PATHS)),
    "foreign token": _any_token,
    "foreign cookie": _any_cookie,
    "somebody else's order": lambda _, known: _get(
        f"/v1/orders/{known.others_order_id}", _signed(known)
    ),
    "bad upload": lambda chance, known: _upload(
        known, chance.choice((_PARTS, _PARTS[:-9], b"--b" * 9000, b"--b--"))
    ),
    "flood of uploads": lambda _, known: _upload(known, _PHOTO_PARTS),
    "forged webhook": lambda *_: _post(
        "/v1/webhooks/stripe", bytes(200_000), f"Stripe-Signature: t={2**31},v1={'0' * 64}"
    ),
    "flood of one caller": lambda _, known: (
        _get("/v1/orders", _signed(known)).replace(b"Connection: close\r\n", b"") * 20
    ),
    "flood of a stranger": lambda *_: _get("/metrics"),
}
"""Said at once."""

KEPT: Final[dict[str, Payload]] = {
    "silence": lambda *_: b"",
    "half a head": lambda *_: b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a body": lambda _, known: _post("/v1/orders", b"{", _JSON, _signed(known), length=60_000),
    "half an upload": lambda _, known: _upload(known, b"--b\r\n", 9_000_000),
    "answer unread": lambda *_: _get("/docs/ui/swagger-ui-bundle.js"),
    "event stream": lambda _, known: _get(f"/v1/orders/{known.order_id}/events", _signed(known)),
}
"""Said in part, with a little more now and then, and kept open until the gateway or the period ends."""

_SHARE_KEPT: Final = 0.25


@dataclass(frozen=True)
class Hostility:
    """Hostile requests to a gateway, with all that is random by ``chance``."""

    address: str
    known: Known
    chance: random.Random
    counts: HostileCounts

    async def run(self, requests: int) -> None:
        """Quiet and hostile periods in turn, until so many hostile requests were made."""
        left = requests
        while left > 0:
            await asyncio.sleep(_PERIOD)
            now = min(left, int(_PERIOD * _A_SECOND))
            left -= now
            began = time.time()
            await self._be_hostile(now)
            self.counts.periods.append((began, time.time()))

    async def _be_hostile(self, requests: int) -> None:
        is_over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            loop = asyncio.get_running_loop()
            began = loop.time()
            for number in itertools.count(1):
                group.create_task(self._exchange(is_over))
                if number == requests:
                    break
                await asyncio.sleep(began + number / _A_SECOND - loop.time())
            is_over.set()

    async def _exchange(self, is_over: asyncio.Event) -> None:
        is_kept = self.chance.random() < _SHARE_KEPT
        kinds = KEPT if is_kept else ONCE
        kind = self.chance.choice(list(kinds))
        said, answers = kinds[kind](self.chance, self.known), bytearray()
        url = urlsplit(self.address)
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=_FROM)
            saying = asyncio.create_task(_send(writer, said, trickles=is_kept))
            waiting = asyncio.create_task(is_over.wait())
            reading = asyncio.create_task(_read(reader, answers, slowly=kind == "answer unread"))
            patience = None if is_kept else _ANSWERED_WITHIN
            ends = {reading, waiting} if is_kept else {reading}
            await asyncio.wait(ends, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            writer.transport.abort()
            for task in (saying, waiting, reading):
                task.cancel()
        self.counts.count(kind, answers)


async def _send(writer: asyncio.StreamWriter, said: bytes, *, trickles: bool) -> None:
    with suppress(OSError):
        writer.write(said)
        await writer.drain()
        while trickles and said:
            await asyncio.sleep(_TRICKLE_EVERY)
            writer.write(b"x")


async def _read(reader: asyncio.StreamReader, got: bytearray, *, slowly: bool) -> None:
    with suppress(OSError):
        while piece := await reader.read(256 if slowly else 65536):
            got += piece
            if slowly:
                await asyncio.sleep(_TRICKLE_EVERY)
