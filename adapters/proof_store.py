"""Photos and scans that prove a shipment, stored per order and named by their SHA-256 (R10, R11).

An upload is first written to an anonymous temporary file (in TMPDIR), and measured, hashed and checked as it
arrives. A rejected or interrupted upload never reaches the store, and the system reclaims the temporary file
automatically: nothing to clean up, and an S3 key needs no permission to delete or list.

ProofError
├── ProofTooLarge       more than 10 MiB (HTTP 413)
├── WrongMediaType      neither JPEG nor PNG nor PDF by its content (HTTP 415)
├── EmptyProof          no content at all (HTTP 422)
├── IncompleteProof     truncated: the end of the file is missing (HTTP 422)
└── StoreUnavailable    the store can't be reached or written to (HTTP 503)
"""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple, Protocol
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from adapters.local.directory import Directory
from orders.messages import ShipmentProof
from orders.sentences import sentence
from orders.values import OrderId

LARGEST = 10 * 1024 * 1024
"""Bytes that a proof may have."""

_ORDER_ID: TypeAdapter[str] = TypeAdapter(OrderId)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ProofError(Exception):
    """A proof that can't be stored or opened; the text is for the sender."""


class ProofTooLarge(ProofError):
    """More than ``LARGEST``."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A proof has 10 MiB at most, and this file has more: send a smaller photo or scan."
            )
        )


class WrongMediaType(ProofError):
    """The content is of no accepted type."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A proof is a JPEG or PNG image or a PDF, and by its content this file is none of them: "
                "save it as one of these and send it again."
            )
        )


class EmptyProof(ProofError):
    """An empty file."""

    def __init__(self) -> None:
        super().__init__(sentence("The file is empty: choose the photo or scan and send it again."))


class IncompleteProof(ProofError):
    """A truncated file."""

    def __init__(self, media_type: str) -> None:
        super().__init__(
            sentence(
                "The file begins as {media_type} but its end is missing: see whether it opens on your "
                "device, and send it again.",
                media_type=media_type,
            )
        )


class StoreUnavailable(ProofError):
    """The store failed; ``__cause__`` has the details."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "The proof store can't be reached now: try again in a few minutes. UNBUY_PROOF_STORE "
                "names it to whoever runs this."
            )
        )


@dataclass(frozen=True)
class StoredProof:
    """A stored proof; the fields of ``orders.messages.ShipmentProof``."""

    reference: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OpenedProof:
    """A proof to send on: as an attachment called ``file_name``, with `nosniff`, never inline."""

    media_type: str
    file_name: str
    size: int
    chunks: AsyncGenerator[bytes, None]


class _Type(NamedTuple):
    media_type: str
    extension: str
    # A complete file contains `closing` somewhere: cameras append data after the image's end.
    opening: re.Pattern[bytes]
    closing: bytes


_TYPES = (
    _Type("image/jpeg", "jpg", re.compile(rb"\xff\xd8\xff[\xc0-\xfe]"), b"\xff\xd9"),
    _Type(
        "image/png",
        "png",
        re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
        b"\x00\x00\x00\x00IEND\xae\x42\x60\x82",
    ),
    _Type("application/pdf", "pdf", re.compile(rb"%PDF-[12]\.\d"), b"%%EOF"),
)
# Bytes of the longest opening.
_HEAD = 16


class ObjectStore(Protocol):
    """Storage for objects by name. All failures raise OSError."""

    async def put(self, name: str, file: IO[bytes]) -> None:
        """Store the whole file under this name, or nothing; replaces an existing object."""

    async def get(self, name: str) -> tuple[int, AsyncGenerator[bytes, None]]:
        """The object's size in bytes, and its content. Raises FileNotFoundError."""


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

    async def keep(self, order_id: str, chunks: AsyncIterator[bytes]) -> StoredProof:
        """Store an upload; the same file for the same order is stored once.

        Raises ProofError, and whatever ``chunks`` raises; then nothing is stored.
        """
        folder = _folder(order_id)
        with TemporaryFile() as file:
            media_type, size, sha256 = await _receive(chunks, file)
            file.seek(0)
            reference = f"{folder}/{sha256}"
            try:
                await self._objects.put(reference, file)
            except OSError as error:
                raise StoreUnavailable from error
        return StoredProof(reference, media_type, size, sha256)

    async def has(self, order_id: str, proof: ShipmentProof) -> bool:
        """Whether the store has the file that a message names, as it says, for this order.

        Implements ``client.proofs.HasProof``. Raises StoreUnavailable.
        """
        opened = await self.open(order_id, proof.sha256)
        if opened is None:
            return False
        await opened.chunks.aclose()
        return (proof.reference, proof.media_type, proof.size) == (
            f"{_folder(order_id)}/{proof.sha256.lower()}",
            opened.media_type,
            opened.size,
        )

    async def open(self, order_id: str, sha256: str) -> OpenedProof | None:
        """The proof of this order with this SHA-256 (hex); None if there is none.

        Authorisation is the caller's responsibility. Raises StoreUnavailable.
        """
        try:
            folder = _folder(order_id)
        except ValueError:
            return None
        sha256 = sha256.lower()
        if not _SHA256.fullmatch(sha256):
            return None
        try:
            size, stream = await self._objects.get(f"{folder}/{sha256}")
            first = await anext(stream, b"")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable from error
        if not (type_ := _type(first[:_HEAD])):
            return None  # somebody else put it there
        return OpenedProof(
            media_type=type_.media_type,
            file_name=f"proof-{sha256[:12]}.{type_.extension}",
            size=size,
            chunks=_stream(first, stream),
        )


async def _receive(chunks: AsyncIterator[bytes], file: IO[bytes]) -> tuple[str, int, str]:
    """Write the chunks to the file; returns media type, size and SHA-256 (hex)."""
    digest = hashlib.sha256()
    type_: _Type | None = None
    size = 0
    head = end = b""
    closed = False
    async for chunk in chunks:
        size += len(chunk)
        if size > LARGEST:
            raise ProofTooLarge
        digest.update(chunk)
        file.write(chunk)
        if type_ is None:
            head += chunk
            if len(head) < _HEAD:
                continue
            if not (type_ := _type(head)):
                raise WrongMediaType
            end, chunk = b"", head
        end += chunk
        closed = closed or type_.closing in end
        end = end[-len(type_.closing) + 1 :]
    if not size:
        raise EmptyProof
    if not type_:
        raise WrongMediaType
    if not closed:
        raise IncompleteProof(type_.media_type)
    return type_.media_type, size, digest.hexdigest()


def _type(head: bytes) -> _Type | None:
    return next((it for it in _TYPES if it.opening.match(head)), None)


def _folder(order_id: str) -> str:
    """The folder of an order. Raises ValueError for an invalid order id."""
    # The prefix makes an order id of `..` harmless.
    return f"order-{_ORDER_ID.validate_python(order_id)}"


async def _stream(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        try:
            yield first
            async for chunk in rest:
                yield chunk
        except OSError as error:
            raise StoreUnavailable from error
