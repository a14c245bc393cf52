"""What callers wait who do nothing wrong, measured in a process of its own: ``python -m bench.http.latency``.

It reads one line of JSON, ``{"address": ..., "requests": [[path, token], ...]}``, makes these GET requests in
turn, a new one every tenth of a second, however long the last ones take, and prints
``[began, seconds, status]`` for each, until its standard input ends. Status 0: no answer.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import httpx

_EVERY: Final = 0.1
_PATIENCE: Final = 30.0


class Wait(NamedTuple):
    """One request: when it began (seconds since the epoch), how long it took, and its status."""

    began: float
    seconds: float
    status: int


@asynccontextmanager
async def others(address: str, requests: list[tuple[str, str]]) -> AsyncIterator[list[Wait]]:
    """The waits of other callers, who ask for these paths with these tokens until the context is left."""
    waits: list[Wait] = []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C must reach the bench only
    )
    assert process.stdin
    assert process.stdout
    stdout = process.stdout

    async def listen() -> None:
        async for line in stdout:
            waits.append(Wait(*json.loads(line)))

    listening = asyncio.create_task(listen())
    process.stdin.write(json.dumps({"address": address, "requests": requests}).encode() + b"\n")
    try:
        yield waits
    finally:
        process.stdin.close()
        await listening
        await process.wait()


async def _measure(asked: dict[str, Any]) -> None:
    limits = httpx.Limits(max_connections=None)
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with (
        httpx.AsyncClient(base_url=asked["address"], timeout=_PATIENCE, limits=limits) as http,
        asyncio.TaskGroup() as group,
    ):
        for path, token in itertools.cycle(asked["requests"]):
            group.create_task(_ask(http, path, token))
            if (await asyncio.wait({ended}, timeout=_EVERY))[0]:
                return


async def _ask(http: httpx.AsyncClient, path: str, token: str) -> None:
    at, began, status = time.time(), time.perf_counter(), 0
    try:
        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
        status = answer.status_code
    except httpx.HTTPError as error:
        sys.stderr.write(f"{path}: {error!r}\n")
    sys.stdout.write(f"{json.dumps(Wait(at, time.perf_counter() - began, status))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_measure(json.loads(sys.stdin.readline())))
