"""What operators ask: liveness, readiness and metrics; at the gateway's address or at one of their own."""

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api import ServicesDep
from gateway.openapi import PROBLEMS
from gateway.problems import ServiceUnavailable
from orders.sentences import sentence


class Metrics(Response):
    """Prometheus's text format."""

    media_type = CONTENT_TYPE_LATEST


def serve_liveness(app: FastAPI) -> None:
    """Add ``/healthz``."""

    @app.get("/healthz", tags=["operations"])
    async def is_alive() -> JSONResponse:
        """Whether this process lives."""
        return JSONResponse({"status": "alive"})


def serve_readiness_and_metrics(app: FastAPI) -> None:
    """Add ``/readyz`` and ``/metrics``, which say more than strangers need to know."""

    @app.get("/readyz", responses={503: PROBLEMS[503]}, tags=["operations"])
    async def is_ready(services: ServicesDep) -> JSONResponse:
        """Whether Temporal and the database answer."""
        if unavailable := await services.health.unavailable():
            raise ServiceUnavailable(
                sentence("Does not answer: {who}.", who=", ".join(unavailable))
            )
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", response_class=Metrics, tags=["operations"])
    async def metrics() -> Response:
        """Metrics for Prometheus."""
        return Metrics(generate_latest())


class ByPort:
    """ASGI app: one for the port of operations, and another for all else."""

    def __init__(self, app: ASGIApp, operations: ASGIApp, port: int) -> None:
        self._app = app
        self._operations = operations
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        # Where the connection came in, which no header says.
        is_operations = scope["type"] == "http" and scope["server"][1] == self._port
        await (self._operations if is_operations else self._app)(scope, receive, send)
