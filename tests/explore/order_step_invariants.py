"""What holds of every step of an order: between the state before it and the one after."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from orders import allocation
from orders.messages import RefundStatus, ShipmentExtension
from orders.notifications import NotificationKind
from orders.order import Order
from orders.refunds import refunds_of
from tests.explore.order_moves import OrderMove, Send
from tests.explore.search import Violation, violated
from tests.orders.builders import notifications_must_be_valid

_UNDER_WAY: Final = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})
_TOLD_ONCE: Final = frozenset(
    {NotificationKind.ORDER_PLACED, NotificationKind.ORDER_SHIPPED, NotificationKind.ORDER_CLOSED}
)


def wrong_with_step(before: Order, move: OrderMove, after: Order) -> Iterator[Violation]:
    """Every invariant of a step that does not hold."""
    return violated(_INVARIANTS, before, move, after)


def _nothing_takes_effect_twice(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """Once: no key of a posting or a notification comes again, and nobody is told the same again."""
    told = after.notifications[len(before.notifications) :]
    for key, times in Counter(it.key for it in after.notifications).items():
        if times > 1:
            yield f"the notification {key} is there {times} times"
    for key, times in Counter(it.key for it in after.postings).items():
        if times > 1:
            yield f"the posting {key} is there {times} times"
    for (what, role), times in Counter((it.what, it.to) for it in told).items():
        # R23: of every chargeback that is open, each time.
        of_each = what == NotificationKind.CHARGEBACK_REMINDER
        if times > (sum(it.is_open for it in after.chargebacks) if of_each else 1):
            yield f"{role} is told of {what} {times} times at once"
    for what in {it.what for it in told} & _TOLD_ONCE:
        if sum(it.what == what for it in before.notifications):
            yield f"somebody is told of {what} again"


def _what_is_told_makes_sense(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """R21: it goes to whom it concerns, with all that its text speaks of."""
    notifications_must_be_valid(after.notifications[len(before.notifications) :])
    yield from ()


def _history_is_kept(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """What happened stays so; and an order that has changed is recorded."""
    if after.timeline[: len(before.timeline)] != before.timeline:
        yield "the timeline has lost something"
    if after.postings[: len(before.postings)] != before.postings:
        yield "the postings have lost something"
    if isinstance(move, Send) and after.revision == before.revision:
        yield f"{move.message.name} is taken, and the order is not recorded anew"


def _what_has_ended_stays_so(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """R19: closed or shipped, an order only settles its money."""
    if not before.is_open:
        if after.status is not before.status or after.close_reason is not before.close_reason:
            yield f"an order that was {before.status} becomes {after.status}"
        if after.to_buyer != before.to_buyer:
            yield "what the buyer gets back in all changes after the end"
    if after.policy is not before.policy and after.policy != before.policy:
        yield "R22: the policy changes"


def _refunds_are_what_is_due(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """R14, R23: no refund is forgotten, and none begins of money that has gone back already."""
    known = {it.refund_id for it in refunds_of(before)}
    refunds = refunds_of(after)
    if lost := known - {it.refund_id for it in refunds}:
        yield f"{len(lost)} refunds are forgotten"
    for refund in refunds:
        if refund.refund_id in known:
            continue
        if refund.due_by != refund.requested_at + after.policy.refund_window:
            yield "R14: a refund is not due when policy says"
        if any(it.status in _UNDER_WAY for it in refunds if it is not refund):
            yield "a second refund begins while one is under way"
        # Summed up here once more: what `allocation` says of it is in question.
        ours = sum(it.money.amount for it in refunds if not it.has_failed)
        if after.to_buyer is None or ours + _taken(after) > after.to_buyer.amount:
            yield "more goes back than the buyer is to get"


def _taken(order: Order) -> int:
    """What bank and provider have of the payment: all of it by another currency's."""
    paid, payment_id = order.received, order.payment_id
    mine = [it for it in order.chargebacks if it.payment_id == payment_id]
    sent = [it for it in order.outside_refunds if it.payment_id == payment_id]
    chargebacks = [it.money for it in mine if not it.is_won]
    outside = [it.money for it in sent if it.counts]
    taken = sum(
        it.amount if it.currency == paid.currency else paid.amount
        for it in (*chargebacks, *outside)
    )
    return min(taken, paid.amount)


def _deadlines_stay(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """R6, R10, R16b, R20a: what has been given stays, but for what the buyer adds."""
    if after.pay_by != before.pay_by:
        yield "R6: the 20 days move"
    one, other = before.cancellation, after.cancellation
    is_new = isinstance(move, Send) and move.message.name == "cancel_request"
    if one and other and not is_new and after.is_open and other.due_by != one.due_by:
        yield "R10: the 14 days move"
    ends = {it.dispute_id: it.due_by for it in (before.dispute,) if it}
    if after.dispute and after.dispute.due_by != ends.get(
        after.dispute.dispute_id, after.dispute.due_by
    ):
        yield "R16b: the dispute's end moves"
    if isinstance(move, Send) and isinstance(move.message, ShipmentExtension):
        old = before.shipment.ship_by if before.shipment else None
        new = after.shipment.ship_by if after.shipment else None
        if old and new and after.is_open and new - old != timedelta(days=move.message.days):
            yield "R20a: the window grows by another time than the buyer gave"


def _won_gives_back(before: Order, move: OrderMove, after: Order) -> Iterator[str]:
    """R23: a chargeback that the seller wins puts things back, unless something else has taken them."""
    if not isinstance(move, Send) or getattr(move.message, "status", None) != "won":
        return
    left = [it for it in after.chargebacks if it.payment_id == after.payment_id and not it.is_won]
    if allocation.gone(after).charged_back and not (left or after.was_reversed):
        yield "what the bank took is not back"


_Invariant = Callable[[Order, OrderMove, Order], Iterator[str]]
_INVARIANTS: Final[tuple[_Invariant, ...]] = (
    _nothing_takes_effect_twice,
    _what_is_told_makes_sense,
    _history_is_kept,
    _what_has_ended_stays_so,
    _refunds_are_what_is_due,
    _deadlines_stay,
    _won_gives_back,
)
