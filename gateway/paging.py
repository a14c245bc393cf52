"""Parts of lists: by cursor for programs, by number for people."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from pydantic import TypeAdapter

from database.order_lists import Cursor
from orders.values import Instant, OrderId

PAGE_SIZE: Final = 50
"""Entries per page. One more is queried, to see whether there is a next page."""

SHOWN: Final = 25
"""Entries on a page for people."""

_Listed = TypeVar("_Listed")
_ORDER_ID = TypeAdapter[str](OrderId)
_INSTANT = TypeAdapter[datetime](Instant)


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of a list of so many entries; of a list that has become shorter the last one."""

    number: int
    total: int

    @classmethod
    def at(cls, number: int, total: int) -> "PageOf":
        """The page with this number, or the last."""
        return cls(min(number, cls(1, total).count), total)

    @property
    def count(self) -> int:
        """How many pages there are: one at least."""
        return max(1, -(-self.total // SHOWN))

    @property
    def skip(self) -> int:
        """How many entries come before this page."""
        return (self.number - 1) * SHOWN

    @property
    def first(self) -> int:
        """The number of its first entry, from 1."""
        return self.skip + 1

    @property
    def last(self) -> int:
        """The number of its last entry."""
        return min(self.skip + SHOWN, self.total)

    @property
    def near(self) -> list[int]:
        """The pages to link to: the first, the last, and those beside this one."""
        beside = range(self.number - 2, self.number + 3)
        return sorted({1, self.count, *(it for it in beside if 1 <= it <= self.count)})


def paginate(
    found: list[_Listed], cursor_of: Callable[[_Listed], Cursor]
) -> tuple[list[_Listed], str | None]:
    """The page, and the cursor of the next one or None."""
    shown = found[:PAGE_SIZE]
    return shown, _encoded(cursor_of(shown[-1])) if len(found) > PAGE_SIZE else None


def decode_cursor(cursor: str) -> Cursor | None:
    """The position that a cursor stands for; None if it is invalid."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        at, _, order_id = text.partition(" ")
        return Cursor(_INSTANT.validate_python(at), _ORDER_ID.validate_python(order_id))
    except (binascii.Error, ValueError):
        return None


def _encoded(cursor: Cursor) -> str:
    text = f"{cursor.at.isoformat()} {cursor.order_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
