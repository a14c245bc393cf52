"""Programs that end with this process, however it ends: the Temporal server, a worker, the gateway."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


@asynccontextmanager
async def child_process(
    *command: str,
    patience: timedelta,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Process]:
    """Run a program until the context is left or this process dies.

    It then has ``patience`` to exit before it is killed with all its children.
    """
    process = await asyncio.create_subprocess_exec(
        # Isolated and without site-packages: it needs the standard library only.
        *(sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), f"{patience.total_seconds()}"),
        *command,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        # A new session: Ctrl-C must stop this process only, which ends the programs in order.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
