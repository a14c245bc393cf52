"""An order whose workflow has ended, made anew from its last view for something the provider says (R6, R15,
R23, R24).

The view and the ledger are all that is left of it, and they are enough: an order that is over waits for
nothing, and all that can still happen to it happens to its money.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from orders.accounting import Balances
from orders.allocation import differences, where_money_is
from orders.messages import (
    ChargebackReported,
    Message,
    OutsideRefundReported,
    PaymentDeclined,
    RefundUpdate,
    UnmatchedResolution,
)
from orders.order import LATEST_RULES, Order
from orders.payments import Payment
from orders.place_order import PlaceOrder
from orders.refunds import refund_number, refunds_of
from orders.sentences import sentence
from orders.status import CloseReason, Status
from orders.timeline import Event
from orders.values import Money, microseconds
from orders.view import Action, OrderView

LATE: Final = (
    PaymentDeclined,
    ChargebackReported,
    OutsideRefundReported,
    RefundUpdate,
    UnmatchedResolution,
)
"""Messages that an order takes also when its workflow has ended."""

TERMINATED: Final = sentence(
    "This order's process was terminated: nothing happens to it until support has it started again."
)

_AWARDED: Final = frozenset(
    {
        CloseReason.DISPUTE_PARTIAL_REFUND,
        CloseReason.DISPUTE_NO_REFUND,
        CloseReason.DISPUTE_SETTLED,
    }
)


def terminated(view: OrderView) -> OrderView:
    """The last view of an order whose workflow was ended from outside, before the order was over.

    Nothing comes next, and all that can be done is to say what has happened to its money.
    """
    late = {message.name for message in LATE}
    return view.model_copy(
        update={
            "terminated": True,
            "next": [],
            "actions": {
                role: [
                    it
                    if it.action in late
                    else Action(action=it.action, available=False, reason=TERMINATED)
                    for it in listed
                ]
                for role, listed in view.actions.items()
            },
        }
    )


def is_late_message(message: Message) -> bool:
    """Whether an order takes this kind of message also when its workflow has ended."""
    return isinstance(message, LATE)


def reopened(view: OrderView, at: datetime) -> Order:
    """The order as it ended; what was booked for it follows from its facts. ``at`` is now."""
    declined = list(_payments(view, Event.PAYMENT_DECLINED))
    seen = set(_payments(view, Event.PAYMENT_RECEIVED))
    order = Order(
        placed=PlaceOrder(
            order_id=view.order_id,
            buyer=view.buyer,
            seller=view.seller,
            lines=view.lines,
            shipping_price=view.shipping_price,
            policy=view.policy,
        ),
        # What is left of one that has ended is its money.
        rules=LATEST_RULES if view.status in Status.ended() else view.rules,
        placed_at=view.placed_at,
        status=view.status,
        status_since=view.status_since,
        close_reason=view.close_reason,
        closed_at=view.closed_at,
        pay_by=view.placed_at + view.policy.payment_window,
        amount_due=view.amount_due,
        amount_paid=view.amount_paid,
        amount_refunded=view.amount_refunded,
        amount_charged_back=view.amount_charged_back,
        books=Balances(),
        to_buyer=_awarded(view),
        payment=view.payment if isinstance(view.payment, Payment) else None,
        cancellation=view.cancellation,
        shipment=view.shipment,
        dispute=view.dispute,
        refund=view.refund,
        earlier_refunds=view.earlier_refunds,
        chargebacks=view.chargebacks,
        outside_refunds=view.outside_refunds,
        unmatched_resolutions=view.unmatched_resolutions,
        offers=view.offers,
        messages=view.messages,
        timeline=view.timeline,
        refused=view.refused,
        handled_until=at,
        declined_payments=declined,
        declined_unseen=[it for it in declined if it not in seen],
        sent_back=dict.fromkeys(_payments(view, Event.PAYMENT_SENT_BACK)),
        filed={view.dispute.dispute_id: view.dispute.fingerprint} if view.dispute else {},
        reopened=True,
        goes_on_from=view.timeline[-1].at,
        numbered_from=microseconds(at),
    )
    order.counters["refund"] = max(map(refund_number, refunds_of(order)), default=0)
    for currency, legs in differences(where_money_is(order), ()):
        order.book(at, "opening", currency, legs)
    order.opening, order.postings = order.postings, []
    return order.model_copy(deep=True)


def _awarded(view: OrderView) -> Money | None:
    """How much the buyer gets back in all (R14, R16); None while that is undecided."""
    if view.status not in Status.ended():
        return None
    if view.status is Status.SHIPPED:
        return view.amount_paid.of(0)
    if view.close_reason in _AWARDED and view.dispute and view.dispute.awarded:
        return view.dispute.awarded
    return view.amount_paid


def _payments(view: OrderView, what: Event) -> Iterator[str]:
    """The payments to which this has happened."""
    ids = (it.details.get("payment_id") for it in view.timeline if it.what == what)
    return (payment_id for payment_id in ids if isinstance(payment_id, str))
