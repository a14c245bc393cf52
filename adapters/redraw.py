"""Draws a photo or scan anew: the pixels of what comes on standard input, to standard output.

A program of its own, since files of strangers are decoded here: it has little memory and time, and when it
dies nobody else does. It imports none of our packages. Whatever is no pixel stays behind: Exif, XMP, text,
a PDF's author and attachments, and what is hidden before or behind the picture.

``python redraw.py MEDIA_TYPE MOST_PIXELS MOST_PAGES``; its exit status is one of those below.
"""

import os
import resource
import sys
from contextlib import suppress
from io import BytesIO
from math import sqrt
from typing import IO, TYPE_CHECKING, Final

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from pypdfium2 import PdfPage  # type: ignore[import-untyped]

DRAWN: Final = 0
UNREADABLE: Final = 1
"""Also where memory or time did not suffice; a signal may end the program then."""
TOO_MANY_PIXELS: Final = 3
TOO_MANY_PAGES: Final = 4

_MEMORY: Final = 1 << 30
_NICE: Final = 10
# Seconds of computing, and bytes of what is drawn.
_TIME: Final = 30
_LARGEST: Final = 64 << 20

# Of a page of a PDF, which has 72 points an inch.
_PAGE_PIXELS: Final = 4_000_000
_PAGE_SCALE: Final = 150 / 72
_LONGEST_SIDE: Final = 10_000

# Pixels, and of a JPEG the quality: enough to read a label by.
_LONGEST_COPY: Final = 4096
_QUALITY: Final = 90
_OTHERWISE: Final = {"image/jpeg": "RGB", "image/png": "RGBA"}
_MODES: Final = {
    "image/jpeg": ("L", "RGB"),
    "image/png": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
}


class _TooLarge(Exception):
    """What came has more than is drawn; ``args``: the exit status."""


def _draw_picture(media_type: str, most_pixels: int, original: IO[bytes], copy: IO[bytes]) -> None:
    kind = media_type.partition("/")[2].upper()
    # Only its head is read so far.
    picture: Image.Image = Image.open(original, formats=[kind])
    if picture.width * picture.height > most_pixels:
        raise _TooLarge(TOO_MANY_PIXELS)
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((_LONGEST_COPY, _LONGEST_COPY))
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if picture.mode not in _MODES[media_type]:
        picture = picture.convert(_OTHERWISE[media_type])
    # Some of it is written again unless it is not there.
    picture.info.clear()
    picture.save(copy, kind, quality=_QUALITY)


def _draw_pages(most_pages: int, original: IO[bytes], copy: IO[bytes]) -> None:
    # Most proofs are pictures.
    from pypdfium2 import PdfDocument

    document = PdfDocument(original.read())
    if len(document) > most_pages:
        raise _TooLarge(TOO_MANY_PAGES)
    first, *others = [_drawn(page) for page in document]
    first.save(copy, "PDF", save_all=True, append_images=others, resolution=150, title="")


def _drawn(page: "PdfPage") -> Image.Image:
    width, height = (max(side, 1) for side in page.get_size())
    scale = min(
        _PAGE_SCALE, sqrt(_PAGE_PIXELS / (width * height)), _LONGEST_SIDE / max(width, height)
    )
    drawn: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
    return drawn


def main(media_type: str, most_pixels: int, most_pages: int) -> int:
    """Draw what comes on standard input, as a file of the same type; the exit status."""
    # It may take a core for seconds, which whoever asks for a page meanwhile needs first.
    os.nice(_NICE)
    # We count the pixels ourselves.
    Image.MAX_IMAGE_PIXELS = None
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _TIME),
        (resource.RLIMIT_FSIZE, _LARGEST),
    ):
        # Not every system has each of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    try:
        drawn = BytesIO()
        if media_type == "application/pdf":
            _draw_pages(most_pages, sys.stdin.buffer, drawn)
        else:
            _draw_picture(media_type, most_pixels, sys.stdin.buffer, drawn)
        sys.stdout.buffer.write(drawn.getbuffer())
        sys.stdout.buffer.flush()
    except _TooLarge as error:
        status: int = error.args[0]
        return status
    except Exception:
        # The decoders raise all sorts.
        return UNREADABLE
    return DRAWN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
