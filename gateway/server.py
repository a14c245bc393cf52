"""The HTTP server: serves until it is stopped, then finishes running requests."""

import asyncio
import logging
import signal
import socket
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from gateway.app import build_app, build_operations_app
from gateway.connections import (
    AT_ONCE,
    KEEP_ALIVE,
    LARGEST_HEAD,
    Connection,
    QuietAccepting,
    most_connections,
)
from gateway.operations import ByPort
from gateway.order_stream import OrderStream
from gateway.wiring import build_pages, build_services, check_issuer
from orders.sentences import sentence
from runtime.settings import Settings
from runtime.temporal import (
    BadConfiguration,
    CannotServe,
    connect_later,
    first_line,
    open_database,
)
from runtime.tracing import tracing

if TYPE_CHECKING:
    from runtime.spans import Tracing

log = logging.getLogger("unbuy.gateway")

WRITERS_PATIENCE = timedelta(seconds=2)
"""How long a request waits for another process's write on SQLite: less than ``orders.DATABASE_PATIENCE``."""

# How long running requests may take once the gateway is stopping.
_GRACE_SECONDS = 10
_TICKS_APART = 5


class Server(uvicorn.Server):
    """Ends connections that are late, and on shutdown the streams: they would never end on their own.

    ``operations``: another host and port where it listens.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        order_stream: OrderStream,
        operations: tuple[str, int] | None = None,
    ) -> None:
        super().__init__(config)
        self._order_stream = order_stream
        self._operations = operations

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See base class. Raises CannotServe."""
        operations = []
        if self._operations:
            host, port = self._operations
            try:
                listening = await asyncio.get_running_loop().create_server(
                    lambda: Connection(self.config, self.server_state, self.lifespan.state),
                    host,
                    port,
                    backlog=self.config.backlog,
                )
            except OSError as error:
                raise CannotServe(
                    sentence(
                        "Operations cannot be served at {host}:{port} ({why}): UNBUY_OPERATIONS_HOST and "
                        "UNBUY_OPERATIONS_PORT say where.",
                        host=host,
                        port=port,
                        why=first_line(error),
                    )
                ) from None
            operations.append(listening)
        await super().startup(sockets)
        self.servers += operations

    def stop(self) -> None:
        """Accept no new requests, and finish running ones."""
        self._order_stream.stop()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See base class."""
        # Unlike uvicorn's own it ends the serving and not the process, which still has to export and close.
        self._order_stream.stop()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """See base class: ten times a second."""
        if counter % _TICKS_APART == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.end_if_late()
        return await super().on_tick(counter)


def server_config(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """How the app is served, wherever that is."""
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEAD,
        backlog=AT_ONCE,
        proxy_headers=False,  # else it believes any process of this machine
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
        timeout_graceful_shutdown=_GRACE_SECONDS,
        **more,
    )


async def serve(settings: Settings) -> None:
    """Serve until stopped; then accept no new requests and finish running ones."""
    with tracing(settings, "unbuy-gateway") as traced:
        await _serve(settings, traced)


async def _serve(settings: Settings, traced: "Tracing | None") -> None:
    try:
        client = await connect_later(
            settings.encryption_keys, [traced.interceptor] if traced else []
        )
    except BadConfiguration as error:
        raise CannotServe(str(error)) from None
    database = await open_database(settings.database_url, WRITERS_PATIENCE)
    try:
        if traced:
            traced.of_database(database)
        services = build_services(settings, client, database)
        await check_issuer(services.tokens, settings)
        app: ASGIApp = build_app(
            services,
            settings.cors_origins,
            build_pages(settings, services, client, database),
            codec=client.data_converter.payload_codec,
            trusted_proxies=settings.trusted_proxies,
            is_https=settings.is_https,
            secret=settings.own_secret,
            has_operations=settings.operations is None,
            tracing=traced,
        )
        if settings.operations:
            operations = build_operations_app(services, settings.own_secret)
            app = ByPort(app, operations, settings.operations[1])
        config = server_config(
            app,
            host=settings.gateway_host,
            port=settings.gateway_port,
            limit_concurrency=most_connections(settings.max_watchers),
            log_level="warning",
        )
        if settings.oidc_issuer and not settings.encryption_keys:
            log.warning(
                "UNBUY_ENCRYPTION_KEYS is empty: Temporal keeps orders in clear (docs/encryption.md)"
            )
        if settings.is_https and not settings.trusted_proxies:
            log.warning(
                "UNBUY_TRUSTED_PROXIES is empty: all who come through your proxy without a token or session "
                "count as one caller"
            )
        asyncio.get_running_loop().set_exception_handler(QuietAccepting())
        log.info("Serving HTTP on %s:%d", settings.gateway_host, settings.gateway_port)
        if settings.operations:
            log.info("Serving operations on %s:%d", *settings.operations)
        try:
            await Server(config, services.order_stream, settings.operations).serve()
        finally:
            await services.close()
    finally:
        await database.close()
