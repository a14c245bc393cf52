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
from fastapi import routing
from prometheus_client import REGISTRY

from database.connection import Database
from database.order_lists import SqlOrderLists
from demo.waiting import until
from gateway import order_stream
from tests.gateway.browsing import browser_at, sign_in
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
        support = [here.person("support", f"support-{it}") for it in range(10)]
        people = (here.buyer, here.seller, *support)
        streams: list[Stream] = []
        # The first one's event says that the order is kept: who comes later need not ask it.
        for several in (1, *[11] * 9):
            watching = (
                _watching(people[(len(streams) + number) % len(people)], here.path)
                for number in range(several)
            )
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
    await order.support.post("/v1/orders", order.body(buyer=buyer))

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
    """Case 114: a twentieth of them is one caller's at most; 429, and none is lost by whoever hangs up."""
    async with _town(order, max_watchers=40) as here:
        await here.place()
        other = f"{here.order_id}-2"
        await here.place(order_id=other)
        for _ in range(2):
            async with (
                _watching(here.buyer, here.path) as first,
                _watching(here.buyer, here.path) as second,
                _watching(here.seller, here.path) as others,
            ):
                for stream in (first, second, others):
                    await stream.next()
                refused = await here.buyer.get(f"/v1/orders/{other}/events")
                assert "too many" in must_be_problem(refused, 429)["detail"]
            await _nobody_watches()


@pytest.mark.parametrize("most", [2, 40])
async def test_a_new_stream_replaces_the_callers_oldest_of_the_same_order(
    order: HttpStory, most: int
) -> None:
    """Case 114: at the caller's limit and at that of all, as the oldest may be of a client that is gone."""
    async with _town(order, max_watchers=most) as here, AsyncExitStack() as stack:
        await here.place()
        watching = [here.buyer, here.buyer] if most > 2 else [here.buyer, here.seller]
        streams = []
        for person in (*watching, here.buyer):
            streams.append(await stack.enter_async_context(_watching(person, here.path)))
            await streams[-1].next()

        await streams[0].ends()
        await here.buyer.post(f"{here.path}/buyer-message", {"text": "Still there?"})
        for stream in streams[1:]:
            _, view = await stream.next()
            assert view["messages"][0]["text"] == "Still there?"
        await stack.aclose()
        await _nobody_watches()


async def test_both_streams_are_written_to_while_nothing_happens(
    order: HttpStory, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 114: who has vanished without a word is found out by it."""
    monkeypatch.setattr(order_stream, "PING_EVERY", timedelta(milliseconds=50))
    monkeypatch.setattr(order_stream, "ASK_EVERY", timedelta(milliseconds=20))
    monkeypatch.setattr(routing, "_PING_INTERVAL", 0.05)
    await order.place()

    signed = {"Authorization": f"Bearer {token('buyer', order.buyer.id)}"}
    async with browser_at(address) as http:
        await sign_in(http, "buyer", order.buyer.id)
        for path in (f"{order.path}/events", f"/orders/{order.order_id}/changes"):
            async with asyncio.timeout(20), http.stream("GET", path, headers=signed) as stream:
                pings = events = 0
                async for line in stream.aiter_lines():
                    pings += line == ": ping"
                    events += line == "event: order"
                    if pings >= 2 and events:
                        break
                assert events == 1


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
