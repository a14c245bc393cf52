"""What requests leave behind (case 54): headers, lines in the log, metrics, and no person in any of them."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from database.connection import Database
from demo.waiting import until
from deploy.ports import LOOPBACK, free_port
from gateway.orders import OrderService
from gateway.server import serve
from runtime.settings import Settings
from runtime.temporal import CannotServe
from tests.gateway.browsing import sign_in
from tests.gateway.conftest import SECRET, HttpStory, serving
from tests.gateway.problem import HEADERS, must_be_problem

CANARY = "Kanarek"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the access log says."""
    found: list[dict[str, Any]] = []

    def take(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        found.append(dict(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[take])
    monkeypatch.setattr("gateway.observability.log", structlog.get_logger())
    monkeypatch.setattr("gateway.observability.security", structlog.get_logger(log="security"))
    yield found
    structlog.configure(**before)


async def _use_everything(order: HttpStory) -> None:
    """Requests of all kinds with a canary wherever a caller can put one; answered well or refused."""
    canary = f"{CANARY}-{order.number}"
    town_ = HttpStory(order.http, order.system)
    buyer = {
        "id": canary,
        "name": CANARY,
        "locale": "pl",
        "notify": [f"mailto://{CANARY}@x.example"],
    }
    person, order_id = town_.person("buyer", canary), f"{canary}-1"
    path = f"/v1/orders/{order_id}"
    await order.support.post("/v1/orders", order.body(order_id=order_id, buyer=buyer))
    await person.get(path)
    await person.get(f"/v1/orders?cursor={CANARY}")
    await person.get(f"/v1/orders?status={CANARY}")
    await person.post(
        f"{path}/buyer-message", {"text": CANARY}, headers={"Idempotency-Key": CANARY}
    )
    await person.post(f"{path}/buyer-message", {CANARY: CANARY})
    await person.post(f"{path}/seller-reply", {"note": CANARY})
    await person.post(f"{path}/cancel-request", content=CANARY, headers={"Content-Type": CANARY})
    await town_.person("buyer", f"{CANARY}-other").get(path)
    await order.http.get(f"/{CANARY}")
    await order.http.post(f"/v1/webhooks/{CANARY}", content=CANARY)
    await order.http.request(CANARY.upper(), path)
    headers = {"Authorization": f"Bearer {CANARY}", "User-Agent": CANARY, "X-Forwarded-For": CANARY}
    await order.http.get(path, headers=headers)
    async with person.http.stream("GET", f"{path}/events", headers=person._headers({})):
        pass


async def test_logs_and_metrics_contain_no_personal_data(
    order: HttpStory, lines: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """Case 54: routes, statuses and roles; no party, order or word of a body."""
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)

    await _use_everything(order)

    metrics = (await order.http.get("/metrics")).text
    # The worker of these tests, in the same process, tells people by the log, by the order's id.
    logged = [it.getMessage() for it in caplog.records if it.name != "unbuy.notifications"]
    for seen in (*map(json.dumps, lines), *logged, *metrics.splitlines()):
        assert CANARY.lower() not in seen.lower()
    routes = {(line["route"], line["status"], line["role"]) for line in lines}
    assert ("/v1/orders", 201, "support") in routes
    assert ("/v1/orders/{order_id}", 404, "buyer") in routes
    assert ("/v1/orders/{order_id}/seller-reply", 403, "buyer") in routes
    assert ("/v1/webhooks/{provider}", 404, None) in routes
    assert ("none", 404, None) in routes
    assert 'route="/v1/orders/{order_id}"' in metrics
    assert {line["method"] for line in lines} <= {"GET", "POST", "other"}


async def test_the_security_log_has_who_was_refused_and_who_signed_in(
    order: HttpStory, lines: list[dict[str, Any]]
) -> None:
    """By digests, the same for one party and one address (ASVS 16.3)."""
    await order.place()
    stranger = order.person("buyer", f"{CANARY}-{order.number}")

    await order.http.get("/v1/orders")
    await stranger.post(f"{order.path}/seller-reply", {"decision": "accept"})
    await stranger.get(order.path)
    browser = await sign_in(order.http, "buyer", stranger.id)
    await browser.post("/sign-out")
    await order.seller.get("/v1/orders/nobodys")

    said = [line for line in lines if line.get("log") == "security"]
    assert [(it["event"], it["status"], it["role"]) for it in said] == [
        ("not_signed_in", 401, None),
        ("forbidden", 403, "buyer"),
        ("not_found", 404, "buyer"),
        ("signed_in", 303, "buyer"),
        ("signed_out", 303, "buyer"),
        ("not_found", 404, "seller"),
    ]
    parties = [it["party"] for it in said]
    assert parties[0] is None
    assert len({*parties[1:5]}) == 1
    assert parties[5] not in (None, parties[1])
    assert len({it["address"] for it in said}) == 1
    assert CANARY not in json.dumps(said)
    assert "127.0.0.1" not in json.dumps(said)


async def test_an_internal_error_is_logged_and_tells_callers_nothing(
    order: HttpStory,
    lines: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 500 is a problem like others; the log has its id and place, and not its text."""

    async def fails(self: OrderService, *_: Any) -> Any:
        raise RuntimeError(f"{CANARY} lives in Kanarkowa 1")

    monkeypatch.setattr(OrderService, "visible", fails)

    answer = await order.buyer.get(order.path)

    problem = must_be_problem(answer, 500)
    assert CANARY not in answer.text
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert problem["instance"] == f"urn:request:{failed['request_id']}"
    assert failed["error"] == "RuntimeError"
    assert "test_observability.py" in failed["at"][-1]
    assert CANARY not in json.dumps(lines) + caplog.text
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["status"] == 500


async def test_a_page_that_fails_leaves_its_place_in_the_log_and_not_its_text(
    order: HttpStory,
    lines: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case 117: the text may contain what a person sent."""

    async def fails(self: OrderService, *_: Any) -> Any:
        raise RuntimeError(f"{CANARY} lives in Kanarkowa 1")

    monkeypatch.setattr(OrderService, "visible", fails)

    buyer = await sign_in(order.http, "buyer", order.buyer.id)
    answer = await buyer.http.get(f"/orders/{order.order_id}")

    assert answer.status_code == 500
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert failed["request_id"] == answer.headers["x-request-id"]
    assert "test_observability.py" in failed["at"][-1]
    assert CANARY not in answer.text + json.dumps(lines) + caplog.text


async def test_every_answer_has_the_security_headers(order: HttpStory) -> None:
    await order.place()

    answers = [
        await order.buyer.get(order.path),
        await order.buyer.get("/v1/orders"),
        await order.http.get("/v1/orders"),
        await order.http.get("/nowhere"),
        await order.http.get("/healthz"),
        await order.http.get("/metrics"),
        await order.http.get("/docs"),
        await order.http.get("/docs/ui/swagger-ui.css"),
        await order.http.request("DELETE", "/v1/orders"),
    ]

    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items()
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
    for answer in answers[:4]:
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "told"),
    [("https://shop.example", "max-age=31536000"), ("http://127.0.0.1", None)],
)
async def test_browsers_are_told_to_come_by_https_where_people_do(
    order: HttpStory, database: Database, address: str, told: str | None
) -> None:
    async with (
        serving(
            order.system.server.client, database, public_url=address, buyers_choose_policy=False
        ) as here,
        httpx.AsyncClient(base_url=here, verify=False) as http,
    ):
        for path in ("/sign-in", "/v1/orders", "/healthz", "/static/unbuy.css", "/nowhere"):
            answer = await http.get(path)
            assert answer.headers.get("strict-transport-security") == told
            assert "geolocation=()" in answer.headers["permissions-policy"]


@asynccontextmanager
async def _open_to(
    order: HttpStory, database: Database, origins: str
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(order.system.server.client, database, cors_origins=origins) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        yield http


def _preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }


async def test_only_listed_origins_may_call(order: HttpStory, database: Database) -> None:
    """CORS is off by default, and on for the origins that are listed, and for no other."""

    async def allowed(http: httpx.AsyncClient, origin: str) -> set[str | None]:
        asked = await http.options("/v1/orders", headers=_preflight(origin))
        got = await http.get("/healthz", headers={"Origin": origin})
        refused = await http.get("/v1/orders", headers={"Origin": origin})
        assert (got.status_code, refused.status_code) == (200, 401)
        assert HEADERS.items() <= dict(asked.headers).items()
        return {it.headers.get("access-control-allow-origin") for it in (asked, got, refused)}

    shop = "https://shop.example"
    assert await allowed(order.http, shop) == {None}
    async with _open_to(order, database, f"{shop},https://other.example") as http:
        assert await allowed(http, shop) == {shop}
        for origin in (
            "https://evil.example",
            "null",
            "http://shop.example",
            "https://shop.example.evil.example",
            "https://shop.example:8443",
        ):
            assert await allowed(http, origin) == {None}
        asked = await http.options("/v1/orders", headers=_preflight(shop))
        assert "access-control-allow-credentials" not in asked.headers


@asynccontextmanager
async def _process(
    order: HttpStory, **settings: str
) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """``python -m gateway`` as it is run, and a client of it."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway"),
        env={
            **{name: it for name, it in os.environ.items() if not name.startswith("UNBUY_")},
            "TEMPORAL_ADDRESS": order.system.server.address,
            "UNBUY_DATABASE_URL": order.system.database_url,
            "UNBUY_GATEWAY_PORT": str(port),
            "UNBUY_TOKEN_SECRET": SECRET.get_secret_value(),
            "UNBUY_BUYERS_PLACE_ORDERS": "true",
            **settings,
        },
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = f"http://{LOOPBACK}:{port}"
        async with httpx.AsyncClient(base_url=address, verify=False, timeout=20) as http:

            async def listens() -> bool:
                assert process.returncode is None, "the gateway ended by itself"
                with suppress(httpx.ConnectError):
                    await http.get("/healthz")
                    return True
                return False

            await until(listens)
            yield process, http
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_operations_may_have_an_address_of_their_own(order: HttpStory) -> None:
    """Case 91: strangers get neither readiness nor metrics, and whoever gets these gets nothing else."""
    port = free_port()
    async with _process(order, UNBUY_OPERATIONS_PORT=str(port)) as (process, http):
        async with httpx.AsyncClient(
            base_url=f"http://{LOOPBACK}:{port}", verify=False, timeout=20
        ) as operations:
            for path in ("/readyz", "/metrics"):
                assert (await operations.get(path)).status_code == 200
                assert (await http.get(path)).status_code == 404
            for client in (operations, http):
                assert (await client.get("/healthz")).status_code == 200
            # What a header says counts for nothing.
            forged = {"Host": f"{LOOPBACK}:{port}", "X-Forwarded-Host": f"{LOOPBACK}:{port}"}
            assert (await http.get("/metrics", headers=forged)).status_code == 404
            for path in (
                "/",
                "/v1/orders",
                "/docs",
                "/openapi.json",
                "/sign-in",
                "/temporal/decode",
            ):
                assert (await operations.get(path)).status_code == 404
            described = (await http.get("/openapi.json")).json()["paths"]
            assert {"/healthz", "/readyz", "/metrics"} & described.keys() == {"/healthz"}
        process.terminate()
        await _refuses_connections(f"http://{LOOPBACK}:{port}")


async def test_an_address_of_operations_that_is_taken_is_reported_at_startup(
    order: HttpStory,
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        settings = Settings(
            database_url=order.system.database_url,
            token_secret=SECRET,
            gateway_port=free_port(),
            operations_port=taken.getsockname()[1],
        )
        with pytest.raises(CannotServe, match="UNBUY_OPERATIONS_PORT say where"):
            await serve(settings)


async def _refuses_connections(address: str) -> None:
    url = httpx.URL(address)

    async def refused() -> bool:
        try:
            _, writer = await asyncio.open_connection(url.host, url.port)
        except OSError:
            return True
        writer.close()
        return False

    await until(refused)


async def test_a_stopping_gateway_finishes_running_requests_and_accepts_no_new_ones(
    order: HttpStory,
) -> None:
    """SIGTERM: a running request gets its answer, a stream ends, a new connection is refused."""
    async with _process(order) as (process, http):
        here = HttpStory(http, order.system)
        await here.place()
        assert "server" not in (await http.get("/healthz")).headers
        arriving = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b'{"text": "'
            arriving.set()
            await stopping.wait()
            yield b'Still here"}'

        stopping = asyncio.Event()
        signed = here.buyer._headers({})
        async with http.stream("GET", f"{here.path}/events", headers=signed) as stream:
            running = asyncio.create_task(
                here.buyer.post(
                    f"{here.path}/buyer-message",
                    content=slowly(),
                    headers={"Content-Type": "application/json"},
                )
            )
            await arriving.wait()
            process.send_signal(signal.SIGTERM)
            await _refuses_connections(str(http.base_url))
            async with asyncio.timeout(30):
                async for _ in stream.aiter_bytes():
                    pass
            stopping.set()
            answer = await running
        assert answer.json()["messages"][0]["text"] == "Still here"

        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode in (0, -signal.SIGTERM)
        assert b"Traceback" not in err, err.decode()
        logged = [json.loads(line) for line in out.splitlines()]
        assert {"route", "status", "role", "request_id", "ms"} <= logged[0].keys()
        assert order.buyer.id.encode() not in out + err
