"""Data of the charts: the order's time line up to its last deadline, and where its money is.

Numbers only, in percent of the chart's width; the template draws the SVG.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orders.lifecycle import DEADLINES
from orders.timeline import Event
from orders.values import Money
from orders.view import OrderView

_MILESTONES: Final = frozenset(
    {
        Event.PLACED,
        Event.PAYMENT_RECEIVED,
        Event.PAYMENT_ACCEPTED,
        Event.CANCELLATION_REQUESTED,
        Event.DISPUTE_OPENED,
        Event.SHIPPED,
        Event.CLOSED,
        Event.REFUND_SUCCEEDED,
        Event.CHARGEBACK_OPENED,
    }
)
"""What the time line marks of what has happened; of what is to come it marks the deadlines."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of the money bar."""

    name: str
    x: float
    width: float
    money: Money


def time_line(view: OrderView, now: datetime) -> TimeLine:
    """From placing to the last event, to scale; a finished order's line ends now or at its end."""
    deadlines = [due for due in view.next if due.what in DEADLINES]
    milestones = [it for it in view.timeline if it.what in _MILESTONES]
    last = max([now, *(due.at for due in deadlines), *(it.at for it in milestones)])
    if not deadlines:
        last = view.timeline[-1].at
    whole = (last - view.placed_at).total_seconds() or 1.0

    def place(at: datetime) -> float:
        return round(100 * min(1.0, max(0.0, (at - view.placed_at).total_seconds() / whole)), 2)

    past = (Mark(place(it.at), it.what, it.at, True) for it in milestones)
    coming = (Mark(place(due.at), due.what, due.at, False) for due in deadlines)
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
            width = 100 * amount / whole
            yield Part(name, round(x, 2), round(width, 2), view.amount_paid.of(amount))
            x += width
