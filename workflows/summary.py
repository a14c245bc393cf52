"""An order's summary in Temporal's web UI: short Markdown that shows support why it waits."""

from datetime import datetime

from orders.messages import MESSAGES
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.refusals import CLOSED_PHRASES, STATUS_PHRASES
from orders.schedule import COMING_PHRASES, schedule
from orders.shipments import ProofEvidence, TrackingEvidence
from orders.values import decimal
from orders.view import PEOPLE, actions
from workflows.markdown import as_code

_MOST_EVENTS = 10


def summary(placed: PlaceOrder) -> str:
    """One line that identifies the order in lists; no personal data."""
    return f"Order {as_code(placed.order_id)}: {placed.total}"


def about(placed: PlaceOrder) -> str:
    """The order as placed; it never changes."""
    lines = "\n".join(
        f"- {line.quantity} x {as_code(line.title)} ({as_code(line.sku)}) at {line.unit_price}"
        for line in placed.lines
    )
    return (
        f"Buyer {as_code(placed.buyer.id)}, seller {as_code(placed.seller.id)}, total {placed.total}.\n\n"
        f"{lines}\n\n"
        "Messages are signals and updates of the same name, for example `cancel_request`; "
        "the query `order` shows everything."
    )


def current(order: Order) -> str:
    """The status and its reason, what happens next automatically, available actions, and the money."""
    why = f", because {CLOSED_PHRASES[order.close_reason]}" if order.close_reason else ""
    parts = [
        f"**{order.status.value}** since {_at(order.status_since)}: "
        f"{STATUS_PHRASES[order.status]}{why}."
    ]
    if coming := [f"{_at(due.at)}: {COMING_PHRASES[due.what]}" for due in schedule(order)]:
        parts.append(_listed("Next", coming))
    able = {
        role: [a.action for a in actions(order, role) if a.available and a.action in MESSAGES]
        for role in PEOPLE
    }
    if any(able.values()):
        parts.append(
            _listed("Can now", [f"{role.value}: {', '.join(a)}" for role, a in able.items() if a])
        )
    if (cancellation := order.cancellation) and cancellation.reason:
        note = f": {as_code(cancellation.note)}" if cancellation.note else ""
        parts.append(
            f"Cancellation {_words(cancellation.status)}, because of {_words(cancellation.reason)}{note}."
        )
    if dispute := order.open_dispute:
        parts.append(
            f"Dispute {as_code(dispute.dispute_id)} ({_words(dispute.reason)}): {_words(dispute.status)}, "
            f"for the buyer at {_at(dispute.due_by)}, if nobody decides it before."
        )
    if order.shipment and (waiting := order.shipment.under_review):
        parts.append(_listed("For support to judge", [_evidence(it) for it in waiting]))
    if refund := order.refund:
        late = ", **overdue**" if refund.overdue and not refund.is_settled else ""
        why = f" ({as_code(refund.failure_reason)})" if refund.failure_reason else ""
        parts.append(
            f"Refund {as_code(refund.refund_id)} of {refund.money}: {_words(refund.status)}{why}{late}, "
            f"due by {_at(refund.due_by)}."
        )
    currency = order.amount_due.currency
    parts.append(
        f"Money: due {order.amount_due}, paid {order.amount_paid}, "
        f"held {decimal(order.books.held_or_refunding, currency)} {currency}, "
        f"refunded {order.amount_refunded}, charged back {order.amount_charged_back}, "
        f"owed to the seller {decimal(order.books.owed_to_seller, currency)} {currency}."
    )
    if order.refused:
        last = order.refused[-1]
        parts.append(f"Last refused: {as_code(last.name)}: {as_code(last.reason)}")
    parts.append(
        _listed(
            "Happened",
            [
                f"{_at(e.at)} {_words(e.what)} ({e.by.value})"
                for e in order.timeline[-_MOST_EVENTS:]
            ],
        )
    )
    # Repeated here: a workflow's static details are lost when it continues as new.
    parts.append(about(order.placed))
    return "\n\n".join(parts)


def _words(key: str) -> str:
    """A key of the contract as words; what one sends stays a key."""
    return key.replace("_", " ")


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _evidence(evidence: TrackingEvidence | ProofEvidence) -> str:
    if isinstance(evidence, ProofEvidence):
        return f"{evidence.kind}, given {_at(evidence.given_at)}"
    also = (
        f", which order {as_code(evidence.other_order_id)} has as well"
        if evidence.other_order_id
        else ""
    )
    return f"tracking number {as_code(evidence.number)}, given {_at(evidence.given_at)}{also}"


def _listed(title: str, items: list[str]) -> str:
    return "\n".join([f"{title}:", "", *(f"- {item}" for item in items)])
