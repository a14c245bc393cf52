"""The HTTP server: serves until it is stopped, then finishes running requests."""

import logging
from datetime import timedelta
from types import FrameType

import uvicorn

from gateway.app import build_app
from gateway.order_stream import OrderStream
from gateway.wiring import build_pages, build_services
from runtime.settings import Settings
from runtime.temporal import (
    BadConfiguration,
    CannotServe,
    connect_later,
    open_database,
)

log = logging.getLogger("unbuy.gateway")

WRITERS_PATIENCE = timedelta(seconds=2)
"""How long a request waits for another process's write on SQLite: less than ``orders.DATABASE_PATIENCE``."""

# How long running requests may take once the gateway is stopping.
_GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Ends the streams on shutdown: they would never end on their own."""

    def __init__(self, config: uvicorn.Config, order_stream: OrderStream) -> None:
        super().__init__(config)
        self._order_stream = order_stream

    def stop(self) -> None:
        """Accept no new requests, and finish running ones."""
        self._order_stream.stop()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See base class."""
        self._order_stream.stop()
        super().handle_exit(sig, frame)


async def serve(settings: Settings) -> None:
    """Serve until stopped; then accept no new requests and finish running ones."""
    try:
        client = await connect_later()
    except BadConfiguration as error:
        raise CannotServe(str(error)) from None
    database = await open_database(settings.database_url, WRITERS_PATIENCE)
    try:
        services = build_services(settings, client, database)
        config = uvicorn.Config(
            build_app(
                services,
                settings.cors_origins,
                build_pages(settings, services, client, database),
                trusted_proxies=settings.trusted_proxies,
                is_https=settings.is_https,
            ),
            proxy_headers=False,  # else it believes any process of this machine
            host=settings.gateway_host,
            port=settings.gateway_port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        if settings.is_https and not settings.trusted_proxies:
            log.warning(
                "UNBUY_TRUSTED_PROXIES is empty: all who come through your proxy without a token or session "
                "count as one caller"
            )
        log.info("Serving HTTP on %s:%d", settings.gateway_host, settings.gateway_port)
        try:
            await Server(config, services.order_stream).serve()
        finally:
            await services.close()
    finally:
        await database.close()
