"""Objects as local files, written atomically."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from tempfile import mkstemp
from typing import IO

_CHUNK = 64 * 1024


class Directory:
    """Implements ``adapters.proof_store.ObjectStore``."""

    def __init__(self, path: Path) -> None:
        """Create the directory if missing, accessible to its owner only. Raises OSError."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path.resolve()

    async def put(self, name: str, file: IO[bytes]) -> None:
        """See ``ObjectStore``."""
        await asyncio.to_thread(self._put, self._path / name, file)

    @staticmethod
    def _put(target: Path, file: IO[bytes]) -> None:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor, copy = mkstemp(dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as written:
                shutil.copyfileobj(file, written)
                written.flush()
                os.fsync(written.fileno())
            Path(copy).replace(target)
        except BaseException:
            Path(copy).unlink(missing_ok=True)
            raise

    async def get(self, name: str) -> tuple[int, AsyncGenerator[bytes, None]]:
        """See ``ObjectStore``."""
        file = await asyncio.to_thread((self._path / name).open, "rb")
        return os.fstat(file.fileno()).st_size, _chunks(file)

    async def remove(self, name: str) -> None:
        """See ``ObjectStore``."""
        await asyncio.to_thread((self._path / name).unlink, missing_ok=True)


async def _chunks(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
