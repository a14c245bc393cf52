"""Photos and scans that prove a shipment, stored per order and named by their SHA-256 (R10, R11)."""

import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Protocol
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from adapters.local.directory import Directory
from adapters.proof_files import (
    HEAD,
    AlteredProof,
    FileType,
    ReceivedProof,
    StoreUnavailable,
    type_of,
)
from orders.stored_files import StoredFile
from orders.values import OrderId

_ORDER_ID: TypeAdapter[str] = TypeAdapter(OrderId)
_COPY = ".copy"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class OpenedProof:
    """A proof to send on: as an attachment called ``file_name``, with `nosniff`, never inline."""

    media_type: str
    file_name: str
    size: int
    chunks: AsyncGenerator[bytes, None]


class ObjectStore(Protocol):
    """Storage for objects by name. All failures raise OSError."""

    async def put(self, name: str, file: IO[bytes]) -> None:
        """Store the whole file under this name, or nothing; replaces an existing object."""

    async def get(self, name: str) -> tuple[int, AsyncGenerator[bytes, None]]:
        """The object's size in bytes, and its content. Raises FileNotFoundError."""

    async def remove(self, name: str) -> None:
        """Remove an object, if there is one."""


class _Found(NamedTuple):
    type: FileType
    size: int
    first: bytes
    rest: AsyncGenerator[bytes, None]


class ProofStore:
    """Proofs in a directory, or in a bucket on S3 or an S3-compatible store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @classmethod
    def at(cls, address: str) -> "ProofStore":
        """The store at ``s3://bucket/prefix``, or in a directory, which is created if missing.

        Keys, region and endpoint of S3 come from the usual AWS_* variables. Raises StoreUnavailable.
        """
        try:
            if not address.startswith("s3://"):
                return cls(Directory(Path(address)))
            # An extra; the settings say so where it is missing.
            from adapters.s3 import Bucket

            url = urlsplit(address)
            return cls(Bucket(url.netloc, url.path.strip("/")))
        except OSError as error:
            raise StoreUnavailable from error

    async def keep(self, order_id: str, proof: ReceivedProof, copy: IO[bytes]) -> None:
        """Store a file under its ``reference``, and its copy beside it: the same twice is one.

        Raises StoreUnavailable.
        """
        await self.keep_copy(order_id, proof.sha256, copy)
        await self._put(reference(order_id, proof.sha256), proof.file)

    async def keep_copy(self, order_id: str, sha256: str, copy: IO[bytes]) -> None:
        """Store the copy of a file that is stored. Raises StoreUnavailable."""
        await self._put(reference(order_id, sha256) + _COPY, copy)

    async def _put(self, name: str, file: IO[bytes]) -> None:
        file.seek(0)
        try:
            await self._objects.put(name, file)
        except OSError as error:
            raise StoreUnavailable from error

    async def remove(self, order_id: str, sha256: str) -> None:
        """Remove what ``keep`` stored. Raises StoreUnavailable, for a key that may not delete as well."""
        name = reference(order_id, sha256)
        try:
            await self._objects.remove(name)
            await self._objects.remove(name + _COPY)
        except OSError as error:
            raise StoreUnavailable from error

    async def has(self, order_id: str, proof: StoredFile) -> bool:
        """Whether the store has the file that a message names, as it says, for this order.

        Implements ``client.proofs.HasProof``. Raises StoreUnavailable.
        """
        found = await self._find(order_id, proof.sha256)
        if found is None:
            return False
        await found.rest.aclose()
        return (proof.reference, proof.media_type, proof.size) == (
            reference(order_id, proof.sha256),
            found.type.media_type,
            found.size,
        )

    async def open(self, order_id: str, sha256: str, *, copy: bool = False) -> OpenedProof | None:
        """The proof of this order with this SHA-256 (hex), or its copy; None if there is none.

        Authorisation is the caller's responsibility. Raises StoreUnavailable. Reading a proof that somebody
        has replaced in the store raises AlteredProof before its last chunk.
        """
        found = await self._find(order_id, sha256, _COPY if copy else "")
        if found is None:
            return None
        return OpenedProof(
            media_type=found.type.media_type,
            file_name=f"proof-{sha256[:12].lower()}.{found.type.extension}",
            size=found.size,
            chunks=_stream(found) if copy else _verified(_stream(found), sha256.lower()),
        )

    async def _find(self, order_id: str, sha256: str, suffix: str = "") -> _Found | None:
        try:
            folder = _folder(order_id)
        except ValueError:
            return None
        sha256 = sha256.lower()
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            size, stream = await self._objects.get(f"{folder}/{sha256}{suffix}")
            first = await anext(stream, b"")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable from error
        if not (type_ := type_of(first[:HEAD])):
            return None  # somebody else put it there
        return _Found(type_, size, first, stream)


def reference(order_id: str, sha256: str) -> str:
    """The name in the store of an order's file. Raises ValueError for an invalid order id."""
    return f"{_folder(order_id)}/{sha256.lower()}"


def _folder(order_id: str) -> str:
    """The folder of an order. Raises ValueError for an invalid order id."""
    # The prefix makes an order id of `..` harmless.
    return f"order-{_ORDER_ID.validate_python(order_id)}"


async def _stream(found: _Found) -> AsyncGenerator[bytes, None]:
    async with aclosing(found.rest):
        try:
            yield found.first
            async for chunk in found.rest:
                yield chunk
        except OSError as error:
            raise StoreUnavailable from error


async def _verified(
    chunks: AsyncGenerator[bytes, None], sha256: str
) -> AsyncGenerator[bytes, None]:
    """The same. Raises AlteredProof in place of the last chunk where this is not their digest."""
    digest, last = hashlib.sha256(), b""
    async with aclosing(chunks):
        async for chunk in chunks:
            if last:
                yield last
            digest.update(chunk)
            last = chunk
    if digest.hexdigest() != sha256:
        raise AlteredProof
    yield last
