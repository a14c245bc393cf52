"""Data of the charts: the order's time line up to its last deadline, and where its money is.

Numbers only; the template draws the SVG.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orders.view import OrderView

WIDTH: Final = 1000
"""Width of the money bar in its own units. The time line is in percent of its container."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on the time line, at ``x`` percent of its width."""

    x: float
    what: str
    at: datetime
    is_past: bool


@dataclass(frozen=True, slots=True)
class TimeLine:
    """The marks and the present."""

    now: float
    marks: tuple[Mark, ...]

    @property
    def last(self) -> Mark:
        """The rightmost mark."""
        return sorted(self.marks, key=lambda it: it.at)[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of the money bar."""

    name: str
    x: float
    width: float
    amount: int


def time_line(view: OrderView, now: datetime) -> TimeLine:
    """From placing to the last event, to scale; a finished order's line ends now or at its end."""
    last = max([now, *(due.at for due in view.next), *(it.at for it in view.timeline)])
    if not view.next:
        last = view.timeline[-1].at
    whole = (last - view.placed_at).total_seconds() or 1.0

    def place(at: datetime) -> float:
        return round(100 * min(1.0, max(0.0, (at - view.placed_at).total_seconds() / whole)), 2)

    past = (Mark(place(it.at), it.what, it.at, True) for it in view.timeline)
    coming = (Mark(place(due.at), due.what, due.at, False) for due in view.next)
    return TimeLine(place(now), (*past, *coming))


def money_bar(view: OrderView) -> tuple[Part, ...]:
    """The payment's parts: refunded, held, charged back, the seller's."""
    return tuple(_parts(view))


def _parts(view: OrderView) -> Iterator[Part]:
    shares = (
        ("refunded", view.amount_refunded.amount),
        ("charged_back", view.amount_charged_back.amount),
        ("held", view.amount_held.amount),
        ("seller", max(0, view.amount_owed_to_seller.amount)),
    )
    whole = sum(amount for _, amount in shares) or 1
    x = 0.0
    for name, amount in shares:
        if amount:
            width = amount / whole * WIDTH
            yield Part(name, round(x, 1), round(width, 1), amount)
            x += width
