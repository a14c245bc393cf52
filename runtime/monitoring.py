"""The address at which a worker process says whether it lives and serves, and what it measures."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Final

import httpx
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from database.connection import Database
from database.counts import SqlCounts
from orders.sentences import sentence
from runtime.health import Health
from runtime.metrics import OrderMetrics
from runtime.temporal import CannotServe, first_line

log = logging.getLogger("unbuy.monitoring")

_LOOPBACK: Final = "127.0.0.1"
_PATIENCE: Final = timedelta(seconds=5)


class Monitoring:
    """What a worker process says of itself; of Temporal and the database once it serves."""

    def __init__(self, sdk_metrics: str) -> None:
        """``sdk_metrics``: where the SDK says what it measures."""
        self._sdk_metrics = sdk_metrics
        self._health: Health | None = None
        self._orders: OrderMetrics | None = None
        self.app = Starlette(
            routes=[
                Route("/healthz", self._is_alive),
                Route("/readyz", self._is_ready),
                Route("/metrics", self._metrics),
            ]
        )

    @contextmanager
    def ready(self, health: Health, database: Database) -> Iterator[None]:
        """It serves, as long as the context."""
        self._health, self._orders = health, OrderMetrics(SqlCounts(database))
        try:
            yield
        finally:
            self._health = self._orders = None

    async def _is_alive(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _is_ready(self, _request: Request) -> Response:
        if self._health is None:
            return JSONResponse({"status": "not serving"}, 503)
        if unavailable := await self._health.unavailable():
            return JSONResponse({"status": "unavailable", "unavailable": unavailable}, 503)
        return JSONResponse({"status": "ready"})

    async def _metrics(self, _request: Request) -> Response:
        """Its own, the SDK's, and what it counts in the database: three texts of different names."""
        of_orders = await self._orders.text() if self._orders else b""
        text = generate_latest() + of_orders + await self._of_the_sdk()
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _of_the_sdk(self) -> bytes:
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE.total_seconds()) as http:
                return (await http.get(self._sdk_metrics)).content
        except httpx.TransportError as error:
            log.warning("The SDK does not say what it measures: %s", type(error).__name__)
            return b""


class _Server(uvicorn.Server):
    """Leaves the signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See base class."""
        yield


@asynccontextmanager
async def monitoring(host: str, port: int | None) -> AsyncIterator[Monitoring]:
    """Serve it there, where a port is given. Raises CannotServe.

    First of all in a process: it sets up the SDK's runtime, of which there is one.
    """
    if port is None:
        yield Monitoring("")
        return
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise CannotServe(
            sentence(
                "Nothing can be served at {host}:{port} ({why}). UNBUY_WORKER_HOST and UNBUY_WORKER_PORT say "
                "where workers tell their health and metrics; each process takes the next port.",
                host=host,
                port=port,
                why=first_line(error),
            )
        ) from None
    with listening:
        watched = Monitoring(_measure_the_sdk())
        config = uvicorn.Config(
            watched.app, lifespan="off", access_log=False, log_level="warning", server_header=False
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        log.info("Health and metrics at http://%s:%d", host, port)
        try:
            yield watched
        finally:
            server.should_exit = True
            await serving


def _measure_the_sdk() -> str:
    """Have the SDK measure, and serve that to this machine alone; where."""
    with socket.create_server((_LOOPBACK, 0)) as free:
        address = f"{_LOOPBACK}:{free.getsockname()[1]}"
    measured = PrometheusConfig(
        address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=measured)))
    return f"http://{address}/metrics"
