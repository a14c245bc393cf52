"""R21: what one party must be told."""

from typing import Any

from pydantic import Field

from orders.messages import Role
from orders.values import Frozen, Instant


class Notification(Frozen):
    """R21: something one party must be told. ``key`` makes it take effect once."""

    key: str
    to: Role
    what: str
    at: Instant
    details: dict[str, Any] = Field(default_factory=dict)
