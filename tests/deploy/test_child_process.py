"""Programs end with whoever started them, and with them whatever they have started themselves."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.child_process import child_process

ROOT = Path(__file__).parents[2]

# A program that starts another and, told to end, leaves it behind; both report who they are.
PARENT_OF_ONE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(30)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(30)
"""
HOLDER = """
import asyncio, sys
from datetime import timedelta
from deploy.child_process import child_process

async def hold():
    patience = timedelta(seconds=0.2)
    async with child_process(sys.executable, "-c", sys.argv[1], patience=patience, stdout=1, stderr=2):
        await asyncio.sleep(60)

asyncio.run(hold())
"""


@pytest.mark.parametrize("program", [PARENT_OF_ONE, STUBBORN])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_whatever_ends_the_parent_ends_all_it_started(
    program: str, number: signal.Signals
) -> None:
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, program), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout
    started = [int(pid) for pid in (await holder.stdout.readline()).split()]
    assert started
    assert all(map(_is_alive, started))

    holder.send_signal(number)

    async with asyncio.timeout(10):
        await holder.wait()  # also for all that write to its output
        while any(map(_is_alive, started)):
            await asyncio.sleep(0.02)


async def test_leaving_the_context_ends_it_and_its_children() -> None:
    async with child_process(
        *(sys.executable, "-c", PARENT_OF_ONE),
        patience=timedelta(seconds=10),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        started = [int(pid) for pid in (await process.stdout.readline()).split()]

    assert process.returncode == 128 + signal.SIGTERM
    assert not any(map(_is_alive, started))


async def test_the_exit_status_of_a_program_is_passed_on() -> None:
    async with child_process(
        *(sys.executable, "-c", "raise SystemExit(3)"),
        patience=timedelta(seconds=10),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    ) as process:
        assert await process.wait() == 3


def _is_alive(pid: int) -> bool:
    """Dead is also what nobody has waited for yet: whoever adopts orphans here may not hurry."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
