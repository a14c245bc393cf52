"""The HTTP server: takes requests until it is told to stop, then finishes what runs."""

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
"""So long a request waits for another process's write on SQLite: less than ``orders.DATABASE_PATIENCE``."""

# So long running requests may still take once the gateway is told to stop.
_GRACE_SECONDS = 10


class Server(uvicorn.Server):
    """Ends the streams when it is told to stop: they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, order_stream: OrderStream) -> None:
        super().__init__(config)
        self._order_stream = order_stream

    def stop(self) -> None:
        """Take nothing new, and finish what runs."""
        self._order_stream.stop()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See base class."""
        self._order_stream.stop()
        super().handle_exit(sig, frame)


async def serve(settings: Settings) -> None:
    """Serve until told to stop; then take nothing new and finish what runs."""
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
            ),
            host=settings.gateway_host,
            port=settings.gateway_port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        log.info("Serving HTTP on %s:%d", settings.gateway_host, settings.gateway_port)
        try:
            await Server(config, services.order_stream).serve()
        finally:
            await services.close()
    finally:
        await database.close()
