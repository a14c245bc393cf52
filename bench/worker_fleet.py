"""Worker processes that are killed at random times and restarted."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.hasty_worker import ATTEMPT
from bench.workplace import environment_for
from deploy.embedded import EmbeddedServer
from runtime import program

_ROOT = Path(__file__).parents[1]
_PATIENCE = 60.0


@dataclass
class Fleet:
    """Several workers at once, or ``hasty_worker``s where the environment has its ATTEMPT."""

    environment: Mapping[str, str]
    log: Path
    chance: random.Random
    started: int = 0
    killed: int = 0
    ended_by_themselves: int = 0
    """What a worker must never do."""
    _running: list[asyncio.subprocess.Process] = field(default_factory=list)
    _killing: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Start one more."""
        hasty = ATTEMPT in self.environment
        command = [sys.executable, "-m", "bench.hasty_worker"] if hasty else program.argv("worker")
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(*command, "--processes", "1"),
                cwd=_ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                # Ctrl-C must reach the soak only, which ends the workers itself.
                start_new_session=True,
            )
        self._running.append(process)
        self.started += 1

    def kill_soon(self, seconds: float) -> None:
        """`kill -9` one of them after this many seconds."""
        task = asyncio.create_task(self._kill(seconds))
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)

    async def _kill(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        victim = self.chance.choice(self._running)
        self._running.remove(victim)
        await self._end(victim)
        await self.start()

    async def _end(self, victim: asyncio.subprocess.Process) -> None:
        if victim.returncode is not None:
            self.ended_by_themselves += 1
            return
        victim.kill()
        await victim.wait()
        self.killed += 1

    async def stop(self) -> None:
        """Stop all of them gracefully."""
        for task in self._killing:
            task.cancel()
        await asyncio.gather(*self._killing, return_exceptions=True)
        for process in self._running:
            if process.returncode is None:
                process.terminate()
            else:
                self.ended_by_themselves += 1
        for process in self._running:
            try:
                await asyncio.wait_for(process.wait(), _PATIENCE)
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def fleet(
    server: EmbeddedServer,
    directory: Path,
    chance: random.Random,
    *,
    size: int,
    attempt: float | None,
    **settings: str,
) -> AsyncIterator[Fleet]:
    """This many workers of the embedded server, until the context is left.

    ``attempt``: seconds until an attempt at a refund times out; None for the product's own timeout.
    ``settings`` are those of ``runtime/settings.py``.
    """
    environment = environment_for(server, **settings)
    if attempt is not None:
        environment[ATTEMPT] = str(attempt)
    workers = Fleet(environment, directory / "workers.log", chance)
    try:
        for _ in range(size):
            await workers.start()
        yield workers
    finally:
        await workers.stop()
