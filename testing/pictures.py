"""Files that prove a shipment, for whoever uploads one."""

import struct
import zlib
from base64 import b64decode
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image

PHOTO: Final = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1td"
    "hbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABQQAQAAAAAAAAAA"
    "AAAAAAAAAAD/2gAIAQEAAD8AVf/Z"
)
"""A grey JPEG of 8 by 8 pixels."""

OWNER: Final = "Jan Kowalski, ul. Kwiatowa 7"
"""What nobody but support is to read in a file."""


def black_png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel, which compresses well."""
    row, pack = bytes(1 + (width + 7) // 8), zlib.compressobj(9)
    rows = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def photo_of_somebody(orientation: int = 1) -> bytes:
    """A red JPEG that says everywhere whose it is, and where it was taken."""
    exif, file = Image.Exif(), BytesIO()
    exif[0x0112] = orientation
    exif[0x013B] = OWNER
    exif.get_ifd(0x8825)[29] = OWNER  # GPS
    Image.new("RGB", (40, 30), (200, 30, 30)).save(
        file,
        "JPEG",
        exif=exif,
        comment=OWNER,
        icc_profile=bytes(128) + OWNER.encode(),
        xmp=f"<x:xmpmeta>{OWNER}</x:xmpmeta>".encode(),
    )
    return file.getvalue() + OWNER.encode()


def pdf(
    pages: Sequence[str],
    box: str = "0 0 200 150",
    *,
    stream: bytes = b"",
    catalog: str = "",
    objects: Sequence[bytes] = (),
) -> bytes:
    """A PDF with a page for each picture, given as its dictionary; ``<< >>`` is an empty page.

    ``stream`` is each picture's content. ``objects`` have the numbers from 10,000 on.
    """
    made = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        2: f"<< /Type /Pages /Count {len(pages)} /Kids "
        f"[{' '.join(f'{3 + 3 * n} 0 R' for n in range(len(pages)))}] >>".encode(),
    }
    for n, picture in enumerate(pages):
        at = 3 + 3 * n
        drawing = b"200 0 0 150 0 0 cm /P Do" if len(picture) > len("<< >>") else b""
        made[at] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents {at + 1} 0 R "
            f"/Resources << /XObject << /P {at + 2} 0 R >> >> "
            f"{'/Annots [10002 0 R]' if objects else ''} >>"
        ).encode()
        made[at + 1] = _stream(f"<< /Length {len(drawing)} >>", drawing)
        made[at + 2] = _stream(picture, stream)
    made |= dict(enumerate(objects, 10_000))
    return (
        b"%PDF-1.7\n"
        + b"".join(f"{number} 0 obj\n".encode() + it + b"\nendobj\n" for number, it in made.items())
        + b"trailer\n<< /Root 1 0 R /Info 10000 0 R >>\n%%EOF\n"
    )


def scan_of_somebody() -> bytes:
    """A PDF that shows such a photo, and says whose it is in every other place as well."""
    photo = photo_of_somebody()
    shown = (
        "<< /Type /XObject /Subtype /Image /Width 40 /Height 30 /ColorSpace /DeviceRGB "
        f"/BitsPerComponent 8 /Filter /DCTDecode /Length {len(photo)} >>"
    )
    return pdf(
        [shown],
        stream=photo,
        catalog="/Metadata 10001 0 R /Names << /EmbeddedFiles << /Names [(a) 10003 0 R] >> >>",
        objects=[
            f"<< /Author ({OWNER}) /Title ({OWNER}) /Creator ({OWNER}) >>".encode(),
            _stream(f"<< /Type /Metadata /Subtype /XML /Length {len(OWNER)} >>", OWNER.encode()),
            f"<< /Type /Annot /Subtype /Text /Rect [0 0 1 1] /T ({OWNER}) /F 2 >>".encode(),
            f"<< /Type /Filespec /F ({OWNER}) /EF << /F 10004 0 R >> >>".encode(),
            _stream(f"<< /Type /EmbeddedFile /Length {len(OWNER)} >>", OWNER.encode()),
        ],
    )


def _stream(dictionary: str, content: bytes) -> bytes:
    return dictionary.encode() + b"\nstream\n" + content + b"\nendstream"
