"""An order in a list: what lists show of a recorded view, without reading the rest of it.

A view has up to 100 lines and any number of messages: 50 whole ones would keep other requests waiting.
"""

from pydantic import BaseModel, ConfigDict

from orders.disputes import DisputeReason
from orders.messages import CancelReason, RefundStatus, Role
from orders.place_order import Party
from orders.schedule import ScheduledEvent
from orders.status import CloseReason, Status
from orders.timeline import Event
from orders.values import Instant, Money

_WRITTEN = (Event.BUYER_MESSAGE, Event.SELLER_MESSAGE, Event.SUPPORT_MESSAGE)


class _Part(BaseModel):
    """Fields of a part of the view, by the same names."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ListedLine(_Part):
    """See ``Line``."""

    title: str


class ListedDispute(_Part):
    """See ``Dispute``."""

    reason: DisputeReason


class ListedCancellation(_Part):
    """See ``Cancellation``."""

    reason: CancelReason | None


class ListedRefund(_Part):
    """See ``Refund``."""

    status: RefundStatus
    due_by: Instant
    overdue: bool

    @property
    def is_late(self) -> bool:
        """R15: whether the money should be back, and is not."""
        return self.overdue and self.status is not RefundStatus.SUCCEEDED


class ListedEvent(_Part):
    """See ``TimelineEntry``."""

    what: str
    at: Instant
    by: Role


class ListedOrder(_Part):
    """See ``OrderView``."""

    order_id: str
    buyer: Party
    seller: Party
    lines: tuple[ListedLine, ...]
    status: Status
    status_since: Instant
    close_reason: CloseReason | None
    placed_at: Instant
    closed_at: Instant | None
    amount_due: Money
    amount_paid: Money
    amount_refunded: Money
    cancellation: ListedCancellation | None
    dispute: ListedDispute | None
    refund: ListedRefund | None
    timeline: list[ListedEvent]
    next: list[ScheduledEvent]
    terminated: bool = False
    asked: str | None = None
    """What it asks of whom the list is for: an ``Ask``, or a ``Need`` of support; kept beside the view."""
    due_by: Instant | None = None

    @property
    def last_message(self) -> ListedEvent | None:
        """What somebody wrote last (R4, R16)."""
        return next((it for it in reversed(self.timeline) if it.what in _WRITTEN), None)
