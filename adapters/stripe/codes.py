"""Stripe's words for what we name otherwise, for requests and for news alike."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from orders.messages import ChargebackStatus, RefundStatus

ORDER_ID = "unbuy_order_id"
"""Metadata of a PaymentIntent, which Stripe copies to its charges: whose money it is."""
REFUND_ID = "refund_id"
"""Metadata of a refund: our id of it. One without it is other business of the same account."""
PROCESS = "process"
"""Metadata of a refund: the id of the workflow that asked for it."""

_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORD = re.compile(r"[a-z0-9_]{1,64}")


def our_order(metadata: Mapping[str, str] | None) -> str | None:
    """The order that a charge was made for; None when it is other business of the same account."""
    order_id = (metadata or {}).get(ORDER_ID, "")
    return order_id if _ORDER_ID.fullmatch(order_id) else None


def word(code: str | None) -> str:
    """A code of Stripe's (``expired_or_canceled_card``); nothing when it is anything longer or odder."""
    return code if code and _WORD.fullmatch(code) else ""


def refund_status(status: str | None) -> RefundStatus:
    """Ours are Stripe's; it has none for the refunds of a few payment methods, which are on their way."""
    return RefundStatus(status or RefundStatus.PENDING)


def chargeback_status(status: str) -> ChargebackStatus | None:
    """R23: a dispute's status as ours; None for one that takes no money from us.

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
    """Stripe's instants are seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
