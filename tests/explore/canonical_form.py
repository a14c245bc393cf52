"""What tells states of the rules apart: their canonical form.

Two states are one if what can still happen in them is the same. So histories are left out (``_HISTORY``),
as is what an order is past; collections lose their order and what is over in them (``_REDUCED``); payments
are known by what was said of them, not by their ids; and instants are past, or known by their rank among all
to come.
"""

from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from orders.accounting import Balances
from orders.cancellations import Cancellation
from orders.chargebacks import Chargeback
from orders.disputes import Dispute
from orders.messages import RefundStatus
from orders.offers import Offer
from orders.order import Order
from orders.outside_refunds import OutsideRefund
from orders.payments import Payment, PaymentStatus
from orders.refunds import Refund
from orders.shipments import Shipment
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from tests.explore.small_data import PAYMENTS, takes_payments

BLUR: Final = timedelta(milliseconds=1)

_ATOMS: Final = frozenset({str, int, bool, datetime, type(None), Status, PaymentStatus})

_FAILED: Final = RefundStatus.failed()

_HISTORY: Final[dict[type[BaseModel], str]] = {
    Order: "placed rules placed_at status_since closed_at timeline messages refused handled_until revision "
    "counters message_ids postings notifications stray_payments_to_start earlier_disputes filed "
    "declined_payments declined_unseen sent_back contradicted pending_payments chargebacks outside_refunds "
    "unmatched_resolutions reopened opening numbered_from",
    Payment: "payment_id method paid_at received_at decided_at declined_reason",
    Cancellation: "reason note complaint fault fine requested_at answered_at answer_note ended_at",
    Shipment: "shipped_at",
    Dispute: "dispute_id status reason note outcome outcome_note awarded opened_at resolved_at evidence "
    "files",
    Offer: "offer_id bonus text offered_at status",
    Refund: "refund_id payment_id method failure_reason note requested_at asked_at settled_at said_at "
    "times_settled",
    StrayPaymentState: "payment timeline postings notifications handled_until reopened",
}
"""What happened, and is only told again; what was said of payments is in ``_told``. What new fields are
called is not here, so they count.
"""

_BEFORE_SHIPMENT: Final = frozenset({"pay_by", "amount_due", "pending_until"})
_WHILE_OPEN: Final = frozenset(
    {"close_reason", "cancellation", "ground", "offers", "dispute", "shipment"}
)
"""What is of no consequence later."""

_REDUCED: Final[dict[tuple[type[BaseModel], str], Callable[[Any], object]]] = {
    (Balances, "balances"): lambda balances: sorted(it for it in balances.items() if it[1]),
    (Order, "cancellation"): lambda it: it if it and it.ended_at is None else None,
    (Order, "dispute"): lambda it: it if it and it.is_open else None,
    (Order, "offers"): lambda offers: sorted(
        (it.kind, it.money.amount if it.money else 0) for it in offers if it.is_open
    ),
    (Shipment, "tracking"): lambda given: sorted(
        it.status for it in given if it.is_verifying or it.is_under_review
    ),
    (Shipment, "proofs"): lambda given: sum(it.is_under_review for it in given),
    (Refund, "status"): lambda status: "failed" if status in _FAILED else status,
    (Order, "earlier_refunds"): lambda refunds: sorted(map(_earlier, refunds)),
    (StrayPaymentState, "earlier_refunds"): lambda refunds: sorted(map(_earlier, refunds)),
    (Refund, "provider_status"): lambda status: "failed" if status in _FAILED else status,
    (StrayPaymentState, "chargebacks"): lambda given: _claims(given),
    (StrayPaymentState, "outside_refunds"): lambda given: _sent(given),
}
"""What fields come to."""


def canonical(
    model: BaseModel,
    coming: Collection[tuple[str, datetime]],
    now: datetime,
    *,
    blurred: bool = False,
) -> Hashable:
    """What tells a state from others: its fields, and what is ``coming`` by itself.

    An instant that is to come is known by its rank. ``blurred``, instants that are no further than ``BLUR``
    apart are one.
    """
    flat: list[Any] = []
    if isinstance(model, Order):
        _flatten_order(model, flat)
    else:
        _flatten(model, flat)
    instants = {it for it in flat if type(it) is datetime}
    instants.update(at for _, at in coming)
    known_as = _ranks(instants, now, BLUR if blurred else timedelta(0))
    known = [known_as[it] if type(it) is datetime else it for it in flat]
    return (*known, *sorted((known_as[at], what) for what, at in coming))


def _ranks(instants: set[datetime], now: datetime, near: timedelta) -> dict[datetime, int]:
    ranks: dict[datetime, int] = {}
    rank, last = 0, now
    for at in sorted(instants):
        if at <= now:
            ranks[at] = 0
            continue
        if at - last > near or not rank:
            rank += 1
        ranks[at] = rank
        last = at
    return ranks


def _flatten_order(order: Order, flat: list[Any]) -> None:
    before = takes_payments(order)
    flat.append(order.status)
    for name, reduce in _kept(Order):
        is_past = (not before and name in _BEFORE_SHIPMENT) or (
            not order.is_open and name in _WHILE_OPEN
        )
        if not is_past:
            value = getattr(order, name)
            _flatten(reduce(value) if reduce else value, flat)
    if before:
        flat += sorted((_told(order, payment_id) for payment_id in PAYMENTS), key=repr)
    else:
        flat.append(_facts(order, order.payment_id))
        others = (it for it in order.chargebacks if it.payment_id != order.payment_id)
        flat.append(_claims(it for it in others if it.is_open))


def _told(order: Order, payment_id: str) -> Hashable:
    """What the order has been told of a payment."""
    pending = [it for it in order.pending_payments if it.payment_id == payment_id]
    sent_back = order.sent_back.get(payment_id)
    return (
        payment_id == order.payment_id,
        payment_id in order.sent_back and (sent_back.amount if sent_back else None),
        payment_id in order.declined_payments,
        payment_id in order.declined_unseen,
        bool(pending),
        _facts(order, payment_id),
    )


def _facts(order: Order, payment_id: str | None) -> Hashable:
    return (
        _claims(it for it in order.chargebacks if it.payment_id == payment_id),
        _sent(it for it in order.outside_refunds if it.payment_id == payment_id),
    )


def _earlier(it: Refund) -> tuple[str, str, int]:
    status = "failed" if it.has_failed else it.status.value
    said = "failed" if it.provider_status in _FAILED else str(it.provider_status)
    return (status, said, it.money.amount)


def _claims(given: Iterable[Chargeback]) -> tuple[tuple[str, int, str], ...]:
    """One that was won takes nothing, and may be opened again like a new one."""
    return tuple(
        sorted((it.status, it.money.amount, it.money.currency) for it in given if not it.is_won)
    )


def _sent(given: Iterable[OutsideRefund]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted((it.money.amount, it.money.currency) for it in given if it.counts))


def _flatten(value: Any, flat: list[Any]) -> None:
    kind = type(value)
    if kind in _ATOMS or isinstance(value, Enum):
        flat.append(value)
    elif kind is list or kind is tuple:
        flat.append(len(value))
        for item in value:
            _flatten(item, flat)
    elif kind is dict:
        _flatten(sorted(value.items()), flat)
    elif kind is Money:
        flat.append(value.amount)
        flat.append(value.currency)
    else:
        fields = value.__dict__
        for name, reduce in _kept(value.__class__):
            it = reduce(fields[name]) if reduce else fields[name]
            if type(it) in _ATOMS:
                flat.append(it)
            else:
                _flatten(it, flat)


@cache
def _kept(model: type[BaseModel]) -> tuple[tuple[str, Callable[[Any], object] | None], ...]:
    dropped = _HISTORY.get(model, "").split()
    if unknown := set(dropped) - model.model_fields.keys():
        raise AssertionError(f"{model.__name__} has no {', '.join(sorted(unknown))}")
    return tuple(
        (name, _REDUCED.get((model, name))) for name in model.model_fields if name not in dropped
    )
