"""Copies of proofs for the other party: the same pixels without place, owner or anything else (R11).

Each is drawn anew by a program of its own (``adapters.redraw``), which also judges how much there is to draw,
before it decodes anything.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from adapters.proof_files import (
    CannotDraw,
    ReceivedProof,
    TooManyPages,
    TooManyPixels,
    UnreadableProof,
)

_PROGRAM: Final = Path(__file__).with_name("redraw.py")
# Its exit status.
_ERRORS: Final = {3: TooManyPixels, 4: TooManyPages, -signal.SIGKILL: CannotDraw}
# Each may take a gigabyte of memory and a core.
_AT_ONCE: Final = 2


class ProofCopies:
    """Draws copies, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def drawn(self, proof: ReceivedProof) -> AsyncIterator[IO[bytes]]:
        """A copy of the proof, of its media type, until the context is left.

        Raises TooManyPixels, TooManyPages, UnreadableProof and CannotDraw.
        """
        with TemporaryFile() as copy:
            async with self._turns:
                await _draw(proof, copy)
            yield copy


async def _draw(proof: ReceivedProof, copy: IO[bytes]) -> None:
    proof.file.seek(0)
    try:
        process = await asyncio.create_subprocess_exec(
            # Isolated: it needs nothing of ours, and nothing that lies where it runs.
            *(sys.executable, "-I", str(_PROGRAM), proof.media_type),
            *(str(TooManyPixels.most), str(TooManyPages.most)),
            stdin=proof.file,
            stdout=copy,
            stderr=DEVNULL,
        )
    except OSError:
        raise CannotDraw from None
    try:
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise _ERRORS.get(status, UnreadableProof)
