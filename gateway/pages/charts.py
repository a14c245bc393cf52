"""What is drawn: the order's time from placed to its last deadline, and its money from paid to refunded.

Numbers only; the template makes SVG of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orders.view import OrderView

WIDTH: Final = 1000
"""Of the money's bar, in units of its own. The line of time is as wide as its place: it has percent."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the line of time, at ``x`` percent of it."""

    x: float
    what: str
    at: datetime
    is_past: bool


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Marks, and where now is."""

    now: float
    marks: tuple[Mark, ...]

    @property
    def last(self) -> Mark:
        """What is farthest to the right."""
        return sorted(self.marks, key=lambda it: it.at)[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the money's bar."""

    name: str
    x: float
    width: float
    amount: int


def time_line(view: OrderView, now: datetime) -> TimeLine:
    """From placed to what comes last, to scale; an order that is over ends now or at its end."""
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
    """Where what was paid is: back with the buyer, held, taken back by the bank, the seller's."""
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
