"""A photo as a seller would upload it: small, and a real PNG."""

import struct
import zlib


def photo(width: int = 420, height: int = 260) -> bytes:
    """A parcel on a table, more or less."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(width) for part in _colour(x / width, y / height))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _colour(x: float, y: float) -> tuple[int, int, int]:
    if 0.58 < x < 0.74 and 0.34 < y < 0.52:
        return 245, 245, 240  # its label
    if 0.2 < x < 0.8 and 0.2 < y < 0.82:
        return (205, 170, 120) if abs(x - 0.5) > 0.03 else (170, 130, 80)
    return 120, 128, 140
