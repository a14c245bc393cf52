"""Live orders: server-sent events for whoever may see them, at no cost to the order."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from database.connection import Database
from database.order_lists import SqlOrderLists
from demo.waiting import until
from tests.gateway.conftest import HttpStory, Person, serving, token
from tests.gateway.problem import must_be_problem

MANY = 100


@dataclass
class Stream:
    """What one watcher is sent."""

    lines: AsyncIterator[str]

    async def next(self) -> tuple[int, dict[str, Any]]:
        """The next event: its id, and the view that it has."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(20):
            async for line in self.lines:
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.strip()
                elif "data" in fields:
                    assert fields["event"] == "order"
                    return int(fields["id"]), json.loads(fields["data"])
        raise EOFError("the stream has ended")

    async def ends(self) -> None:
        """Wait until nothing more comes."""
        with suppress(EOFError):
            while True:
                await self.next()

    async def until(self, status: str) -> int:
        """The id of the event in which the order has this status."""
        while True:
            number, view = await self.next()
            if view["status"] == status:
                return number


@asynccontextmanager
async def _watching(person: Person, path: str, **headers: str) -> AsyncIterator[Stream]:
    signed = person._headers({"headers": headers})
    async with person.http.stream("GET", f"{path}/events", headers=signed) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.aiter_lines())


@asynccontextmanager
async def _town(order: HttpStory, **changes: Any) -> AsyncIterator[HttpStory]:
    """A gateway of the test's own for the same orders."""
    database = await Database.open(order.system.database_url)
    most = httpx.Limits(max_connections=MANY + 20)
    try:
        async with (
            serving(order.system.server.client, database, **changes) as address,
            httpx.AsyncClient(base_url=address, verify=False, limits=most, timeout=20) as http,
        ):
            yield HttpStory(http, order.system)
    finally:
        await database.close()


def _watchers() -> float:
    return REGISTRY.get_sample_value("unbuy_gateway_watchers") or 0


async def test_a_hundred_watchers_see_each_change_and_cost_the_order_nothing(
    order: HttpStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them share one look at the database at a time, and none adds an event to the history."""
    looks, at_once, most = 0, 0, 0
    changed = SqlOrderLists.changed

    async def counted(listing: SqlOrderLists, seen: Any) -> Any:
        nonlocal looks, at_once, most
        looks, at_once = looks + 1, at_once + 1
        most = max(most, at_once)
        try:
            return await changed(listing, seen)
        finally:
            at_once -= 1

    monkeypatch.setattr(SqlOrderLists, "changed", counted)
    async with _town(order) as here, AsyncExitStack() as stack:
        await here.place()
        people = (here.buyer, here.seller, here.support)
        streams: list[Stream] = []
        # The first one's event says that the order is kept: who comes later need not ask it.
        for several in (1, *[11] * 9):
            watching = (_watching(people[number % 3], here.path) for number in range(several))
            new = await asyncio.gather(*map(stack.enter_async_context, watching))
            await asyncio.gather(*(stream.until("awaiting_payment") for stream in new))
            streams += new
        assert _watchers() == MANY
        before, began, looks = await here.settled_events(), time.monotonic(), 0
        await asyncio.sleep(1)

        assert await here.events() == before
        assert looks <= (time.monotonic() - began) / 0.5 + 1
        await here.pay()
        await asyncio.gather(*(stream.until("payment_review") for stream in streams))
        assert most == 1


async def test_each_watcher_sees_what_its_role_may_see(order: HttpStory) -> None:
    """Where the other party is told of things is that one's affair."""
    buyer = {
        "id": order.buyer.id,
        "name": "Anna",
        "locale": "pl",
        "notify": ["json://anna.example"],
    }
    await order.place(buyer=buyer)

    for person, sees in ((order.buyer, True), (order.support, True), (order.seller, False)):
        async with _watching(person, order.path) as stream:
            _, view = await stream.next()
            assert bool(view["buyer"]["notify"]) is sees


async def test_a_reconnecting_watcher_is_not_sent_what_it_has_seen(order: HttpStory) -> None:
    """``Last-Event-ID``."""
    await order.place()
    async with _watching(order.buyer, order.path) as stream:
        seen, _ = await stream.next()

    async with _watching(order.buyer, order.path, **{"Last-Event-ID": str(seen)}) as stream:
        await order.pay()
        number, view = await stream.next()

    assert number > seen
    assert view["status"] == "payment_review"


async def test_a_stream_ends_with_its_token(order: HttpStory) -> None:
    """Also when nothing happens: its watcher has to sign in again."""
    await order.place()
    short = {"Authorization": f"Bearer {token('buyer', order.buyer.id, timedelta(seconds=2))}"}
    async with _watching(order.buyer, order.path, **short) as stream:
        await stream.next()
        await stream.ends()


async def test_someone_elses_order_cannot_be_watched(order: HttpStory) -> None:
    """Case 47: nothing is streamed before it is known who may see it."""
    await order.place()
    before = _watchers()

    for person in (order.person("buyer", "b"), order.person("seller", "b")):
        must_be_problem(await person.get(f"{order.path}/events"), 404)
        must_be_problem(await person.get("/v1/orders/N-1/events"), 404)
    must_be_problem(await order.http.get(f"{order.path}/events"), 401)
    must_be_problem(await order.provider.get(f"{order.path}/events"), 403)

    assert _watchers() == before


async def test_a_watcher_above_the_limit_is_refused_until_another_leaves(order: HttpStory) -> None:
    """503 before the stream begins, and no place is lost by whoever hangs up."""
    async with _town(order, max_watchers=2) as here:
        await here.place()
        for _ in range(2):
            async with (
                _watching(here.buyer, here.path) as first,
                _watching(here.seller, here.path) as second,
            ):
                await first.next()
                await second.next()
                refused = await asyncio.gather(
                    *(here.support.get(f"{here.path}/events") for _ in range(5))
                )
                for answer in refused:
                    assert "Too many" in must_be_problem(answer, 503)["detail"]
            await _nobody_watches()


async def test_one_caller_cannot_take_all_streams(order: HttpStory) -> None:
    """A quarter of them is one caller's at most; 429, and none is lost by whoever hangs up."""
    async with _town(order, max_watchers=8) as here:
        await here.place()
        for _ in range(2):
            async with (
                _watching(here.buyer, here.path) as first,
                _watching(here.buyer, here.path) as second,
                _watching(here.seller, here.path) as others,
            ):
                for stream in (first, second, others):
                    await stream.next()
                refused = await here.buyer.get(f"{here.path}/events")
                assert "too many" in must_be_problem(refused, 429)["detail"]
            await _nobody_watches()


async def _nobody_watches() -> None:
    await until(_watchers, lambda watchers: not watchers)


async def test_streams_continue_after_a_database_outage(
    order: HttpStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed in between is told as soon as it can be read again."""
    await order.place()
    changed = SqlOrderLists.changed

    async def broken(listing: SqlOrderLists, seen: Any) -> Any:
        raise OSError("connection refused")

    async with _watching(order.buyer, order.path) as stream:
        await stream.until("awaiting_payment")
        monkeypatch.setattr(SqlOrderLists, "changed", broken)
        await order.pay()
        await asyncio.sleep(1)
        monkeypatch.setattr(SqlOrderLists, "changed", changed)

        await stream.until("payment_review")


async def test_streams_end_on_an_internal_error(
    order: HttpStory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who watches connects again, rather than to wait for news that never come."""
    await order.place()

    async def wrong(listing: SqlOrderLists, seen: Any) -> Any:
        raise ValueError("a defect")

    async with _watching(order.buyer, order.path) as stream:
        await stream.next()
        monkeypatch.setattr(SqlOrderLists, "changed", wrong)
        await stream.ends()
    assert "a defect" not in caplog.text


async def test_streams_end_soon_when_the_gateway_stops(order: HttpStory) -> None:
    """A graceful stop waits for no stream."""
    database = await Database.open(order.system.database_url)
    async with httpx.AsyncClient(verify=False) as http, AsyncExitStack() as running:
        serve = serving(order.system.server.client, database)
        http.base_url = httpx.URL(await running.enter_async_context(serve))
        here = HttpStory(http, order.system)
        await here.place()
        async with _watching(here.buyer, here.path) as stream:
            await stream.next()
            began = time.monotonic()
            stopping = asyncio.create_task(running.aclose())
            await stream.ends()
            await stopping

            assert time.monotonic() - began < 3
    await database.close()
