"""The proof store's contract (R10, R11), kept by files and by S3 alike."""

import hashlib
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable
from io import BytesIO
from itertools import repeat
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store
from pydantic import ValidationError

from adapters.proof_files import (
    LARGEST,
    AlteredProof,
    EmptyProof,
    IncompleteProof,
    ProofTooLarge,
    StoreUnavailable,
    WrongMediaType,
    received,
)
from adapters.proof_store import ProofStore, reference
from deploy.ports import LOOPBACK, free_port
from orders.messages import ShipmentProof
from runtime.settings import Settings, setting_errors
from testing.s3 import BUCKET, s3_peer

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + b"." * 40 + b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
COPY = b"\xff\xd8\xff\xe0a copy\xff\xd9"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\nstartxref\n9\n%%EOF\n"
HTML = b"<!doctype html><script>alert(document.cookie)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

Names = Callable[[], list[str]]


@pytest.fixture(scope="session")
async def s3_endpoint() -> AsyncIterator[str]:
    async with s3_peer() as endpoint:
        yield endpoint


@pytest.fixture(params=["files", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "files":
        return str(tmp_path / "proofs")
    speak_s3(monkeypatch, request.getfixturevalue("s3_endpoint"))
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def store(address: str) -> ProofStore:
    return ProofStore.at(address)


@pytest.fixture
def names(address: str) -> Names:
    """What is in the store beside copies, whoever put it there and however it is called."""

    def files() -> list[str]:
        found = (it for it in Path(address).rglob("*") if it.is_file())
        return sorted(it.relative_to(address).as_posix() for it in found)

    def objects() -> list[str]:
        bucket = S3Store(BUCKET, prefix=address.partition(f"{BUCKET}/")[2])
        return sorted(it["path"] for it in bucket.list().collect())

    listed = objects if address.startswith("s3:") else files
    return lambda: [it for it in listed() if not it.endswith(".copy")]


def speak_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unbuy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unbuy")


async def coming(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def keep(store: ProofStore, order_id: str, chunks: AsyncIterator[bytes]) -> ShipmentProof:
    """Store an upload; a message that names it."""
    async with received(chunks) as file:
        await store.keep(order_id, file, BytesIO(COPY))
        return ShipmentProof(
            kind="photo",
            reference=reference(order_id, file.sha256),
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
        )


async def all_of(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def a_jpeg_of(size: int, chunk: int = 64 * 1024) -> Iterable[bytes]:
    yield JPEG[:-2]
    left = size - len(JPEG)
    yield from repeat(bytes(chunk), left // chunk)
    yield bytes(left % chunk)
    yield JPEG[-2:]


@pytest.mark.parametrize(
    ("content", "media_type", "ending"),
    [(JPEG, "image/jpeg", ".jpg"), (PNG, "image/png", ".png"), (PDF, "application/pdf", ".pdf")],
)
async def test_a_proof_comes_back_as_it_was_sent_with_the_type_its_content_has(
    store: ProofStore, content: bytes, media_type: str, ending: str
) -> None:
    """R10, R11."""
    sha256 = hashlib.sha256(content).hexdigest()

    kept = await keep(store, "A-1", coming(content))
    opened = await store.open("A-1", sha256)

    assert (kept.media_type, kept.size, kept.sha256) == (media_type, len(content), sha256)
    assert kept.reference == f"order-A-1/{sha256}"
    assert opened
    assert (opened.media_type, opened.size) == (media_type, len(content))
    assert opened.file_name == f"proof-{sha256[:12]}{ending}"
    assert await all_of(opened.chunks) == content


@pytest.mark.parametrize("content", [JPEG, PNG, PDF])
async def test_a_proof_is_stored_alike_whatever_its_chunks(
    store: ProofStore, content: bytes
) -> None:
    kept = await keep(store, "A-1", coming(*(bytes([byte]) for byte in content), b""))

    assert kept.size == len(content)
    assert kept.sha256 == hashlib.sha256(content).hexdigest()


async def test_the_same_file_is_stored_once(store: ProofStore, names: Names) -> None:
    first = await keep(store, "A-1", coming(JPEG))
    again = await keep(store, "A-1", coming(JPEG[:7], JPEG[7:]))

    assert first == again
    assert names() == [first.reference]


async def test_a_file_is_removed_with_its_copy_and_no_other(store: ProofStore) -> None:
    """Case 84."""
    kept = await keep(store, "A-1", coming(JPEG))
    await keep(store, "A-2", coming(JPEG))

    for _ in range(2):
        await store.remove("A-1", kept.sha256)

    for copy in (False, True):
        assert await store.open("A-1", kept.sha256, copy=copy) is None
        assert await store.open("A-2", kept.sha256, copy=copy)


async def test_a_copy_is_kept_beside_its_file(store: ProofStore) -> None:
    """Case 85."""
    kept = await keep(store, "A-1", coming(JPEG))

    original = await store.open("A-1", kept.sha256)
    copy = await store.open("A-1", kept.sha256, copy=True)

    assert original
    assert copy
    assert (await all_of(original.chunks), await all_of(copy.chunks)) == (JPEG, COPY)
    assert (copy.media_type, copy.size) == ("image/jpeg", len(COPY))


async def test_data_appended_by_a_camera_is_accepted(store: ProofStore) -> None:
    assert (await keep(store, "A-1", coming(JPEG, b"a film of the moment" * 99))).size > len(JPEG)


@pytest.mark.parametrize(
    "content",
    [
        HTML,
        SVG,
        b"GIF89a" + bytes(99),
        b"\n" + PDF,
        b"\xff\xd8",
        b"PK\x03\x04" + bytes(99),
        b"%PDF",
    ],
)
async def test_an_unknown_type_is_refused_whatever_its_name(
    store: ProofStore, names: Names, content: bytes
) -> None:
    """Case 53."""
    with pytest.raises(WrongMediaType):
        await keep(store, "A-1", coming(content))

    assert names() == []


async def test_a_wrong_type_is_refused_by_its_first_bytes(store: ProofStore) -> None:
    async def never_ending() -> AsyncIterator[bytes]:
        yield HTML
        pytest.fail("More was read than is needed to refuse it.")

    with pytest.raises(WrongMediaType):
        await keep(store, "A-1", never_ending())


async def test_a_polyglot_file_is_served_as_the_type_it_was_checked_as(store: ProofStore) -> None:
    """Case 53: an image with a page inside is sent on as an image, to be saved."""
    kept = await keep(store, "A-1", coming(JPEG[:-2] + HTML + JPEG[-2:]))
    opened = await store.open("A-1", kept.sha256)

    assert opened
    assert opened.media_type == "image/jpeg"
    assert opened.file_name.endswith(".jpg")


@pytest.mark.parametrize("content", [JPEG[:-1], PNG[:-1], PDF[:-2], JPEG[:-2] + b"\x00" * 5_000])
async def test_a_file_without_its_end_is_refused(
    store: ProofStore, names: Names, content: bytes
) -> None:
    with pytest.raises(IncompleteProof):
        await keep(store, "A-1", coming(content))

    assert names() == []


async def test_an_end_marker_across_two_chunks_is_found(store: ProofStore) -> None:
    assert (await keep(store, "A-1", coming(PNG[:-5], PNG[-5:]))).size == len(PNG)


@pytest.mark.parametrize("chunks", [(), (b"",), (b"", b"")])
async def test_an_empty_file_is_refused(store: ProofStore, chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(EmptyProof):
        await keep(store, "A-1", coming(*chunks))


async def test_ten_mebibytes_are_accepted_and_a_byte_more_is_refused(
    store: ProofStore, names: Names
) -> None:
    kept = await keep(store, "A-1", coming(*a_jpeg_of(LARGEST)))
    with pytest.raises(ProofTooLarge):
        await keep(store, "A-2", coming(*a_jpeg_of(LARGEST + 1)))
    opened = await store.open("A-1", kept.sha256)

    assert kept.size == LARGEST
    assert names() == [kept.reference]
    assert opened
    assert await all_of(opened.chunks) == b"".join(a_jpeg_of(LARGEST))


async def test_a_large_proof_is_never_held_in_memory_as_a_whole(store: ProofStore) -> None:
    """What Python holds; what the library holds beside it is one part of 5 MiB."""
    tracemalloc.start()
    try:
        kept = await keep(store, "A-1", coming(*a_jpeg_of(LARGEST)))
        opened = await store.open("A-1", kept.sha256)
        assert opened
        largest = max([len(chunk) async for chunk in opened.chunks])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert largest < 1024 * 1024
    assert peak < LARGEST * 0.75


async def test_an_aborted_upload_leaves_nothing(store: ProofStore, names: Names) -> None:
    async def breaking_off() -> AsyncIterator[bytes]:
        for chunk in [*a_jpeg_of(LARGEST)][:-1]:
            yield chunk
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await keep(store, "A-1", breaking_off())

    assert names() == []


def test_a_process_killed_in_the_middle_of_an_upload_leaves_nothing(tmp_path: Path) -> None:
    """The store has nothing, and nor has the directory of temporary files."""
    script = f"""
import asyncio, os, signal
from io import BytesIO
from adapters.proof_files import received
from adapters.proof_store import ProofStore

async def killed():
    yield {JPEG!r}
    yield bytes(1 << 20)
    os.kill(os.getpid(), signal.SIGKILL)

async def keep():
    store = ProofStore.at({str(tmp_path / "proofs")!r})
    async with received(killed()) as file:
        await store.keep("A-1", file, BytesIO(b"a copy"))

asyncio.run(keep())
"""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(temporary)}, check=False
    )

    assert ended.returncode == -signal.SIGKILL
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []


async def test_a_proof_is_found_under_its_own_order_only(store: ProofStore) -> None:
    kept = await keep(store, "A-1", coming(JPEG))

    assert await store.open("A-1", kept.sha256.upper())
    assert await store.open("A-2", kept.sha256) is None
    assert await store.open("A-1", "0" * 64) is None


@pytest.mark.parametrize("order_id", [".", "..", "...", "-", "_", "a" * 64])
async def test_every_order_id_has_a_path_of_its_own(
    store: ProofStore, names: Names, order_id: str
) -> None:
    kept = await keep(store, order_id, coming(JPEG))

    assert names() == [f"order-{order_id}/{kept.sha256}"]
    assert await store.open(order_id, kept.sha256)


@pytest.mark.parametrize(
    "order_id", ["", "../A-1", "A-1/../A-2", "/etc", "A-1\n", "A\0", "a" * 65, "%2e%2e", "ż"]
)
async def test_an_order_id_cannot_escape_the_store(
    store: ProofStore, names: Names, order_id: str
) -> None:
    """R11: whoever asks with a path of his own finds nothing, and keeps nothing there."""
    kept = await keep(store, "A-1", coming(JPEG))

    with pytest.raises(ValidationError):
        await keep(store, order_id, coming(JPEG))
    assert await store.open(order_id, kept.sha256) is None
    assert names() == [kept.reference]


@pytest.mark.parametrize(
    "sha256", ["", "..", "../order-A-2/{}", "{}/", "{}#1", "{}\n", "./{}", "/etc/passwd", "{}\0"]
)
async def test_a_name_cannot_escape_the_store(store: ProofStore, sha256: str) -> None:
    kept = await keep(store, "A-1", coming(JPEG))
    await keep(store, "A-2", coming(JPEG))

    assert await store.open("A-1", sha256.format(kept.sha256)) is None


async def test_it_has_what_a_message_names_as_it_is_stored(store: ProofStore) -> None:
    """Case 82."""
    proof = await keep(store, "A-1", coming(JPEG))

    assert await store.has("A-1", proof)
    assert await store.has("A-1", proof.model_copy(update={"sha256": proof.sha256.upper()}))
    assert not await store.has("A-2", proof)
    for other in (
        {"size": proof.size + 1},
        {"media_type": "image/png"},
        {"sha256": "0" * 64},
        {"reference": "proofs/1.jpg"},
    ):
        assert not await store.has("A-1", proof.model_copy(update=other))


async def test_a_foreign_file_in_the_store_is_not_served(store: ProofStore, address: str) -> None:
    _put(address, f"order-A-1/{'0' * 64}", HTML)

    assert await store.open("A-1", "0" * 64) is None


@pytest.mark.parametrize("other", [PNG, JPEG[:-2] + b"x" * 300_000 + JPEG[-2:]])
async def test_another_picture_in_the_place_of_a_proof_is_not_served_to_its_end(
    store: ProofStore, address: str, other: bytes
) -> None:
    kept = await keep(store, "A-1", coming(JPEG))
    _put(address, kept.reference, other)
    opened = await store.open("A-1", kept.sha256)

    assert opened
    with pytest.raises(AlteredProof):
        await all_of(opened.chunks)


def _put(address: str, place: str, content: bytes) -> None:
    """Put something into the store past our code."""
    if address.startswith("s3:"):
        obstore.put(S3Store(BUCKET, prefix=address.partition(f"{BUCKET}/")[2]), place, content)
        return
    file = Path(address, place)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)


async def test_an_unreachable_store_is_reported_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speak_s3(monkeypatch, f"http://{LOOPBACK}:{free_port()}")
    store = ProofStore.at(f"s3://{BUCKET}")

    with pytest.raises(StoreUnavailable, match="try again in a few minutes"):
        await keep(store, "A-1", coming(JPEG))
    with pytest.raises(StoreUnavailable):
        await store.open("A-1", "0" * 64)


def test_a_directory_that_cannot_be_created_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="UNBUY_PROOF_STORE"):
        ProofStore.at(str(tmp_path / "file" / "proofs"))


def test_only_the_owner_can_read_the_directory(tmp_path: Path) -> None:
    ProofStore.at(str(tmp_path / "var" / "proofs"))

    assert (tmp_path / "var" / "proofs").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "address", ["var/proofs", "/srv/proofs", "C:\\proofs", "s3://bucket", "s3://my.bucket/a/b-1/"]
)
def test_a_directory_or_a_bucket_can_be_configured(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("UNBUY_PROOF_STORE", address)

    assert Settings().proof_store == address


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            " ",
            "s3://",
            "s3:///proofs",
            "s3://Bad_Bucket",
            "s3://bucket/../other",
            "gs://bucket",
        ),
        *("https://example.org/proofs", "file:///srv/proofs", "s3://key:secret@bucket"),
    ],
)
def test_any_other_store_address_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("UNBUY_PROOF_STORE", address)

    with pytest.raises(ValidationError) as raised:
        Settings()

    assert setting_errors(raised.value) == (
        "UNBUY_PROOF_STORE: must be a directory, or a bucket written as s3://bucket/prefix."
    )
