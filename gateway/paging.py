"""Pagination by cursor."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from pydantic import TypeAdapter

from database.order_lists import Cursor
from orders.values import Instant, OrderId

PAGE_SIZE: Final = 50
"""Entries per page. One more is queried, to see whether there is a next page."""

_Listed = TypeVar("_Listed")
_ORDER_ID = TypeAdapter[str](OrderId)
_INSTANT = TypeAdapter[datetime](Instant)


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
