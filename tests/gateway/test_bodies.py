"""Bodies that come slowly, many at a time (case 87)."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest_asyncio

from adapters.stripe.events import LARGEST
from database.connection import Database
from gateway import bodies
from tests.gateway.conftest import HttpStory, serving

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
    """Case 87: the oldest are told to come again, and one that comes at once is read."""
    url = httpx.URL(shop)
    head = f"POST /v1/webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST}\r\n\r\n"
    async with AsyncExitStack() as stack:
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        opened = []
        for _ in range(MANY):
            reader, writer = await asyncio.open_connection(url.host, url.port)
            stack.callback(writer.transport.abort)
            writer.write(head.encode() + b" " * (LARGEST - 1))
            await writer.drain()
            opened.append((reader, writer))
        async with asyncio.timeout(20):
            for reader, _ in opened[: MANY - bodies.ROOM // LARGEST]:
                assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
        async with httpx.AsyncClient(base_url=shop, verify=False) as http:
            answer = await http.post("/v1/webhooks/stripe", content=b"{}")
        _, peak = tracemalloc.get_traced_memory()

    assert answer.status_code == 401
    assert peak < 50 * 1024 * 1024
