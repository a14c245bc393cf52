"""Stripe's metadata keys, codes and statuses, for requests and events alike."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from orders.messages import ChargebackStatus, RefundStatus

ORDER_ID = "unbuy_order_id"
"""Metadata of a PaymentIntent, which Stripe copies to its charges: the order's id."""
REFUND_ID = "refund_id"
"""Metadata of a refund: our id of it; other refunds of the same account have none."""
WORKFLOW_ID = "process"
"""Metadata of a refund: the id of the workflow that requested it."""

_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORD = re.compile(r"[a-z0-9_]{1,64}")


def our_order(metadata: object) -> str | None:
    """The order that a charge was made for; None for other charges of the same account."""
    order_id = metadata.get(ORDER_ID) if isinstance(metadata, Mapping) else None
    return order_id if isinstance(order_id, str) and _ORDER_ID.fullmatch(order_id) else None


def word(code: str | None) -> str:
    """A Stripe code (``expired_or_canceled_card``); empty if it does not have the form of one."""
    return code if code and _WORD.fullmatch(code) else ""


def refund_status(status: str | None) -> RefundStatus:
    """A refund's status, as at Stripe; pending where it has none, or one that we don't know."""
    return RefundStatus(status) if status in set(RefundStatus) else RefundStatus.PENDING


def chargeback_status(status: str) -> ChargebackStatus | None:
    """R23: a dispute's status as ours; None for one that moves no money.

    Those are inquiries (``warning_…``), and disputes that were ``prevented`` by a refund
    (docs.stripe.com/api/disputes/object).
    """
    match status:
        case "needs_response" | "under_review":
            return ChargebackStatus.OPENED
        case "won" | "lost":
            return ChargebackStatus(status)
        case _:
            return None


def in_utc(seconds: int) -> datetime:
    """A Unix timestamp in seconds as a UTC instant."""
    return datetime.fromtimestamp(seconds, UTC)
