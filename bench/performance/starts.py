"""How long one waits: for help, for the first page of `make up`, and for the end of `make demo`."""

import asyncio
import os
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx

from bench.http.system import DoesNotStart
from deploy.local import GATEWAY_PORT_OFFSET, choose_port
from deploy.ports import LOOPBACK
from runtime import program

_PATIENCE = timedelta(minutes=2)
_EVERY = timedelta(milliseconds=20)


async def starts(directory: Path) -> dict[str, float]:
    """Seconds, by the names of ``METRICS``; in a new directory, as after an installation."""
    return {
        "start_help": await _ends(directory, "--help"),
        "start_page": await _first_page(directory),
        "start_demo": await _ends(directory, "demo"),
    }


async def _ends(directory: Path, command: str) -> float:
    began = time.perf_counter()
    async with _running(directory, command) as process:
        status = await process.wait()
    if status:
        raise DoesNotStart(f"`{command}` ended with status {status}.")
    return time.perf_counter() - began


async def _first_page(directory: Path) -> float:
    page = f"http://{LOOPBACK}:{choose_port() + GATEWAY_PORT_OFFSET}/"
    began = time.perf_counter()
    async with _running(directory, "up") as process, httpx.AsyncClient(trust_env=False) as http:
        while process.returncode is None:
            with suppress(httpx.TransportError):  # not listening yet
                (await http.get(page, follow_redirects=True)).raise_for_status()
                return time.perf_counter() - began
            await asyncio.sleep(_EVERY.total_seconds())
    raise DoesNotStart(f"`up` ended with status {process.returncode}.")


@asynccontextmanager
async def _running(directory: Path, command: str) -> AsyncIterator[Process]:
    ours = ("TEMPORAL_", "UNBUY_")
    process = await asyncio.create_subprocess_exec(
        *program.argv(command),
        cwd=directory,
        env={name: it for name, it in os.environ.items() if not name.startswith(ours)},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
