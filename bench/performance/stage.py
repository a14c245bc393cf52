"""Where one subject is measured: a server, its database and its workers, and what they use of the machine."""

import asyncio
import base64
import json
import os
import secrets
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil  # type: ignore[import-untyped]
from pydantic import SecretStr
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from bench.http.system import DoesNotStart
from bench.performance.subjects import Subject, SubjectOrders
from bench.workplace import environment_for
from deploy.child_process import child_process
from deploy.embedded import embedded_server
from deploy.ports import LOOPBACK, free_port
from runtime import program
from runtime.encryption import data_converter
from testing.postgres import Postgres, postgres_server
from testing.webhook_receiver import SECRET

_PATIENCE = timedelta(seconds=60)
_LONGEST = timedelta(minutes=10)
_EVERY = timedelta(milliseconds=100)
_ENCRYPTION_KEY = f"bench:{base64.b64encode(os.urandom(32)).decode()}"
_DATABASE = "bench"


class Cpu(NamedTuple):
    """Seconds of CPU time, in user and in system mode, since a process began."""

    server: float
    worker: float
    database: float
    client: float

    def since(self, before: "Cpu") -> "Cpu":
        """What has come to it."""
        return Cpu(*(now - then for now, then in zip(self, before, strict=True)))


@dataclass
class Stage:
    """A running subject; it has one worker process at first."""

    subject: Subject
    orders: SubjectOrders
    directory: Path
    _environment: dict[str, str]
    _server: psutil.Process
    _postgres: Postgres | None
    _stack: AsyncExitStack
    _workers: list[psutil.Process] = field(default_factory=list)
    gateway: str = ""
    """The address of its gateway, if it has one."""
    token_secret: SecretStr = field(default_factory=lambda: SecretStr(secrets.token_hex(32)))

    @property
    def client(self) -> Client:
        """The client of its orders."""
        return self.orders.client

    def cpu(self) -> Cpu:
        """What it has used so far; the client is this process."""
        return Cpu(
            server=_cpu_seconds(self._server),
            worker=sum(map(_cpu_seconds, self._workers)),
            database=_cpu_seconds(psutil.Process(self._postgres.server.get_pid()))
            if self._postgres
            else 0.0,
            client=time.process_time(),
        )

    def worker_memory(self) -> int:
        """Bytes of the workers' resident memory."""
        return sum(it.memory_info().rss for it in self._trees())

    def disk(self) -> int:
        """Bytes of the server's file and of the database."""
        size = sum(_checkpointed(it) for it in self.directory.glob("*.db"))
        if self._postgres:
            size += self._postgres_size()
        return size

    async def start_worker(self) -> None:
        """Start one more worker process."""
        process = await self._start(self.subject.worker, self._environment)
        self._workers.append(psutil.Process(process.pid))

    async def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> Process:
        log = self._stack.enter_context((self.directory / "worker.log").open("ab"))
        return await self._stack.enter_async_context(
            child_process(
                *command, patience=_PATIENCE, stdout=log, stderr=log, environment=environment
            )
        )

    async def start_gateway(self) -> None:
        """Start a gateway, beside which nothing else is measured."""
        port = free_port()
        self.gateway = f"http://{LOOPBACK}:{port}"
        settings = {
            "UNBUY_GATEWAY_PORT": str(port),
            "UNBUY_TOKEN_SECRET": self.token_secret.get_secret_value(),
            # One caller makes all requests, so no rate limit.
            "UNBUY_RATE_LIMIT": "1000000/second",
        }
        await self._start(program.argv("gateway"), self._environment | settings)
        async with httpx.AsyncClient(trust_env=False) as http:

            async def ready() -> bool:
                with suppress(httpx.TransportError):  # not listening yet
                    return (await http.get(f"{self.gateway}/readyz")).is_success
                return False

            await _until(ready)

    async def serves(self) -> None:
        """Wait until all workers serve. Raises DoesNotStart."""
        queue = TaskQueue(name=self.orders.task_queue)
        request = DescribeTaskQueueRequest(
            namespace=self.client.namespace,
            task_queue=queue,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )

        async def all_poll() -> bool:
            if not all(it.is_running() for it in self._workers):
                log = (self.directory / "worker.log").read_text(errors="replace")
                raise DoesNotStart(f"A worker of {self.subject.name} has ended:\n{log[-2000:]}")
            described = await self.client.workflow_service.describe_task_queue(request)
            return len({it.identity for it in described.pollers}) >= len(self._workers)

        await _until(all_poll)

    def kill_workers(self) -> None:
        """`kill -9` them."""
        for process in self._trees():
            process.kill()
        self._workers.clear()

    async def until_running(self, number: int) -> None:
        """Wait until so many workflows run; webhooks go out after their order has ended."""

        async def so_many() -> bool:
            running = await self.client.count_workflows("ExecutionStatus = 'Running'")
            return running.count == number

        await _until(so_many)

    async def until_it_rests(self, order_id: str) -> None:
        """Wait until the order has nothing to do but to wait."""

        async def rests() -> bool:
            described = (await self.orders.handle(order_id).describe()).raw_description
            is_busy = described.HasField("pending_workflow_task") or described.pending_activities
            return not is_busy

        await _until(rests)

    async def until_checked(self, order_id: str) -> None:
        """Wait until the order's payment has been checked."""
        await _until(partial(self.orders.is_checked, order_id))

    def _trees(self) -> list[psutil.Process]:
        # The process that is known only waits for the worker.
        return [it for wrapper in self._workers for it in wrapper.children(recursive=True)]

    def _postgres_size(self) -> int:
        assert self._postgres
        self._postgres.run("CHECKPOINT")
        size = f"SELECT pg_database_size('{_DATABASE}')"
        said = self._postgres.server.psql(f"\\pset tuples_only on\n{size};")
        return int(said.split()[-1])


@asynccontextmanager
async def stage(subject: Subject, directory: Path, workers: int = 1) -> AsyncIterator[Stage]:
    """The subject with so many worker processes, until the context is left; its files are in a directory."""
    file = directory / "temporal.db"
    async with embedded_server(database=file, ui=True) as server, AsyncExitStack() as stack:
        settings = {"proof_store": str(directory / "proofs")}
        postgres = stack.enter_context(postgres_server()) if subject.on_postgres else None
        if postgres:
            # Slower than a test's, which survives no power cut.
            postgres.run("ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()")
            settings["database_url"] = postgres.create(_DATABASE)
        else:
            settings["database_url"] = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
        webhooks: dict[str, str] = {}
        if subject.sends_mail or subject.sends_webhooks:
            addresses = await _receivers(stack)
            if subject.sends_mail:
                settings |= {"smtp_url": addresses["smtp"], "mail_from": "orders@example.org"}
            if subject.sends_webhooks:
                settings["allow_private_webhooks"] = "true"
                webhooks["ORDER_WEBHOOK_URLS"] = addresses["webhooks"]
                webhooks["ORDER_WEBHOOK_SECRETS"] = SECRET
        config = server.client.config()
        if subject.is_encrypted:
            settings["encryption_keys"] = _ENCRYPTION_KEY
            config["data_converter"] = data_converter([SecretStr(_ENCRYPTION_KEY)])
        running = Stage(
            subject,
            subject.orders(Client(**config)),
            directory,
            environment_for(server, **settings) | webhooks,
            next(it for it in psutil.Process().children() if str(file) in it.cmdline()),
            postgres,
            stack,
        )
        for _ in range(workers):
            await running.start_worker()
        await running.serves()
        yield running


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait without asking all the time, which would cost what is measured."""
    async with asyncio.timeout(_LONGEST.total_seconds()):
        while not await is_so():
            await asyncio.sleep(_EVERY.total_seconds())


async def _receivers(stack: AsyncExitStack) -> dict[str, str]:
    process = await stack.enter_async_context(
        child_process(
            *(sys.executable, "-m", "bench.performance.receivers"),
            patience=_PATIENCE,
            stdout=PIPE,
            stderr=DEVNULL,
        )
    )
    assert process.stdout
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        addresses: dict[str, str] = json.loads(await process.stdout.readline())
    return addresses


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all its descendants, with those that have ended."""
    total = 0.0
    for it in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(it.cpu_times()[:4])
    return total


def _checkpointed(file: Path) -> int:
    """Bytes of an SQLite database, with all that is in its write-ahead log."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return file.stat().st_size
