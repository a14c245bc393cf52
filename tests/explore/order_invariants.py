"""What holds of an order in every state, whatever has happened."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from orders import allocation
from orders.closing import is_over
from orders.errors import NotAllowedNow, RefusalCode
from orders.handlers import check, receive
from orders.messages import (
    ChargebackReported,
    Message,
    OutsideRefundReported,
    PaymentDeclined,
    RefundStatus,
    RefundUpdate,
    Role,
)
from orders.order import Order
from orders.refunds import RefundReport, refund_under_way, refunds_of
from orders.reopening import is_late_message, reopened
from orders.schedule import Reminder, let_time_pass, schedule
from orders.status import Status
from orders.support_queue import waits_for_support
from orders.view import PEOPLE, Action, OrderView, actions, deadline, view
from tests.explore.copies import copy_of
from tests.explore.order_moves import HAIR
from tests.explore.search import Violation, violated
from workflows import summary

_SHIP: Final = Status.AWAITING_SHIPMENT
_MOST_REMINDERS: Final = 400

_CHOSEN: Final = frozenset({"decision", "topic", "borne_by", "status", "accepted"})
_SUPPORTS_ALONE: Final = frozenset({"proof_review", "dispute_decision", "unmatched_resolution"})
_UNDER_WAY: Final = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})


def wrong_with_order(order: Order, now: datetime) -> Iterator[Violation]:
    """Every invariant of a state that does not hold."""
    return violated((*_OF_EVERY_ORDER, *_OF_EVERY_STATE), order, now)


def wrong_with_money(order: Order, now: datetime) -> Iterator[Violation]:
    """Those that cost little to ask."""
    return violated(_OF_EVERY_ORDER, order, now)


def _can_be_read(order: Order, now: datetime) -> Iterator[str]:
    """Every order can be read, by people and as JSON."""
    shown = view(order)
    if OrderView.model_validate_json(shown.model_dump_json()) != shown:
        yield "the view is another one when it has been JSON"
    if Order.model_validate_json(order.model_dump_json(by_alias=True)) != order:
        yield "the order is another one when its workflow continues as new"
    waits_for_support(shown)
    summary.current(order)


def _money_adds_up(order: Order, now: datetime) -> Iterator[str]:
    """Paid = refunded + charged back + held + owed to the seller, and the books say so."""
    books = order.books
    paid, refunded = order.amount_paid.amount, order.amount_refunded.amount
    charged_back = order.amount_charged_back.amount
    if paid != refunded + charged_back + books.held_or_refunding + books.owed_to_seller:
        yield "paid is not refunded, charged back, held and owed to the seller together"
    at_provider = sum(books.balance(account) for account in ("cash", "unmatched", "marketplace"))
    if at_provider != paid - refunded - charged_back:
        yield "cash is not what came in less what went back"
    if books.balance("held") > 0 or books.balance("refunds") > 0:
        yield "less than nothing is held"
    booked = allocation.books(order.postings)
    if any(sum(accounts.values()) for accounts in booked.values()):
        yield "the accounts do not sum to zero"
    if booked.get(order.amount_due.currency, {}) != books.balances:
        yield "the balances are not the sum of the postings"
    if where := allocation.differences(allocation.where_money_is(order), order.postings):
        yield f"the books do not say what the facts say, in {where[0][0]}"


def _refunds_are_one_at_a_time(order: Order, now: datetime) -> Iterator[str]:
    """Nobody pays twice: one refund is under way, and by our doing no more goes back than came in."""
    refunds = refunds_of(order)
    if sum(it.status in _UNDER_WAY for it in refunds) > 1:
        yield "two refunds are under way"
    if order.books.balance("held") and refund_under_way(order) and not order.to_buyer:
        yield "a refund is under way of what nobody has decided"


def _support_sees_what_waits(order: Order, now: datetime) -> Iterator[str]:
    """What only support can move is in its queue."""
    offered = {it.action for it in actions(order, Role.SUPPORT) if it.available}
    if offered & _SUPPORTS_ALONE and waits_for_support(view(order)) is None:
        yield f"support is to do {', '.join(sorted(offered & _SUPPORTS_ALONE))}, and its queue is empty"


def _next_is_to_come(order: Order, now: datetime) -> Iterator[str]:
    """What happens next is sorted, and to come; the search attribute is the first of it."""
    coming = schedule(order)
    if coming != sorted(coming, key=lambda due: due.at):
        yield "next is not sorted"
    if any(due.at <= now for due in coming):
        yield "something next has passed"
    overdue = order.refund is not None and order.refund.overdue and not order.refund.is_settled
    if not overdue and deadline(order) != (coming[0].at if coming else None):
        yield "OrderDeadline is not the next instant"


def _open_chargebacks_are_reminded_of(order: Order, now: datetime) -> Iterator[str]:
    """R23: while a bank has not decided, whatever payment it is about, support is reminded of it."""
    is_open = any(it.is_open for it in order.chargebacks)
    if is_open != any(due.what == Reminder.CHARGEBACK_REMINDER for due in schedule(order)):
        yield "support is not reminded of an open chargeback, or of none that is open"


def _nobody_waits_for_ever(order: Order, now: datetime) -> Iterator[str]:
    """What is not over has a next instant, or somebody who can act."""
    if is_over(order):
        if schedule(order):
            yield "it is over, and something is to come"
        if order.books.held_or_refunding:
            yield "it is over, and money is held"
        return
    may_wait = order.status is _SHIP and order.policy.shipment_window is None
    if not (schedule(order) or may_wait):
        yield f"it is {order.status}, and nothing is to come"


def _status_says_what_is_so(order: Order, now: datetime) -> Iterator[str]:
    """R14, R16: what is open has no ending; what has ended has no dispute, and is settled or refunds."""
    if (order.status is Status.CLOSED) != (order.close_reason is not None):
        yield "closed without a reason, or a reason without being closed"
    if order.is_open:
        if order.to_buyer is not None or order.refund is not None:
            yield "money is on its way back from an order that is open"
    elif order.open_dispute:
        yield "it has ended, and its dispute is open"
    elif order.books.balance("held") and refund_under_way(order) is None:
        yield "it has ended, and money belongs to nobody yet"


def _waiting_ends(order: Order, now: datetime) -> Iterator[str]:
    """R1, R9, R16b, R20: nothing waits longer than policy says, if nobody does anything."""
    waiting = copy_of(order)
    may_wait = waiting.policy.shipment_window is None
    for _ in range(_MOST_REMINDERS):
        coming = schedule(waiting)
        if not (coming and waiting.is_open) or (may_wait and waiting.status is _SHIP):
            return
        pass_time(waiting, coming[0].at)
    yield f"an order that is {waiting.status} waits for ever"


def pass_time(order: Order, at: datetime, answer: RefundStatus | None = None) -> bool:
    """What the workflow does at an instant; whether the provider was asked for a refund's state."""
    let_time_pass(order, at)
    if not (order.refund_check_due and order.refund):
        return False
    order.refund_checked(order.refund, RefundReport(answer) if answer else None, at)
    let_time_pass(order, at)
    return True


_Invariant = Callable[[Order, datetime], Iterator[str]]
_OF_EVERY_ORDER: Final[tuple[_Invariant, ...]] = (
    _money_adds_up,
    _refunds_are_one_at_a_time,
    _next_is_to_come,
    _open_chargebacks_are_reminded_of,
    _nobody_waits_for_ever,
    _status_says_what_is_so,
)
_OF_EVERY_STATE: Final[tuple[_Invariant, ...]] = (
    _can_be_read,
    _support_sees_what_waits,
    _waiting_ends,
)


def wrong_with_refusal(order: Order, message: Message) -> Iterator[Violation]:
    """Facts are never refused: what is said of the order's money, or of money that is to come, is taken."""
    if not isinstance(message, (ChargebackReported, OutsideRefundReported, PaymentDeclined)):
        return
    if message.payment_id in order.sent_back:
        return  # it is the stray payment's
    payment = order.payment
    if payment and message.payment_id not in (payment.payment_id, *order.declined_payments):
        return
    if payment is None and not order.is_open and isinstance(message, PaymentDeclined):
        return
    yield Violation(
        "facts_are_never_refused", f"{message.name} is refused by a {order.status} order"
    )


def wrong_with_end(order: Order, now: datetime, messages: Iterable[Message]) -> Iterator[Violation]:
    """R15, R23: an order whose workflow has ended takes every late fact as one that is still alive."""
    if not is_over(order) or order.reopened:
        return
    for message in messages:
        if not is_late_message(message):
            continue
        alive, anew = copy_of(order), reopened(view(order), now)
        told = len(alive.notifications)
        came_out = [_taken(it, message, now) for it in (alive, anew)]
        if came_out[0] != came_out[1] or _money(alive) != _money(anew):
            yield Violation(
                "the_end_changes_nothing", f"{message.name} comes out otherwise reopened"
            )
        if [(it.to, it.what, it.details) for it in alive.notifications[told:]] != [
            (it.to, it.what, it.details) for it in anew.notifications
        ]:
            yield Violation("the_end_changes_nothing", f"{message.name} is told otherwise reopened")


def _taken(order: Order, message: Message, now: datetime) -> bool | RefusalCode:
    try:
        is_new = receive(order, message, now)
    except NotAllowedNow as refused:
        return refused.code
    pass_time(order, now)
    return is_new


def _money(order: Order) -> object:
    """Where an order and its money are, and what comes next."""
    return (
        order.status,
        order.close_reason,
        order.to_buyer,
        order.amount_refunded,
        order.amount_charged_back,
        order.unmatched,
        sorted(
            (currency, account, amount)
            for currency, accounts in allocation.books(order.all_postings).items()
            for account, amount in accounts.items()
            if amount
        ),
        [(it.refund_id, it.status, it.money, it.stopping, it.overdue) for it in refunds_of(order)],
        schedule(order),
    )


def wrong_with_actions(
    order: Order, now: datetime, messages: list[Message], taken: list[Message]
) -> Iterator[Violation]:
    """An action is available if and only if it is taken, and so is each of its choices; before
    ``available_from`` it is not taken, and from then on it is.
    """
    violation = partial(Violation, "actions_are_what_is_taken")
    for role in PEOPLE:
        for act in actions(order, role):
            of_it = [it for it in messages if it.name == act.action and _is_of(order, role, it)]
            of_it_taken = [it for it in taken if it in of_it]
            if not of_it:
                continue
            if act.available and not of_it_taken:
                yield violation(f"{role} is offered {act.action}, which is not taken")
            if not act.available and of_it_taken:
                yield violation(f"{role} is told that {act.action} is not possible, and it is")
            if act.available:
                for how in _wrong_with_choices(act, of_it, of_it_taken):
                    yield violation(f"{role} {how}")
            if since := act.available_from:
                if any(_is_taken(order, it, since - HAIR) for it in of_it):
                    yield violation(f"{act.action} is taken before it is said to be")
                if not any(_is_taken(order, it, since) for it in of_it):
                    yield violation(f"{act.action} is not taken from when it is said to be")


def _is_of(order: Order, role: Role, message: Message) -> bool:
    """Whether it is what this role sends; what support says of refunds is of the latest."""
    if not isinstance(message, RefundUpdate):
        return True
    refunds = refunds_of(order)
    return message.by == role and (not refunds or message.refund_id == refunds[-1].refund_id)


def _wrong_with_choices(act: Action, sent: list[Message], taken: list[Message]) -> Iterator[str]:
    for field in _CHOSEN & type(sent[0]).model_fields.keys():
        values = {getattr(it, field) for it in sent}
        for value in values:
            is_offered = field not in act.choices or value in act.choices[field]
            if is_offered and value not in {getattr(it, field) for it in taken}:
                yield f"is offered {act.action} with {value}, which is not taken"
            if not is_offered and value in {getattr(it, field) for it in taken}:
                yield f"is not offered {act.action} with {value}, which is taken"


def _is_taken(order: Order, message: Message, at: datetime) -> bool:
    try:
        check(order, message, at)
    except NotAllowedNow:
        return False
    return True
