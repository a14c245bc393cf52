"""Several processes that serve as one: they end together, whatever ends one of them."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TOGETHER = """
import os, signal, sys, threading
from runtime.supervisor import serve_together

def serve(number):
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    os.write(1, b"serving %d\\n" % os.getpid())
    stop.wait()
    # In one piece: the other one writes to the same pipe.
    os.write(1, b"stopped %d\\n" % os.getpid())

if __name__ == "__main__":
    sys.exit(serve_together(serve, 2))
"""


@pytest.fixture
async def together(tmp_path: Path) -> AsyncIterator[tuple[Process, list[int]]]:
    """What supervises two processes, and these, which serve."""
    script = tmp_path / "together.py"
    script.write_text(TOGETHER)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script)), env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=PIPE
    )
    assert process.stdout
    lines = [await process.stdout.readline() for _ in range(2)]
    yield process, [int(line.removeprefix(b"serving")) for line in lines]
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _output(process: Process) -> list[str]:
    """What is still printed, until nobody holds its output any more: until all have ended."""
    out, _ = await asyncio.wait_for(process.communicate(), 40)
    return out.decode().splitlines()


async def test_processes_stop_together(together: tuple[Process, list[int]]) -> None:
    process, serving = together

    process.send_signal(signal.SIGTERM)

    assert sorted(await _output(process)) == sorted(f"stopped {it}" for it in serving)
    assert process.returncode == 0


async def test_no_process_outlives_the_one_that_started_it(
    together: tuple[Process, list[int]],
) -> None:
    process, serving = together

    process.kill()

    assert sorted(await _output(process)) == sorted(f"stopped {it}" for it in serving)


async def test_a_process_that_dies_takes_the_others_with_it(
    together: tuple[Process, list[int]],
) -> None:
    """Whoever supervises them starts them again, all of them."""
    process, [victim, other] = together

    os.kill(victim, signal.SIGKILL)

    assert await _output(process) == [f"stopped {other}"]
    assert process.returncode == signal.SIGKILL
