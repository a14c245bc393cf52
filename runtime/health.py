"""Readiness of worker and gateway."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError

from database.connection import DATABASE_UNAVAILABLE, Database

log = logging.getLogger("unbuy.health")

_WITHIN: Final = timedelta(seconds=2)
_LOOK_EVERY: Final = timedelta(seconds=1)


class Health:
    """Checks whether Temporal and the database respond."""

    def __init__(self, client: Client, database: Database) -> None:
        self._client = client
        self._database = database
        self._looking = asyncio.Lock()
        self._seen: list[str] = []
        self._seen_at: float | None = None

    async def unavailable(self) -> list[str]:
        """Those of ``temporal`` and ``database`` that do not respond; seen a second ago at most (case 91)."""
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if self._seen_at is None or now - self._seen_at > _LOOK_EVERY.total_seconds():
                self._seen = await self._look()
                self._seen_at = asyncio.get_running_loop().time()
            return self._seen

    async def _look(self) -> list[str]:
        temporal, database = await asyncio.gather(self._temporal(), self._reads())
        return [
            name
            for name, is_there in (("temporal", temporal), ("database", database))
            if not is_there
        ]

    async def _temporal(self) -> bool:
        try:
            # The client's own timeout does not apply while it is still connecting.
            async with asyncio.timeout(_WITHIN.total_seconds()):
                # The SDK retries all calls but this one; a connection that has just been closed is no outage.
                return await self._client.service_client.check_health(retry=True, timeout=_WITHIN)
        except (RPCError, RuntimeError, TimeoutError):
            return False

    async def _reads(self) -> bool:
        try:
            async with (
                asyncio.timeout(_WITHIN.total_seconds()),
                self._database.reading() as connection,
            ):
                await connection.execute(select(1))
        except (*DATABASE_UNAVAILABLE, TimeoutError) as error:
            log.warning("The database does not answer: %s", type(error).__name__)
            return False
        return True
