"""Where one subject is measured: a server, its database and its workers, and what they use of the machine."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from bench.performance.subjects import Subject, SubjectOrders
from bench.workplace import environment_for
from deploy.child_process import child_process
from deploy.embedded import EmbeddedServer, embedded_server

_PATIENCE = timedelta(seconds=60)


class Cpu(NamedTuple):
    """Seconds of CPU time, in user and in system mode, since a process began."""

    server: float
    worker: float
    client: float

    def since(self, before: "Cpu") -> "Cpu":
        """What has come to it."""
        return Cpu(*(now - then for now, then in zip(self, before, strict=True)))


@dataclass
class Stage:
    """A running subject."""

    subject: Subject
    orders: SubjectOrders
    server: EmbeddedServer
    _server: psutil.Process
    _workers: list[psutil.Process]

    def cpu(self) -> Cpu:
        """What it has used so far; the client is this process."""
        return Cpu(
            server=_cpu_seconds(self._server),
            worker=sum(map(_cpu_seconds, self._workers)),
            client=time.process_time(),
        )


@asynccontextmanager
async def stage(subject: Subject, directory: Path, workers: int = 1) -> AsyncIterator[Stage]:
    """The subject with so many worker processes, until the context is left; its files are in a directory."""
    database = directory / "temporal.db"
    async with embedded_server(database=database, ui=True) as server, AsyncExitStack() as stack:
        environment = environment_for(
            server,
            database_url=f"sqlite+aiosqlite:///{directory / 'unbuy.db'}",
            proof_store=str(directory / "proofs"),
        )
        log = stack.enter_context((directory / "worker.log").open("ab"))
        processes = [
            await stack.enter_async_context(
                child_process(
                    *subject.worker,
                    patience=_PATIENCE,
                    stdout=log,
                    stderr=log,
                    environment=environment,
                )
            )
            for _ in range(workers)
        ]
        yield Stage(
            subject,
            subject.orders(server.client),
            server,
            _child_with(str(database)),
            [psutil.Process(it.pid) for it in processes],
        )


def _child_with(argument: str) -> psutil.Process:
    return next(it for it in psutil.Process().children() if argument in it.cmdline())


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all its descendants, with those that have ended."""
    total = 0.0
    for it in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += sum(it.cpu_times()[:4])
    return total
