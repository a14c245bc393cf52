"""Which of a message's choices an order takes now, where it takes the message but not all of them.

``actions`` say what the order does, and so do their choices: what would be refused, or change nothing, is
not offered.
"""

from collections.abc import Callable, Mapping
from typing import Final, get_args

from orders.messages import RefundStatus, Role, SellerMessage
from orders.offers import OfferKind
from orders.order import Order
from orders.refunds import RefundOwner, RefundReport, refunds_of, repeats
from orders.status import Status
from orders.unmatched import seller_can_bear

Choices = dict[str, tuple[str, ...]]
"""By field, the values that are taken; every one of a field that is not listed."""


def _seller_reply(order: Order) -> Choices:
    # R9: what has been answered can still be accepted.
    return {} if order.status is Status.CANCELLATION_REQUESTED else {"decision": ("accept",)}


def _seller_message(order: Order) -> Choices:
    if order.status is Status.AWAITING_PAYMENT:
        return {}
    topics = get_args(SellerMessage.model_fields["topic"].annotation)
    return {"topic": tuple(it for it in topics if it not in OfferKind.before_payment())}


def _unmatched_resolution(order: Order) -> Choices:
    return {} if seller_can_bear(order) else {"borne_by": ("marketplace",)}


def refund_update_choices(owner: RefundOwner) -> Choices:
    """What support can say of the latest refund."""
    latest = refunds_of(owner)[-1]
    says = (it for it in RefundStatus if not repeats(latest, RefundReport(it, by=Role.SUPPORT)))
    return {"status": tuple(it.value for it in says)}


_CHOICES: Final[Mapping[str, Callable[[Order], Choices]]] = {
    "seller_reply": _seller_reply,
    "seller_message": _seller_message,
    "unmatched_resolution": _unmatched_resolution,
    "refund_update": refund_update_choices,
}


def choices(order: Order, name: str) -> Choices:
    """The choices of a message that the order takes now."""
    narrowed = _CHOICES.get(name)
    return narrowed(order) if narrowed else {}
