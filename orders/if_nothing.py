"""What happens if a reader does nothing, in one sentence for each: the view's ``if_nothing``.

Read off an order's view, from the first deadline that it names, so that nothing keeps it: whoever answers a
reader adds it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from orders.chargebacks import open_chargebacks
from orders.lifecycle import DEADLINES, Deadline
from orders.messages import RefundStatus, Role
from orders.payments import PendingPayment
from orders.policy import OnFailedProof
from orders.refunds import Refund
from orders.sentence_fields import Text, WithSentences
from orders.sentences import sentence, template
from orders.status import Status
from orders.values import Balance, Frozen, Instant, Money, WrittenInstant

if TYPE_CHECKING:
    from orders.schedule import ScheduledEvent
    from orders.view import OrderView


class IfNothing(WithSentences, Frozen):
    """What happens if this reader does nothing: a sentence, with the instant and the amount in it."""

    text: Text
    at: Instant | None = None
    money: Balance | None = None


class _Templates(NamedTuple):
    """By reader, with ``{money}`` and ``{at}``."""

    buyer: str
    seller: str
    support: str


class _Outcome(NamedTuple):
    templates: _Templates
    money: Money | Balance | None = None
    at: datetime | None = None


_TERMINATED: Final = _Templates(
    template(
        "The order's process has stopped. Nothing happens by itself until support starts it again."
    ),
    template(
        "The order's process has stopped. Nothing happens by itself until support starts it again."
    ),
    template(
        "The order's process has stopped. Nothing happens by itself until you start it again."
    ),
)

_UNPAID: Final = _Templates(
    template("If you do not pay {money} by {at}, the order closes, and it costs you nothing."),
    template(
        "If the buyer has not paid {money} by {at}, the order closes, and nobody owes anything."
    ),
    template(
        "If the buyer has not paid {money} by {at}, the order closes, and nobody owes anything."
    ),
)

_PAYMENT_UNDER_WAY: Final = _Templates(
    template(
        "Your payment of {money} is under way. If it has not come in by {at}, the order closes, "
        "and it costs you nothing."
    ),
    template(
        "The buyer's payment of {money} is under way. If it has not come in by {at}, the order "
        "closes unpaid."
    ),
    template(
        "The buyer's payment of {money} is under way. If it has not come in by {at}, the order "
        "closes unpaid."
    ),
)

_PAYMENT_REVIEW: Final = _Templates(
    template(
        "Your payment of {money} is being checked until {at}. If you do nothing, the seller "
        "ships the order after that."
    ),
    template(
        "The payment of {money} is being checked until {at}. Do not ship before that; until then "
        "there is nothing you have to do."
    ),
    template(
        "The payment of {money} is being checked until {at}. After that the order waits for the "
        "seller to ship it."
    ),
)

_NOT_SHIPPED: Final = _Templates(
    template("If the seller has not shipped by {at}, the order closes and you get {money} back."),
    template("If you have not shipped by {at}, the order closes and the buyer gets {money} back."),
    template(
        "If the seller has not shipped by {at}, the order closes and the buyer gets {money} back."
    ),
)

_NOT_SHIPPED_IN_DISPUTE: Final = _Templates(
    template("If the seller has not shipped by {at}, the order closes and you get {money} back."),
    template("If you have not shipped by {at}, the order closes and the buyer gets {money} back."),
    template(
        "If you have not decided and the seller has not shipped by {at}, the order closes and "
        "the buyer gets {money} back."
    ),
)

_PROOF_UNDER_REVIEW: Final = _Templates(
    template(
        "Support is reviewing the proof of shipment. If it has not accepted one by {at}, the "
        "order closes and you get {money} back."
    ),
    template(
        "Support is reviewing your proof of shipment. If it has not accepted one by {at}, the "
        "order closes and the buyer gets {money} back."
    ),
    template(
        "If you have not accepted a proof of shipment by {at}, the order closes and the buyer "
        "gets {money} back."
    ),
)

_NO_SHIPMENT_WINDOW: Final = _Templates(
    template(
        "Nothing happens by itself: {money} is held until the seller ships, or until you ask to "
        "cancel."
    ),
    template("Nothing happens by itself: you get {money} once you have shipped."),
    template(
        "Nothing happens by itself: {money} is held until the seller ships or the buyer asks to "
        "cancel."
    ),
)

_NOT_ANSWERED: Final = _Templates(
    template("If the seller has not answered by {at}, the order closes and you get {money} back."),
    template("If you do nothing by {at}, the order closes and the buyer gets {money} back."),
    template(
        "If the seller has not answered by {at}, the order closes and the buyer gets {money} back."
    ),
)

_NO_PROOF_OPENS_DISPUTE: Final = _Templates(
    template(
        "If the shipment is not proved by {at}, a dispute about your {money} opens, and support "
        "decides it."
    ),
    template(
        "If you have not proved the shipment by {at}, a dispute about {money} opens, and support "
        "decides it."
    ),
    template(
        "If the shipment is not proved by {at}, a dispute about {money} opens for you to decide."
    ),
)

_NO_PROOF_OFFERS_DISPUTE: Final = _Templates(
    template(
        "If the shipment is not proved by {at}, your request to cancel ends and you may open a "
        "dispute about {money}."
    ),
    template(
        "If the shipment is not proved by {at}, the request to cancel ends and the buyer may "
        "open a dispute about {money}."
    ),
    template(
        "If the shipment is not proved by {at}, the request to cancel ends and the buyer may "
        "open a dispute about {money}."
    ),
)

_NO_PROOF_IN_DISPUTE: Final = _Templates(
    template(
        "If the shipment is not proved by {at}, the request to cancel ends and support decides "
        "the dispute about {money}."
    ),
    template(
        "If you have not proved the shipment by {at}, support decides the dispute about {money} "
        "without proof."
    ),
    template(
        "If the shipment is not proved by {at}, the request to cancel ends and the dispute about "
        "{money} is left for you to decide."
    ),
)

_NOT_DECIDED: Final = _Templates(
    template("If support has not decided by {at}, the order closes and you get {money} back."),
    template(
        "If support has not decided by {at}, the order closes and the buyer gets {money} back."
    ),
    template("If you have not decided by {at}, the order closes and the buyer gets {money} back."),
)

_NOT_DECIDED_SHIPPED: Final = _Templates(
    template(
        "If support has not decided by {at}, the order closes and the seller gets {money}, as "
        "the shipment is proved."
    ),
    template(
        "If support has not decided by {at}, the order closes and you get {money}, as the "
        "shipment is proved."
    ),
    template(
        "If you have not decided by {at}, the order closes and the seller gets {money}, as the "
        "shipment is proved."
    ),
)

_BANK_DECIDES_UNTIL: Final = _Templates(
    template(
        "Your bank has taken {money} back and decides about it. If nothing else happens by {at}, "
        "the order closes."
    ),
    template(
        "The buyer's bank has taken {money} back: do not ship until it decides. If you do "
        "nothing by {at}, the order closes."
    ),
    template(
        "The buyer's bank has taken {money} back. If it has not decided by {at}, the order closes."
    ),
)

_BANK_DECIDES: Final = _Templates(
    template(
        "Your bank has taken {money} back and decides about it. There is nothing you have to do "
        "here."
    ),
    template("The buyer's bank has taken {money} back: do not ship until it decides."),
    template(
        "The buyer's bank has taken {money} back. If nothing happens, you are reminded of it."
    ),
)

_BANK_DECIDES_AFTER_END: Final = _Templates(
    template(
        "Your bank has taken {money} back and decides about it. There is nothing you have to do "
        "here."
    ),
    template("The buyer's bank has taken {money} back. If you do nothing, it decides without you."),
    template(
        "The buyer's bank has taken {money} back. If nothing happens, you are reminded of it."
    ),
)

_REFUND_UNDER_WAY: Final = _Templates(
    template(
        "There is nothing you have to do: {money} is back with you by {at}. If it is late, "
        "support takes care of it."
    ),
    template("{money} is on its way back to the buyer. There is nothing you have to do."),
    template(
        "{money} is on its way back to the buyer. If it has not arrived by {at}, it is overdue "
        "and you are asked to see to it."
    ),
)

_REFUND_STOPPING: Final = _Templates(
    template(
        "The refund of {money} is being stopped, as this money goes back to you another way. "
        "There is nothing you have to do."
    ),
    template("{money} is on its way back to the buyer. There is nothing you have to do."),
    template(
        "The refund of {money} is being stopped. If the provider does not confirm it, you are "
        "asked to."
    ),
)

_REFUND_FAILED: Final = _Templates(
    template(
        "The refund of {money} has not arrived. Your money is not lost: support is taking care "
        "of it, and there is nothing you have to do."
    ),
    template("{money} is on its way back to the buyer. There is nothing you have to do."),
    template("The refund of {money} has failed. If you do nothing, the buyer does not get it."),
)

_REFUND_REQUIRES_ACTION: Final = _Templates(
    template(
        "If you do not do what the payment provider asks by {at}, {money} does not reach you by "
        "then; support takes care of it afterwards."
    ),
    template("{money} is on its way back to the buyer. There is nothing you have to do."),
    template(
        "The refund of {money} waits for the buyer. If they have not acted by {at}, it is left "
        "for you to arrange."
    ),
)

_REFUND_OVERDUE: Final = _Templates(
    template(
        "The refund of {money} was due by {at} and is late. Your money is not lost: support is "
        "taking care of it, and there is nothing you have to do."
    ),
    template("{money} is on its way back to the buyer. There is nothing you have to do."),
    template(
        "The refund of {money} was due by {at}. If you do nothing, the buyer goes on waiting."
    ),
)

_CLOSED_UNPAID: Final = _Templates(
    template("The order is closed unpaid: nobody owes anything, and nothing more happens."),
    template("The order is closed unpaid: nobody owes anything, and nothing more happens."),
    template("The order is closed unpaid: nobody owes anything, and nothing more happens."),
)

_SHIPPED: Final = _Templates(
    template("The order has shipped and {money} is the seller's: nothing more happens by itself."),
    template("The order has shipped and {money} is yours: nothing more happens by itself."),
    template("The order has shipped and {money} is the seller's: nothing is left for you to do."),
)

_SHIPPED_BACK: Final = _Templates(
    template("The order has shipped and {money} is back with you: nothing more happens."),
    template("The order has shipped and {money} is back with the buyer: nothing more happens."),
    template(
        "The order has shipped and {money} is back with the buyer: nothing is left for you to do."
    ),
)

_CLOSED_KEPT: Final = _Templates(
    template("The order is closed and {money} is the seller's: nothing more happens."),
    template("The order is closed and {money} is yours: nothing more happens."),
    template("The order is closed and {money} is the seller's: nothing is left for you to do."),
)

_CLOSED_BACK: Final = _Templates(
    template("The order is closed and {money} is back with you: nothing more happens."),
    template("The order is closed and {money} is back with the buyer: nothing more happens."),
    template(
        "The order is closed and {money} is back with the buyer: nothing is left for you to do."
    ),
)

_UNMATCHED: Final = template("Until you say who bears {money}, it stays on an account of its own.")

_ENDS_NOTHING: Final = (Deadline.PAYMENT_ACCEPTED, Deadline.NO_PROOF)


def if_nothing(view: OrderView) -> dict[Role, IfNothing]:
    """For buyer, seller and support what happens if they do nothing (R1, R5, R9, R12, R14-R16b, R20, R23)."""
    outcome = _outcome(view)
    templates = outcome.templates
    found = {
        Role.BUYER: _written(templates.buyer, outcome),
        Role.SELLER: _written(templates.seller, outcome),
        Role.SUPPORT: _written(templates.support, outcome),
    }
    if view.unmatched and view.status in Status.ended():
        first = view.unmatched[0]
        money = Balance(amount=abs(first.amount), currency=first.currency)
        found[Role.SUPPORT] = _written(_UNMATCHED, _Outcome(templates, money))
    return found


def _written(text: str, outcome: _Outcome) -> IfNothing:
    money = outcome.money if "{money}" in text else None
    at = outcome.at if "{at}" in text else None
    given = {"money": money, "at": at and WrittenInstant(at=at)}
    return IfNothing(
        text=sentence(text, **{name: it for name, it in given.items() if it}),
        at=at,
        money=None if money is None else Balance.booked(money.amount, money.currency),
    )


def _outcome(view: OrderView) -> _Outcome:
    if view.terminated:
        return _Outcome(_TERMINATED)
    if view.refund and not view.refund.is_settled:
        return _of_refund(view.refund)
    deadline = next((it for it in view.next if it.what in DEADLINES), None)
    if claimed := _claimed_by_bank(view, deadline):
        return claimed
    if view.status in Status.ended():
        return _ended(view)
    if deadline is None:
        return _Outcome(_NO_SHIPMENT_WINDOW, view.amount_held)
    money = view.amount_held if view.amount_paid.amount else view.amount_due
    return _Outcome(_of_deadline(view, Deadline(deadline.what)), money, deadline.at)


def _of_deadline(view: OrderView, deadline: Deadline) -> _Templates:
    disputed = view.dispute is not None and view.dispute.is_open
    match deadline:
        case Deadline.PAYMENT_EXPIRED:
            under_way = isinstance(view.payment, PendingPayment)
            return _PAYMENT_UNDER_WAY if under_way else _UNPAID
        case Deadline.PAYMENT_ACCEPTED:
            return _PAYMENT_REVIEW
        case Deadline.SHIPMENT_EXPIRED if view.shipment and view.shipment.under_review:
            return _PROOF_UNDER_REVIEW
        case Deadline.SHIPMENT_EXPIRED:
            return _NOT_SHIPPED_IN_DISPUTE if disputed else _NOT_SHIPPED
        case Deadline.SELLER_NO_RESPONSE:
            return _NOT_ANSWERED
        case Deadline.NO_PROOF if disputed:
            return _NO_PROOF_IN_DISPUTE
        case Deadline.NO_PROOF:
            offered = view.policy.dispute_on_failed_proof is OnFailedProof.OFFER
            return _NO_PROOF_OFFERS_DISPUTE if offered else _NO_PROOF_OPENS_DISPUTE
        case Deadline.DISPUTE_EXPIRED_SHIPPED:
            return _NOT_DECIDED_SHIPPED
        case _:
            return _NOT_DECIDED


def _claimed_by_bank(view: OrderView, deadline: ScheduledEvent | None) -> _Outcome | None:
    """R23: while the bank decides about all that was paid, or about an order that has ended."""
    claims = open_chargebacks(view)
    if not claims or (view.amount_held.amount and view.status not in Status.ended()):
        return None
    money = claims[0].money
    if view.status in Status.ended():
        return _Outcome(_BANK_DECIDES_AFTER_END, money)
    if deadline is None or deadline.what in _ENDS_NOTHING:
        return _Outcome(_BANK_DECIDES, money)
    return _Outcome(_BANK_DECIDES_UNTIL, money, deadline.at)


def _of_refund(refund: Refund) -> _Outcome:
    """R14, R15: money that is not back yet."""
    if refund.stopping:
        return _Outcome(_REFUND_STOPPING, refund.money)
    if refund.has_failed:
        return _Outcome(_REFUND_FAILED, refund.money)
    if refund.status is RefundStatus.REQUIRES_ACTION:
        return _Outcome(_REFUND_REQUIRES_ACTION, refund.money, refund.act_by or refund.due_by)
    return _Outcome(
        _REFUND_OVERDUE if refund.overdue else _REFUND_UNDER_WAY, refund.money, refund.due_by
    )


def _ended(view: OrderView) -> _Outcome:
    """R14, R16: nothing is left to happen."""
    if view.amount_paid.amount == 0:
        return _Outcome(_CLOSED_UNPAID)
    kept = view.amount_owed_to_seller
    back = view.amount_paid.of(view.amount_refunded.amount + view.amount_charged_back.amount)
    if view.status is Status.SHIPPED:
        return _Outcome(_SHIPPED, kept) if kept.amount > 0 else _Outcome(_SHIPPED_BACK, back)
    return _Outcome(_CLOSED_BACK, back) if back.amount else _Outcome(_CLOSED_KEPT, kept)
