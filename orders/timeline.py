"""What happened to an order or to a stray payment, entry by entry."""

from typing import Any

from pydantic import Field

from orders.messages import Role
from orders.values import Frozen, Instant


class TimelineEntry(Frozen):
    """Something that happened: a stable key, who did it, and small JSON details."""

    at: Instant
    what: str
    by: Role
    details: dict[str, Any] = Field(default_factory=dict)
