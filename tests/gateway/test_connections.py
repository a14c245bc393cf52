"""Connections that say nothing, half a request, or never read (case 86)."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from database.connection import Database
from gateway import connections
from gateway.connections import LARGEST_HEAD, QuietAccepting, most_connections
from tests.gateway.conftest import HttpStory, serving, token

SAYS = {
    "nothing": b"",
    "a word": b"GET",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
    "half a second head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n",
    "half a body that nobody reads": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
}


@asynccontextmanager
async def _connected(
    address: str, said: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(said)
        yield reader, writer
    finally:
        writer.transport.abort()


async def _ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the gateway ended the connection."""
    got = b""
    async with asyncio.timeout(20):
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                got += chunk
    return got


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", timedelta(milliseconds=300))
    monkeypatch.setattr(connections, "READ_WITHIN", timedelta(milliseconds=600))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("said", SAYS.values(), ids=SAYS)
async def test_a_connection_that_keeps_us_waiting_is_ended(address: str, said: bytes) -> None:
    """Case 86: also when it says a little more from time to time."""
    async with _connected(address, said) as (reader, writer):

        async def trickle() -> None:
            while said:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        await _ended(reader)
        trickling.cancel()


@pytest.mark.usefixtures("impatient")
async def test_a_connection_may_rest_between_two_requests_but_not_within_one(address: str) -> None:
    """Clients use one again after seconds; half a request on it is a request that keeps us waiting."""
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with _connected(address, asked) as (reader, writer), _connected(address, b"") as silent:
        await reader.readuntil(b"\r\n\r\n")
        await _ended(silent[0])
        writer.write(asked)
        assert b"HTTP/1.1 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(asked[:20])
        await _ended(reader)


@pytest_asyncio.fixture(loop_scope="session")
async def small(order: HttpStory) -> AsyncIterator[str]:
    """A gateway that has at most eight connections at once."""
    database = await Database.open(order.system.database_url)
    async with serving(order.system.server.client, database, most_connections=8) as address:
        yield address
    await database.close()


async def test_waiting_connections_give_way_to_new_ones(small: str) -> None:
    """Case 86: the oldest first, and not those that are being answered."""
    async with AsyncExitStack() as stack:
        silent = [
            await stack.enter_async_context(_connected(small, SAYS["half a head"]))
            for _ in range(20)
        ]
        async with httpx.AsyncClient(base_url=small, verify=False) as http:
            assert (await http.get("/healthz")).status_code == 200
        for reader, _ in silent[:12]:
            assert await _ended(reader) == b""
        reader, writer = silent[-1]
        writer.write(b"b\r\nConnection: close\r\n\r\n")
        assert (await _ended(reader)).startswith(b"HTTP/1.1 200 ")


async def test_a_watcher_does_not_give_way(small: str, order: HttpStory) -> None:
    """Case 86: it says nothing for hours, and has said all that it has to say."""
    await order.place()
    signed = f"Authorization: Bearer {token('buyer', order.buyer.id)}"
    watch = f"GET {order.path}/events HTTP/1.1\r\nHost: x\r\n{signed}\r\n\r\n".encode()
    async with AsyncExitStack() as stack:
        reader, _ = await stack.enter_async_context(_connected(small, watch))
        async with asyncio.timeout(20):
            await reader.readuntil(b"event: order")
            for _ in range(20):
                await stack.enter_async_context(_connected(small, b""))
            await order.buyer.post(f"{order.path}/buyer-message", {"text": "Still there?"})
            await reader.readuntil(b"Still there?")


@pytest.mark.usefixtures("impatient")
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can")
async def test_an_answer_that_nobody_reads_is_given_up(address: str) -> None:
    """Case 86: megabytes, more than the kernel takes."""
    asked = b"GET /docs/ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
    async with _connected(address, asked * 50) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                while True:
                    writer.write(b"GET")
                    await writer.drain()
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize("line", [b"X-A: " + b"b" * 40_000, b"a:\r\n" * 10_000])
async def test_a_head_is_judged_before_it_is_parsed(
    address: str, before: bytes, line: bytes
) -> None:
    """Of a head that is too large no more is looked at than it may have; also behind another request."""
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    async with _connected(address, before + head + line + b"\r\n\r\n") as (reader, _):
        got = await _ended(reader)
    # Its 400 may be lost on the way: the connection ends with most of it unread.
    assert got.count(b"HTTP/1.1 200 ") == bool(before)

    fits = b"X-A: " + b"b" * (LARGEST_HEAD - 200) + b"\r\nConnection: close\r\n\r\n"
    async with _connected(address, before + head + fits) as (reader, _):
        assert (await _ended(reader)).count(b"HTTP/1.1 200 ") == 1 + bool(before)


@pytest.mark.parametrize("is_signed", [True, False])
async def test_a_body_in_too_many_small_chunks_is_refused(
    address: str, order: HttpStory, is_signed: bool
) -> None:
    """Case 87: 60,000 of a byte took 0.4 s of everybody's time. Whether it is read or was answered unread."""
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    if is_signed:
        signed = f"Authorization: Bearer {token('buyer', order.buyer.id)}\r\n"
        head += signed.encode() + b"Content-Type: application/json\r\n"
    last = b"2\r\n{}\r\n0\r\n\r\n"
    another = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    for chunk, number in ((b"1\r\n \r\n", 3000), (b"3F\r\n" + b" " * 63 + b"\r\n", 90_000)):
        said = head + b"\r\n" + chunk * number + last + another
        async with _connected(address, said) as (reader, _):
            assert b"HTTP/1.1 200 " not in await _ended(reader)
    few = head + b"Connection: close\r\n\r\n" + b"1\r\n \r\n" * 1000
    async with _connected(address, few + b"400\r\n" + b" " * 1024 + b"\r\n" + last) as (reader, _):
        status = b"422" if is_signed else b"401"
        assert (await _ended(reader)).startswith(b"HTTP/1.1 " + status)


async def test_pipelined_requests_are_answered_one_after_another(address: str) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    last = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with _connected(address, asked + last) as (reader, _):
        got = await _ended(reader)

    assert got.count(b"HTTP/1.1 200 ") == 201
    assert got.endswith(b'{"status":"ready"}')


async def test_a_malformed_body_writes_no_error_into_the_log(
    address: str, order: HttpStory, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether its request waits for it or has been answered already."""
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    json_ = b"Content-Type: application/json\r\n"
    signed = f"Authorization: Bearer {token('buyer', order.buyer.id)}\r\n".encode()
    logging.getLogger("uvicorn.error").addHandler(caplog.handler)

    for body in (b"-2\r\n{}\r\n", b"2\r\n{}\r\nzz\r\n", b"2\r\n{}\r\n0\r\nA\r\n\r\n"):
        for who in (signed, b"", b"Content-Encoding: gzip\r\n"):
            async with _connected(address, head + json_ + who + b"\r\n" + body) as (reader, _):
                assert (await _ended(reader)).startswith(b"HTTP/1.1 400 ")
    async with _connected(address, head + b"\r\n") as (reader, writer):
        async with asyncio.timeout(20):
            await reader.readuntil(b"}")
        writer.write(b"zz\r\n")
        assert await _ended(reader) == b""

    logging.getLogger("uvicorn.error").removeHandler(caplog.handler)
    assert [it for it in caplog.records if it.levelno >= logging.ERROR] == []


async def test_accepting_that_fails_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Case 86: asyncio reports it for each connection that waits; other errors are reported as ever."""
    loop, handler = asyncio.get_running_loop(), QuietAccepting()
    full = OSError(errno.EMFILE, "Too many open files")
    for _ in range(1000):
        handler(loop, {"message": "socket.accept() out of system resource", "exception": full})
    handler(loop, {"message": "Task exception was never retrieved", "exception": OSError("x")})

    said = [it.getMessage().partition("\n")[0] for it in caplog.records]
    assert said == [
        "Connections cannot be accepted: Too many open files",
        "Task exception was never retrieved",
    ]


def test_there_are_files_left_beside_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 86: with a limit of 1,024 files, which many shells have."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)

    assert most_connections(1000) == 640
