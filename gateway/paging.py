"""Long lists in parts: how much is in one, and the cursor that asks for what lies behind it."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from pydantic import TypeAdapter

from ledger.listing import Place
from orders.values import Instant, OrderId

MOST_LISTED: Final = 50
"""Of a list, in one part of it."""

ASKED_FOR: Final = MOST_LISTED + 1
"""One more than is shown tells whether there is more."""

_Listed = TypeVar("_Listed")
_ORDER_ID = TypeAdapter[str](OrderId)
_INSTANT = TypeAdapter[datetime](Instant)


def part_of(
    found: list[_Listed], place: Callable[[_Listed], Place]
) -> tuple[list[_Listed], str | None]:
    """What is shown of ``ASKED_FOR``, and the cursor of what lies behind; None where nothing does."""
    shown = found[:MOST_LISTED]
    return shown, _cursor_of(place(shown[-1])) if len(found) > MOST_LISTED else None


def place_of(cursor: str) -> Place | None:
    """Where in a list a cursor stands; None for what no list has given."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        at, _, order_id = text.partition(" ")
        return Place(_INSTANT.validate_python(at), _ORDER_ID.validate_python(order_id))
    except (binascii.Error, ValueError):
        return None


def _cursor_of(place: Place) -> str:
    text = f"{place.at.isoformat()} {place.order_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
