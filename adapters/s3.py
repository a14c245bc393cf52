"""Objects in a bucket on S3 or an S3-compatible store."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

_CHUNK = 64 * 1024
# Bytes. S3 accepts no smaller parts, except the last one.
_PART = 5 * 1024 * 1024

# A person is waiting: fail sooner than after the library's three minutes.
_RETRY_TIMEOUT = timedelta(seconds=15)


class Bucket:
    """Implements ``adapters.proof_store.ObjectStore``."""

    def __init__(self, name: str, prefix: str) -> None:
        """Keys, region and endpoint come from the usual AWS_* variables. Raises OSError."""
        with _as_os_error():
            self._store = S3Store(
                name,
                prefix=prefix or None,
                retry_config={"max_retries": 3, "retry_timeout": _RETRY_TIMEOUT},
            )

    async def put(self, name: str, file: IO[bytes]) -> None:
        """See ``ObjectStore``."""
        with _as_os_error():
            # One part at a time: with more the library holds the whole file in memory.
            await obstore.put_async(self._store, name, file, chunk_size=_PART, max_concurrency=1)

    async def get(self, name: str) -> tuple[int, AsyncGenerator[bytes, None]]:
        """See ``ObjectStore``."""
        with _as_os_error():
            found = await obstore.get_async(self._store, name)
        return found.meta["size"], _chunks(found)

    async def remove(self, name: str) -> None:
        """See ``ObjectStore``."""
        with _as_os_error():
            await obstore.delete_async(self._store, name)


async def _chunks(found: "obstore.GetResult") -> AsyncGenerator[bytes, None]:
    with _as_os_error():
        async for chunk in found.stream(_CHUNK):
            yield bytes(chunk)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise the library's errors as OSError; a missing object is a FileNotFoundError already."""
    try:
        yield
    except BaseError as error:
        raise OSError(str(error)) from error
