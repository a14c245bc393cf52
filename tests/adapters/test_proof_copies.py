"""Copies of proofs: the same to the eye, and nothing of their place and owner (cases 83, 85)."""

import asyncio
import os
import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image, PngImagePlugin

from adapters import proof_copies
from adapters.proof_copies import ProofCopies
from adapters.proof_files import (
    CannotDraw,
    TooManyPages,
    TooManyPixels,
    UnreadableProof,
    received,
)
from testing.pictures import OWNER, black_png, pdf, photo_of_somebody, scan_of_somebody


async def copied(original: bytes) -> bytes:
    """The copy of a file that was uploaded."""

    async def chunks() -> AsyncIterator[bytes]:
        yield original

    async with received(chunks()) as file, ProofCopies().drawn(file) as copy:
        copy.seek(0)
        return copy.read()


def screenshot_of_somebody() -> bytes:
    """A PNG with texts of every kind, Exif, and something behind its end."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", OWNER)
    texts.add_text("Comment", OWNER, zip=True)
    texts.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{OWNER}</x:xmpmeta>")
    exif, file = Image.Exif(), BytesIO()
    exif[0x013B] = OWNER
    picture = Image.new("P", (40, 30))
    picture.putpalette([200, 30, 30] * 256)
    picture.save(file, "PNG", pnginfo=texts, exif=exif, transparency=1)
    return file.getvalue() + OWNER.encode()


@pytest.mark.parametrize("orientation", [1, 6])
async def test_a_photo_is_copied_without_place_and_owner(orientation: int) -> None:
    """Case 85: it stays upright."""
    original = photo_of_somebody(orientation)
    assert original.count(OWNER.encode()) >= 5

    copy = await copied(original)

    with Image.open(BytesIO(copy)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == ((40, 30) if orientation == 1 else (30, 40))
        red, green, blue = picture.getpixel((5, 5))  # type: ignore[misc]
        assert not picture.getexif()
        assert not {"exif", "xmp", "comment", "icc_profile", "photoshop"} & picture.info.keys()
    assert abs(red - 200) + abs(green - 30) + abs(blue - 30) < 20
    assert OWNER.encode() not in copy


async def test_a_picture_is_copied_without_its_texts() -> None:
    """Case 85."""
    copy = await copied(screenshot_of_somebody())

    with Image.open(BytesIO(copy)) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (40, 30))
        assert picture.getpixel((5, 5)) == (200, 30, 30, 255)
        assert picture.info == {}
    assert OWNER.encode() not in copy


async def test_a_scan_is_copied_without_its_author_and_what_is_hidden_in_it() -> None:
    """Case 85: nor the Exif of the photo that it shows, attachments, or notes' authors."""
    original = scan_of_somebody()
    assert original.count(OWNER.encode()) >= 10

    copy = await copied(original)

    document = pypdfium2.PdfDocument(copy)
    assert len(document) == 1
    drawn = document[0].render().to_pil().convert("RGB")
    assert drawn.width / drawn.height == pytest.approx(200 / 150, rel=0.01)
    red, green, blue = drawn.getpixel((drawn.width // 2, drawn.height // 2))
    assert abs(red - 200) + abs(green - 30) + abs(blue - 30) < 20
    assert document.get_metadata_dict(skip_empty=True).keys() <= {"CreationDate", "ModDate"}
    assert OWNER.encode() not in copy


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
async def test_pictures_of_every_kind_are_copied(mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (40, 30)).save(file, "JPEG" if mode == "CMYK" else "PNG")

    with Image.open(BytesIO(await copied(file.getvalue()))) as picture:
        picture.load()
        assert picture.size == (40, 30)


async def test_a_picture_of_too_many_pixels_is_refused_undecoded() -> None:
    """Case 83: decoded it would have 200 MB of bits, or 4.8 GB as a browser has them."""
    original = black_png(40_000, 40_000)
    assert len(original) < 200 * 1024

    with pytest.raises(TooManyPixels):
        await copied(original)


async def test_a_photo_that_only_says_to_be_huge_is_refused_by_its_head() -> None:
    """Case 83."""
    original = photo_of_somebody()
    with Image.open(BytesIO(original)) as picture:
        said = struct.pack(">HH", picture.height, picture.width)
    huge = original.replace(b"\x08" + said, b"\x08" + struct.pack(">HH", 65_500, 65_500))
    assert huge != original

    with pytest.raises(TooManyPixels):
        await copied(huge)


async def test_as_many_pixels_as_are_accepted_are_copied_smaller() -> None:
    with Image.open(BytesIO(await copied(black_png(10_000, 5_000)))) as picture:
        assert picture.size == (4096, 2048)


async def test_a_pdf_of_too_many_pages_is_refused() -> None:
    """Case 83."""
    assert len(pypdfium2.PdfDocument(await copied(pdf(["<< >>"] * 20)))) == 20

    with pytest.raises(TooManyPages):
        await copied(pdf(["<< >>"] * 21))


@pytest.mark.parametrize("box", ["0 0 1000000 1000000", "0 0 14400000 1", "0 0 0 0"])
async def test_a_page_is_drawn_no_larger_than_can_be_looked_at(box: str) -> None:
    """Case 83."""
    [page] = pypdfium2.PdfDocument(await copied(pdf(["<< >>"], box)))

    width, height = (side / 72 * 150 for side in page.get_size())
    assert width * height <= 4_100_000
    assert max(width, height) <= 10_001


@pytest.mark.parametrize(
    "original",
    [
        b"\xff\xd8\xff\xe0" + bytes(200) + b"\xff\xd9",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
        + bytes(40)
        + b"\x00\x00\x00\x00IEND\xae\x42\x60\x82",
        b"%PDF-1.7\nnothing\n%%EOF",
        photo_of_somebody()[:400] + b"\xff\xd9",
    ],
    ids=["jpeg", "png", "pdf", "half"],
)
async def test_what_cannot_be_opened_is_refused(original: bytes) -> None:
    with pytest.raises(UnreadableProof):
        await copied(original)


async def test_what_takes_too_much_memory_ends_its_own_program_only() -> None:
    """Case 83: a small PDF that shows a picture of 1.6 billion pixels, in colour."""
    flat = zlib.compress(zlib.compress(bytes(50_000_000), 9), 9)
    picture = (
        "<< /Type /XObject /Subtype /Image /Width 40000 /Height 40000 /ColorSpace /DeviceRGB "
        f"/BitsPerComponent 8 /Filter [/FlateDecode /FlateDecode] /Length {len(flat)} >>"
    )
    try:
        copy = await copied(pdf([picture], stream=flat))
    except UnreadableProof:
        return
    assert len(copy) < 1_000_000


async def test_where_no_program_can_be_started_that_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "nothing"))

    with pytest.raises(CannotDraw):
        await copied(photo_of_somebody())


async def test_drawing_lets_others_go_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may take a core for seconds: a flood of uploads must not hold up who asks for a page."""
    program, said = tmp_path / "program.py", tmp_path / "nice"
    program.write_text(
        f"import atexit, os, runpy\n"
        f"atexit.register(lambda: open({str(said)!r}, 'w').write(str(os.nice(0))))\n"
        f"runpy.run_path({str(proof_copies._PROGRAM)!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(proof_copies, "_PROGRAM", program)

    assert await copied(photo_of_somebody())

    assert int(said.read_text()) == min(os.nice(0) + 10, 19)


async def test_whoever_leaves_takes_the_program_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waiting, started = tmp_path / "waiting.py", tmp_path / "started"
    waiting.write_text(
        f"import pathlib, time, os\n"
        f"pathlib.Path({str(started)!r}).write_text(str(os.getpid()))\n"
        f"time.sleep(60)\n"
    )
    monkeypatch.setattr(proof_copies, "_PROGRAM", waiting)
    drawing = asyncio.create_task(copied(photo_of_somebody()))
    async with asyncio.timeout(30):
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.01)

    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing

    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
