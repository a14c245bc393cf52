"""A server that no worker serves yet: tests bring workers of their own, in this process or in others."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from database.connection import Database
from database.tables import provider_refunds
from demo.system import DemoSystem
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from runtime.sandbox import lenient_converter, workflow_runner
from runtime.wiring import Adapters
from runtime.worker import WORKFLOWS, build_worker
from tests.real import doomed_worker
from workflows import ids

# So soon an attempt of an activity is given up, in the workers of these tests.
ATTEMPT = timedelta(seconds=2)


@dataclass(frozen=True)
class Doomed:
    """A worker in a process of its own, which a test may stop or kill at the worst moment."""

    process: asyncio.subprocess.Process
    directory: Path

    async def has(self, left: str) -> None:
        """Wait until it has come to this point of the refund: it leaves a file there."""

        async def there() -> bool:
            assert self.process.returncode is None, "the worker ended by itself"
            return await asyncio.to_thread((self.directory / left).exists)

        await until(there)

    def goes_on(self) -> None:
        """Let it go on with the refund at which it waits."""
        (self.directory / doomed_worker.GO).touch()

    def is_sent(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def is_killed(self) -> None:
        """`kill -9`: nothing is closed, nothing is told to anybody."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@dataclass(frozen=True)
class Site:
    """A system without a worker, and what it takes to bring one."""

    system: DemoSystem
    database: Database
    directory: Path

    def worker(self, **adapters: Any) -> Worker:
        """A worker of this process; ``adapters`` replace those of the local world."""
        world = replace(Adapters.local(self.database, self.system.server.client), **adapters)
        return build_worker(
            self.system.server.client,
            world.activities(),
            graceful_shutdown=timedelta(milliseconds=100),
        )

    def thinker(self) -> Worker:
        """A worker of this process that leaves all but the short steps to others."""
        config = self.system.server.client.config()
        config["data_converter"] = lenient_converter(config["data_converter"])
        return Worker(
            Client(**config),
            task_queue=ids.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=Adapters.local(self.database, self.system.server.client).activities(),
            workflow_runner=workflow_runner(),
            no_remote_activities=True,
        )

    @asynccontextmanager
    async def doomed(self, mode: str) -> AsyncIterator[Doomed]:
        """A worker of another process, in one of the modes of ``doomed_worker``; killed at the end."""
        number = len(list(self.directory.glob("doomed-*")))
        directory = self.directory / f"doomed-{number}"
        directory.mkdir()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", doomed_worker.__name__, mode, str(directory)),
            *(self.system.server.address, self.system.database_url, str(ATTEMPT.total_seconds())),
            cwd=Path(__file__).parents[2],
            env=os.environ,
        )
        doomed = Doomed(process, directory)
        try:
            await doomed.has(doomed_worker.READY)
            yield doomed
        finally:
            await doomed.is_killed()

    async def refunds(self) -> list[tuple[str, int]]:
        """What the provider has been asked to pay back: refund id and amount, one for each row."""
        query = select(provider_refunds.c.refund_id, provider_refunds.c.amount)
        async with self.database.reading() as connection:
            return [(row.refund_id, row.amount) for row in await connection.execute(query)]


@asynccontextmanager
async def open_site(
    directory: Path, server: EmbeddedServer | None = None, url: str | None = None
) -> AsyncIterator[Site]:
    """A site with its files in a directory; ``server``: one that runs already; ``url``: its database."""
    if server is None:
        async with embedded_server() as own, open_site(directory, own, url) as site:
            yield site
        return
    url = url or f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
    database = await Database.open(url)
    try:
        system = DemoSystem.on(server, database, url)
        yield Site(system, database, directory)
    finally:
        await database.close()


async def connect(address: str) -> Client:
    """A connection of its own."""
    return await Client.connect(address, data_converter=pydantic_data_converter)
