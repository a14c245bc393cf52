"""Case 30: one caller's requests wait for each other, and nobody else waits for them."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from database.connection import Database
from database.order_lists import ListReader, SqlOrderLists
from gateway import limits
from gateway.limits import AT_ONCE, MOST_WAITING, Turns
from gateway.problems import TooManyRequests
from orders.listed import ListedOrder
from testing.pictures import PHOTO
from tests.gateway.browsing import sign_in
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.problem import must_be_problem


async def test_a_callers_turns_are_limited_and_nobody_elses() -> None:
    turns, go_on, inside = Turns(), asyncio.Event(), 0

    async def work() -> None:
        nonlocal inside
        async with turns.take("anna"):
            inside += 1
            await go_on.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE + MOST_WAITING):
            group.create_task(work())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert inside == AT_ONCE
        with pytest.raises(TooManyRequests):
            async with turns.take("anna"):
                pass
        async with turns.take("ben"):
            go_on.set()
    assert inside == AT_ONCE + MOST_WAITING
    assert turns._lines == {}


async def test_who_waits_too_long_is_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WAITING", timedelta(0))
    turns = Turns()
    async with AsyncExitStack() as stack:
        for _ in range(AT_ONCE):
            await stack.enter_async_context(turns.take("anna"))
        with pytest.raises(TooManyRequests) as refused:
            await stack.enter_async_context(turns.take("anna"))
        assert refused.value.headers == {"Retry-After": "1"}
    async with turns.take("anna"):
        pass


async def test_a_flood_of_lists_is_refused_and_others_are_answered(
    order: HttpStory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By facts, whatever the machine: the flood holds its own turns, and the next caller has an answer."""
    at_work, most, go_on = 0, 0, asyncio.Event()
    newest = SqlOrderLists.newest

    async def slow(self: SqlOrderLists, reader: ListReader, **more: Any) -> list[ListedOrder]:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        if reader.id == order.buyer.id:
            await go_on.wait()
        at_work -= 1
        return await newest(self, reader, **more)

    monkeypatch.setattr(SqlOrderLists, "newest", slow)
    monkeypatch.setattr(limits, "WAITING", timedelta(minutes=1))
    monkeypatch.setattr("gateway.orders.DATABASE_PATIENCE", timedelta(minutes=1))
    async with (
        serving(order.system.server.client, database) as address,
        httpx.AsyncClient(base_url=address, timeout=60, verify=False) as http,
    ):
        story = HttpStory(http, order.system, order.number)
        flood = [
            asyncio.create_task(story.buyer.get("/v1/orders"))
            for _ in range(AT_ONCE + MOST_WAITING + 20)
        ]
        refused: set[asyncio.Task[httpx.Response]] = set()
        while len(refused) < 20:
            refused, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        for answer in refused:
            assert must_be_problem(answer.result(), 429)

        assert (await story.seller.get("/v1/orders")).status_code == 200
        go_on.set()
        answers = await asyncio.gather(*flood)

    assert [it.status_code for it in answers].count(200) == AT_ONCE + MOST_WAITING
    assert most == AT_ONCE + 1


async def test_each_kind_of_request_takes_a_turn(
    order: HttpStory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the pages, too; uploads have turns of their own, and what asks for no token takes none."""
    await order.place()
    async with (
        serving(order.system.server.client, database) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        story = HttpStory(http, order.system, order.number)
        browser = await sign_in(http, "buyer", story.buyer.id)
        takes, turns = Turns.take, set[str]()

        def noted(self: Turns, who: str) -> AbstractAsyncContextManager[None]:
            turns.add(who)
            return takes(self, who)

        monkeypatch.setattr(Turns, "take", noted)
        monkeypatch.setattr(limits, "AT_ONCE", 0)
        monkeypatch.setattr(limits, "MOST_WAITING", 0)
        file = {"file": ("x.jpg", PHOTO)}
        for answer in (
            await story.buyer.get("/v1/orders"),
            await story.buyer.get(story.path),
            await story.buyer.post(f"{story.path}/buyer-message", {"text": "Hello"}),
            await story.seller.post(f"{story.path}/proofs", files=file),
            await story.buyer.get(f"{story.path}/proofs/{'0' * 64}"),
            await browser.http.get("/"),
            await browser.post(f"/orders/{story.order_id}/buyer-message", text="Hello"),
        ):
            assert answer.status_code == 429, answer.request.url
            assert answer.headers["retry-after"] == "1"
        assert (await http.get("/healthz")).status_code == 200
        buyer, seller = f"buyer {story.buyer.id}", f"seller {story.seller.id}"
        assert turns == {f"requests of {buyer}", f"pages of {buyer}", f"uploads of {seller}"}
