"""Uploads of proofs, well-formed in odd chunks and hostile ones (R10, R11)."""

from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.proof_files import LARGEST, ProofTooLarge, received
from adapters.proof_store import ProofStore
from gateway.multipart import (
    LARGEST_BODY,
    MalformedUpload,
    NotMultipart,
    ProofFields,
    ProofUpload,
    UploadError,
    UploadTooLarge,
    WrongParts,
)
from orders.errors import InvalidInput

BOUNDARY = "xYzZy"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
# What takes long on a busy machine is not wrong.
UNHURRIED = settings(deadline=None)
END = f"--{BOUNDARY}--\r\n".encode()
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\xff\xd9"


def part(name: str, content: bytes, more: str = "", headers: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{headers}\r\n'
    return head.encode() + content + b"\r\n"


FILE = part("file", JPEG, '; filename="../../etc/passwd.jpg"', "Content-Type: text/html\r\n")
KIND = part("kind", b"photo")
GOOD = KIND + FILE + END


def upload(body: bytes, cuts: list[int] | None = None) -> ProofUpload[ProofFields]:
    async def chunks() -> AsyncIterator[bytes]:
        places = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
        for start, end in pairwise(places):
            yield body[start:end]

    return ProofUpload(CONTENT_TYPE, chunks(), ProofFields)


async def nothing() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk


async def read(it: ProofUpload[ProofFields]) -> bytes:
    return b"".join([chunk async for chunk in it.chunks()])


@pytest.mark.parametrize("body", [GOOD, FILE + KIND + END])
async def test_the_file_and_the_fields_come_in_any_order(body: bytes) -> None:
    it = upload(body)

    assert await read(it) == JPEG
    assert it.fields
    assert (it.fields.kind, it.fields.message_id) == ("photo", None)


@UNHURRIED
@given(
    content=st.binary(max_size=300)
    | st.lists(st.sampled_from([b"\r", b"\n", b"-", b"\r\n--", BOUNDARY[:3].encode(), b"x"])).map(
        b"".join
    ),
    cuts=st.lists(st.integers(min_value=0, max_value=1000), max_size=30),
)
async def test_chunk_boundaries_change_nothing(content: bytes, cuts: list[int]) -> None:
    """Content full of beginnings of boundaries included."""
    it = upload(
        part("kind", b"postal_receipt") + part("file", content) + part("message_id", b"m-1") + END,
        cuts,
    )

    assert await read(it) == content
    assert it.fields
    assert (it.fields.kind, it.fields.message_id) == ("postal_receipt", "m-1")


@UNHURRIED
@given(body=st.binary(max_size=400), cuts=st.lists(st.integers(0, 1000), max_size=5))
async def test_any_body_is_read_or_refused_with_a_known_error(body: bytes, cuts: list[int]) -> None:
    """Case 51."""
    with pytest.raises(UploadError):
        await read(upload(body, cuts))


@UNHURRIED
@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
async def test_a_body_with_a_flipped_bit_is_read_or_refused(at: int, bit: int) -> None:
    """Case 51."""
    body = bytearray(GOOD)
    body[at] ^= 1 << bit

    with suppress(UploadError, InvalidInput):
        await read(upload(bytes(body)))


@UNHURRIED
@given(length=st.integers(0, len(GOOD) - 3))
async def test_a_truncated_body_is_refused_wherever_it_ends(length: int) -> None:
    with pytest.raises(MalformedUpload):
        await read(upload(GOOD[:length]))


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "multipart/mixed; boundary=x", "image/jpeg", ";"]
)
def test_another_content_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(NotMultipart, match="multipart/form-data"):
        ProofUpload(content_type, nothing(), ProofFields)


@pytest.mark.parametrize("boundary", ["", "; boundary=", '; boundary=""', "; boundary=" + "b" * 71])
def test_a_content_type_without_a_usable_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(MalformedUpload, match="boundary of 1 to 70 characters"):
        ProofUpload(f"multipart/form-data{boundary}", nothing(), ProofFields)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (KIND + END, "there is no `file`"),
        (KIND + FILE + FILE + END, "a part is there twice"),
        (KIND + KIND + FILE + END, "a part is there twice"),
    ],
)
async def test_a_form_with_unexpected_parts_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(WrongParts, match=problem):
        await read(upload(body))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (b"", "kind: Field required"),
        (part("kind", b"video"), "kind: Input should be 'photo' or 'postal_receipt'"),
        (KIND + part("message_id", b"m\x00"), "message_id: must not contain control characters"),
        (KIND + part("message_id", b"m" * 65), "message_id: String should have at most 64"),
        (KIND + part("sha256", b"0"), "sha256: Extra inputs are not permitted"),
        (KIND + part("<script>", b"0"), r"\(unreadable name\): Extra inputs are not permitted"),
    ],
)
async def test_unknown_fields_are_refused(fields: bytes, problem: str) -> None:
    """Case 48: what isn't the sender's to say, such as the file's SHA-256, included."""
    with pytest.raises(InvalidInput, match=problem):
        await read(upload(FILE + fields + END))


@pytest.mark.parametrize(
    "body",
    [
        KIND + part("message_id", b"m" * 257) + FILE + END,
        KIND + b"".join(part(f"field-{number}", b"") for number in range(8)) + FILE + END,
    ],
)
async def test_too_many_or_too_long_fields_are_refused(body: bytes) -> None:
    with pytest.raises(UploadTooLarge):
        await read(upload(body))


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n".join([b"--" + BOUNDARY.encode(), b"X: " + b"x" * 10_000, b"", b"", END]),
        b"\r\n".join([b"--" + BOUNDARY.encode(), *[b"X: x"] * 1_000, b"", b"", END]),
        f"--{BOUNDARY}\r\n\r\nphoto\r\n".encode() + GOOD,
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n'.encode() + GOOD,
        f'--{BOUNDARY}\r\nContent-Disposition: inline; name="message_id"\r\n\r\nx\r\n'.encode()
        + GOOD,
        part("kind", b"\xff\xfe") + FILE + END,
        b"\r\n" * 100_000,
        b'{"kind": "photo"}',
    ],
)
async def test_hostile_parts_are_refused(body: bytes) -> None:
    """Case 51."""
    with pytest.raises(UploadError):
        await read(upload(body))


@pytest.mark.parametrize("before", [b"", GOOD])
async def test_an_endless_body_is_cut_off(before: bytes) -> None:
    """Case 51: in what comes behind the last boundary, too."""
    taken = 0

    async def flood() -> AsyncIterator[bytes]:
        nonlocal taken
        yield before or part("kind", b"photo") + part("file", b"")[:-2]
        while True:
            taken += 1 << 20
            yield bytes(1 << 20)

    with pytest.raises(UploadTooLarge):
        await read(ProofUpload(CONTENT_TYPE, flood(), ProofFields))
    assert taken <= LARGEST_BODY + (1 << 20)


async def test_a_proof_is_streamed_from_the_request_to_the_store(tmp_path: Path) -> None:
    """R10: as a client sends it; nothing is kept of a proof whose form is wrong at its very end."""
    app = FastAPI()
    store = ProofStore.at(str(tmp_path / "proofs"))

    @app.post("/proofs")
    async def take(request: Request) -> dict[str, object]:
        it = ProofUpload(request.headers.get("content-type"), request.stream(), ProofFields)
        try:
            async with received(it.chunks()) as file:
                await store.keep("A-1", file, file.file)
        except (UploadError, InvalidInput, ProofTooLarge) as error:
            return {"error": type(error).__name__}
        assert it.fields
        return {"kind": it.fields.kind, "size": file.size, "media_type": file.media_type}

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as client:

        async def send(content: bytes, kind: str) -> dict[str, object]:
            file = ("zażółć.jpg", content, "image/jpeg")
            sent = await client.post("/proofs", files={"file": file}, data={"kind": kind})
            answer: dict[str, object] = sent.json()
            return answer

        wrong = await send(JPEG, "video")
        large = await send(JPEG + bytes(LARGEST), "photo")
        kept_of_these = [it for it in (tmp_path / "proofs").rglob("*") if it.is_file()]
        good = await send(JPEG, "photo")

    assert (wrong, large) == ({"error": "InvalidInput"}, {"error": "ProofTooLarge"})
    assert kept_of_these == []
    assert good == {"kind": "photo", "size": len(JPEG), "media_type": "image/jpeg"}
