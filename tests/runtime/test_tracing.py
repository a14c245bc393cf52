"""A request's trace through gateway, workflow and worker to the database and the payment provider."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from demo.waiting import until
from deploy.embedded import embedded_server
from deploy.ports import LOOPBACK, free_port
from testing.stripe.peer import API_KEY, Peer
from tests.gateway.conftest import SECRET, token
from tests.orders.builders import eur, place

ROOT = Path(__file__).parents[2]
CANARY = "Kanarek"


@dataclass
class Collector:
    """Takes OTLP over HTTP."""

    url: str = ""
    spans: dict[bytes, tuple[str, Span]] = field(default_factory=dict)
    received: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received += body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = (
                it.value.string_value
                for it in of_resource.resource.attributes
                if it.key == "service.name"
            )
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    self.spans[span.span_id] = service, span
        return web.Response()

    def path(self, of: tuple[str, Span]) -> list[tuple[str, str]]:
        """The services and names from where its trace begins to this span."""
        return [*self._upwards(*of)][::-1]

    def _upwards(self, service: str, span: Span) -> Iterator[tuple[str, str]]:
        yield service, span.name
        if span.parent_span_id:
            yield from self._upwards(*self.spans[span.parent_span_id])


@asynccontextmanager
async def _collector() -> AsyncIterator[Collector]:
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    collector.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}/v1/traces"
    try:
        yield collector
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _served(log: Path, *command: str, **environment: str) -> AsyncIterator[None]:
    """A process, stopped with the context: what it has not exported yet it does then."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command),
            cwd=ROOT,
            env=os.environ | environment,
            stdout=file,
            stderr=file,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


async def test_a_trace_leads_from_a_request_to_whom_it_made_us_call(
    tmp_path: Path, peer: Peer
) -> None:
    """Case 54: and no span says a word of a person."""
    address, workers = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    async with (
        _collector() as collector,
        embedded_server(time_skipping=False) as server,
        httpx.AsyncClient(timeout=30) as http,
    ):
        environment = {
            "TEMPORAL_ADDRESS": server.address,
            "UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/unbuy.db",
            "UNBUY_TOKEN_SECRET": SECRET.get_secret_value(),
            "UNBUY_GATEWAY_PORT": address.rpartition(":")[2],
            "UNBUY_WORKER_PORT": workers.rpartition(":")[2],
            "UNBUY_PAYMENT_PROVIDER": "stripe",
            "UNBUY_STRIPE_API_KEY": API_KEY.get_secret_value(),
            "UNBUY_STRIPE_API_BASE": peer.url,
            "UNBUY_TRACES_URL": collector.url,
            "UNBUY_LOG_FORMAT": "json",
        }

        async def post(path: str, role: str, sub: str, body: dict[str, Any]) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token(role, sub)}", "User-Agent": CANARY}
            return await http.post(f"{address}{path}?{CANARY}", json=body, headers=headers)

        async def ready() -> bool:
            try:
                asked = [await http.get(f"{it}/readyz") for it in (address, workers)]
            except httpx.TransportError:
                return False
            return all(it.is_success for it in asked)

        async with (
            _served(tmp_path / "worker", "worker.py", "--processes", "1", **environment),
            _served(tmp_path / "gateway", "-m", "gateway", **environment),
        ):
            await until(ready, within=timedelta(seconds=90))
            placed = place(order_id="T-1").model_dump(mode="json")
            placed["buyer"] |= {"id": CANARY, "name": CANARY}
            assert (await post("/v1/orders", "support", CANARY, placed)).status_code == 201
            canceled = {"reason": "other", "note": CANARY}
            answer = await post("/v1/orders/T-1/cancel-request", "buyer", CANARY, canceled)
            assert answer.json()["status"] == "closed"
            charge = await peer.checkout.pay("T-1", eur(2490))
            paid = {
                "payment_id": charge,
                "money": {"amount": 2490, "currency": "EUR"},
                "method": "card",
                "paid_at": "2026-11-25T12:00:00Z",
            }
            await post("/v1/orders/T-1/payment", "provider", CANARY, paid)
            await until(lambda: peer.front.refunds_of(f"stray-{charge}-refund"))

    recorded = [
        collector.path(it)
        for it in collector.spans.values()
        if it[1].name == "INSERT" and "HandleUpdate:cancel_request" in str(collector.path(it))
    ]
    refunded = [
        collector.path(it)
        for it in collector.spans.values()
        if it[1].name == "POST" and it[0] == "unbuy-worker"
    ]
    assert recorded[0] == [
        ("unbuy-gateway", "POST /v1/orders/{order_id}/cancel-request"),
        ("unbuy-gateway", "StartWorkflowUpdate:cancel_request"),
        ("unbuy-worker", "HandleUpdate:cancel_request"),
        ("unbuy-worker", "RunActivity:record_order"),
        ("unbuy-worker", "INSERT"),
    ]
    assert refunded[0] == [
        ("unbuy-gateway", "POST /v1/orders/{order_id}/payment"),
        ("unbuy-gateway", "StartWorkflow:StrayPaymentWorkflow"),
        ("unbuy-worker", "RunWorkflow:StrayPaymentWorkflow"),
        ("unbuy-worker", "RunActivity:ask_refund"),
        ("unbuy-worker", "POST"),
    ]
    assert b"kanarek" not in collector.received.lower()
    traces = {span.name: span.trace_id.hex() for _, span in collector.spans.values()}
    of_gateway, of_worker = (_lines(tmp_path / it) for it in ("gateway", "worker"))
    canceled_at = "/v1/orders/{order_id}/cancel-request"
    assert [it["trace_id"] for it in of_gateway if it.get("route") == canceled_at] == [
        traces["HandleUpdate:cancel_request"]
    ]
    told = [it for it in of_worker if "order_closed" in it["event"]]
    assert {(it["order_id"], it["activity"], it["trace_id"]) for it in told} == {
        ("T-1", "record_order", traces["HandleUpdate:cancel_request"])
    }
    assert CANARY.lower() not in json.dumps([of_gateway, of_worker]).lower()


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    """What is off costs nothing."""
    code = (
        "import sys, worker, gateway.server; print([it for it in sys.modules if 'try.sdk' in it])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"
