"""Files that prove a shipment, judged by their content as they arrive (R10, R11).

An upload is first written to an anonymous temporary file (in TMPDIR), and measured, hashed and checked as it
arrives. One that is refused or interrupted never reaches the store, and the system reclaims the temporary
file automatically: nothing to clean up.

ProofError
├── ProofTooLarge       more than 10 MiB (HTTP 413)
├── WrongMediaType      neither JPEG nor PNG nor PDF by its content (HTTP 415)
├── EmptyProof          no content at all (HTTP 422)
├── IncompleteProof     truncated: the end of the file is missing (HTTP 422)
├── UnreadableProof     it cannot be opened (HTTP 422)
├── TooManyPixels       a picture of more than 50 megapixels (HTTP 422)
├── TooManyPages        a PDF of more than 20 pages (HTTP 422)
├── AlteredProof        what is stored is not what was sent (it is not served to its end)
├── CannotDraw          no copy can be drawn now (HTTP 503)
└── StoreUnavailable    the store can't be reached or written to (HTTP 503)
"""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple

from orders.sentences import sentence

LARGEST = 10 * 1024 * 1024
"""Bytes that a proof may have."""


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


class UnreadableProof(ProofError):
    """A file that no program of ours can open, or not within reasonable time and memory."""

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "The file can't be opened: see whether it opens on your device, save it anew as JPEG, PNG "
                "or PDF, and send it again."
            )
        )


class TooManyPixels(ProofError):
    """A picture of more than ``most`` pixels: width times height."""

    most: Final = 50_000_000

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A photo or scan has {most} megapixels at most, and this one has more: send a smaller one.",
                most=self.most // 1_000_000,
            )
        )


class TooManyPages(ProofError):
    """A PDF of more than ``most`` pages."""

    most: Final = 20

    def __init__(self) -> None:
        super().__init__(
            sentence(
                "A PDF has {most} pages at most, and this one has more: send only those that prove the "
                "shipment.",
                most=self.most,
            )
        )


class AlteredProof(ProofError):
    """A stored file whose SHA-256 is not the one under which it was stored."""

    def __init__(self) -> None:
        super().__init__(sentence("The stored file is not the one that was sent."))


class CannotDraw(ProofError):
    """The machine lacks what it takes to draw a copy."""

    def __init__(self) -> None:
        super().__init__(sentence("Files can't be checked now: try again in a few minutes."))


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
class ReceivedProof:
    """A whole file that may be stored; ``sha256`` in hex."""

    file: IO[bytes]
    media_type: str
    size: int
    sha256: str


class FileType(NamedTuple):
    """A type that is accepted: how a file of it begins, and what it contains near its end."""

    media_type: str
    extension: str
    # A complete file contains `closing` somewhere: cameras append data after the image's end.
    opening: re.Pattern[bytes]
    closing: bytes


_TYPES = (
    FileType("image/jpeg", "jpg", re.compile(rb"\xff\xd8\xff[\xc0-\xfe]"), b"\xff\xd9"),
    FileType(
        "image/png",
        "png",
        re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
        b"\x00\x00\x00\x00IEND\xae\x42\x60\x82",
    ),
    FileType("application/pdf", "pdf", re.compile(rb"%PDF-[12]\.\d"), b"%%EOF"),
)
HEAD = 16
"""Bytes of the longest opening."""


@asynccontextmanager
async def received(chunks: AsyncIterator[bytes]) -> AsyncIterator[ReceivedProof]:
    """The file that these chunks are, until the context is left.

    Raises ProofError, and whatever ``chunks`` raises.
    """
    with TemporaryFile() as file:
        media_type, size, sha256 = await _receive(chunks, file)
        yield ReceivedProof(file, media_type, size, sha256)


def type_of(head: bytes) -> FileType | None:
    """The type of a file that begins so; None for one that is not accepted."""
    return next((it for it in _TYPES if it.opening.match(head)), None)


async def _receive(chunks: AsyncIterator[bytes], file: IO[bytes]) -> tuple[str, int, str]:
    """Write the chunks to the file; returns media type, size and SHA-256 (hex)."""
    digest = hashlib.sha256()
    type_: FileType | None = None
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
            if len(head) < HEAD:
                continue
            if not (type_ := type_of(head)):
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
