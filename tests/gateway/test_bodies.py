"""Bodies that come slowly, many at a time (case 87)."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.types import Message

from adapters.stripe.events import LARGEST
from database.connection import Database
from demo.waiting import until
from gateway import bodies
from gateway.problems import Problem, ServiceUnavailable
from tests.gateway.conftest import HttpStory, serving, token

MANY = 150


@pytest_asyncio.fixture(loop_scope="session")
async def shop(order: HttpStory, database: Database) -> AsyncIterator[str]:
    stripe = {
        "payment_provider": "stripe",
        "stripe_api_key": "sk_test_unbuy",
        "stripe_webhook_secrets": "whsec_1",
    }
    async with serving(order.system.server.client, database, **stripe) as address:
        yield address


async def test_slow_webhook_bodies_of_strangers_need_little_memory(shop: str) -> None:
    """Case 87: the oldest are told to come again, and one that comes at once is read.

    They are told so who have most of them: a slow body that somebody else began before is read to its end.
    """
    url = httpx.URL(shop)
    slow = "POST /v1/orders/none/buyer-message HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n"
    slow += (
        f"Content-Type: application/json\r\nAuthorization: Bearer {token('buyer', 'slow')}\r\n\r\n"
    )
    head = f"POST /v1/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST}\r\n\r\n"
    async with AsyncExitStack() as stack:
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        opened = []
        said, writing = await asyncio.open_connection(url.host, url.port)
        stack.callback(writing.transport.abort)
        writing.write(slow.encode() + b'{"text"')
        await until(lambda: [it.who for it in bodies._arriving], lambda seen: seen == ["slow"])
        for _ in range(MANY):
            reader, writer = await asyncio.open_connection(url.host, url.port)
            stack.callback(writer.transport.abort)
            writer.write(head.encode() + b" " * (LARGEST - 1))
            await writer.drain()
            opened.append((reader, writer))
        async with asyncio.timeout(20):
            for reader, _ in opened[: MANY - bodies.ROOM // LARGEST]:
                assert (await reader.readline()).startswith(b"HTTP/1.1 429 ")
        async with httpx.AsyncClient(base_url=shop, verify=False) as http:
            answer = await http.post("/v1/webhooks/stripe", content=b"{}")
        _, peak = tracemalloc.get_traced_memory()
        writing.write(b':"Hi"}')
        async with asyncio.timeout(20):
            assert (await said.readline()).startswith(b"HTTP/1.1 404 ")

    assert answer.status_code == 401
    assert peak < 50 * 1024 * 1024


async def test_whoever_had_little_when_there_was_no_more_room_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of as much as others have the oldest gives up, and it is not their fault."""
    monkeypatch.setattr(bodies, "_arriving", [])
    told: list[type[Problem]] = []

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(number: int) -> None:
        address = (f"192.0.2.{number}", 80)
        request = Request({"type": "http", "headers": [], "client": address}, never)
        try:
            await bodies.read(request, bodies.ROOM // 8)
        except Problem as problem:
            told.append(type(problem))

    sending = [asyncio.create_task(send(number)) for number in range(9)]
    await asyncio.wait({sending[0]})
    for each in sending:
        each.cancel()
    assert told == [ServiceUnavailable]
