"""Every message of the contract with small data: what is sent in each state, and how much of it at most.

Two payments, one amount for what is due and one for a part of it; a state in which as much waits as
``Bounds`` allows gets no more of it. What is sent need not be right: whether the order takes it is asked of
the order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from orders.messages import MESSAGES, ChargebackStatus, Message, RefundStatus
from orders.order import Order
from orders.refunds import refunds_of
from orders.status import Status

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE: Final = 2490
PART: Final = 1000
DISCOUNT: Final = 490
WRONG: Final = 100
BEYOND: Final = DUE + WRONG
IN_DOLLARS: Final = -PART
DAYS: Final = 2
PAYMENTS: Final = ("pay-1", "pay-2")
SHA: Final = "0123456789abcdef" * 4

_PENDING: Final = RefundStatus.PENDING
_SAID: Final = (RefundStatus.REQUIRES_ACTION, RefundStatus.SUCCEEDED, RefundStatus.FAILED)

_CLAIMS: Final = ("dp_1", "dp_2")
_AMOUNT_FIELDS: Final = frozenset({"money", "discount"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much there may be at most: states are finite by that."""

    evidence: int = 2
    """Numbers that are being verified, and numbers and photos that nobody has judged."""
    before_shipment: int = 2
    """Offers, facts, and payments sent back, declined or under way, all together."""
    discounts: int = 1
    """Accepted ones."""
    extensions: int = 2
    refunds: int = 2
    facts: int = 1
    """Chargebacks and refunds from outside."""
    resolutions: int = 1
    """Of unmatched money: they could shift it for ever."""
    words: bool = True
    """Whether the provider says of a refund also what comes to the same: that it is pending, or canceled."""
    beyond: bool = False
    """Whether a chargeback may be of more than was paid, or in another currency, and the seller bears it."""


@cache
def build(name: str, message_id: str, **fields: Any) -> Message:
    """A message of the contract; an amount is of euro cents, a negative one of dollars."""
    given = {
        field: _money(value) if field in _AMOUNT_FIELDS else value
        for field, value in fields.items()
    }
    return MESSAGES[name].model_validate({**given, "message_id": message_id})


def _money(amount: int) -> dict[str, Any]:
    return {"amount": abs(amount), "currency": "EUR" if amount > 0 else "USD"}


def small_messages(order: Order, bounds: Bounds, message_id: str) -> Iterator[Message]:
    """What may be sent in this state."""
    for name, fields in _from_people(order, bounds):
        yield build(name, message_id, **fields)
    for name, fields in _from_provider(order, bounds):
        yield build(name, message_id, **fields)


def is_followed_no_further(order: Order, bounds: Bounds) -> bool:
    """Whether the rest is as it would be without the discount, or after one refund more."""
    is_discounted = order.amount_due != order.placed.total and not takes_payments(order)
    return is_discounted or len(refunds_of(order)) > bounds.refunds


def takes_payments(order: Order) -> bool:
    """Whether its payment is still to come, or to be accepted."""
    return order.status in (Status.AWAITING_PAYMENT, Status.PAYMENT_REVIEW)


def _from_people(order: Order, bounds: Bounds) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "cancel_request", {"reason": "changed_mind"}
    yield "cancel_request", {"reason": "other", "complaint": True}
    yield "cancel_withdrawal", {}
    for decision in ("accept", "refuse", "already_shipped"):
        yield "seller_reply", {"decision": decision}
    if _has_room(order, bounds, "evidence"):
        yield "seller_reply", {"decision": "already_shipped", "tracking_number": "RR123456785PL"}
        yield "tracking_number", {"number": "RR123456785PL"}
        photo = {"reference": "1.jpg", "media_type": "image/jpeg", "size": 1000, "sha256": SHA}
        yield "shipment_proof", {"kind": "photo", **photo}
        yield "dispute_evidence", photo
    for accepted in (True, False):
        yield "proof_review", {"accepted": accepted}
    yield "seller_message", {"topic": "other", "text": "Hello"}
    if _has_room(order, bounds, "before_shipment"):
        yield "seller_message", {"topic": "discount", "text": "Less", "discount": DISCOUNT}
        yield "seller_message", {"topic": "bonus", "text": "A gift", "bonus": "A cap"}
    yield "buyer_message", {"text": "Hello"}
    yield "support_message", {"text": "Hello"}
    if _has_room(order, bounds, "discounts"):
        for offer in (it.offer_id for it in order.offers if it.is_open):
            yield "offer_acceptance", {"offer_id": offer}
        yield "offer_acceptance", {"offer_id": "offer-0"}
    yield "dispute_request", {}
    yield "dispute_withdrawal", {}
    yield "settlement_offer", {"money": PART}
    for offer in (it.offer_id for it in order.offers if it.is_open):
        yield "settlement_acceptance", {"offer_id": offer}
        yield "offer_decline", {"offer_id": offer}
    for name in ("settlement_acceptance", "offer_decline"):
        yield name, {"offer_id": "offer-0"}
    if _has_room(order, bounds, "extensions"):
        yield "shipment_extension", {"days": DAYS}
    yield "dispute_decision", {"decision": "full_refund"}
    yield "dispute_decision", {"decision": "partial_refund", "money": PART}
    yield "dispute_decision", {"decision": "no_refund"}


def _from_provider(order: Order, bounds: Bounds) -> Iterator[tuple[str, dict[str, Any]]]:
    due = order.amount_due.amount
    known = known_payments(order)
    # Of payments that the order does not know, one is like the other.
    fresh = [it for it in PAYMENTS if it not in known][:1]
    first = (*known, *fresh)[0]
    has_room = not takes_payments(order) or _has_room(order, bounds, "before_shipment")
    for payment_id in (*known, *fresh) if has_room else known:
        for money in (due, WRONG) if has_room else (due,):
            paid = {"payment_id": payment_id, "money": money, "method": "card", "paid_at": START}
            yield "payment", paid
        if has_room or payment_id == order.payment_id:
            yield "payment_declined", {"payment_id": payment_id, "reason": "No"}
    if has_room:
        yield "payment_pending", {"payment_id": first, "money": due, "method": "card"}
    about = order.payment_id or first
    for name, fields in _facts(order, bounds, about):
        yield name, {"payment_id": about, **fields}
    # What was begun of another payment than the order's goes on.
    for it in order.chargebacks:
        if it.payment_id != about:
            told = {"payment_id": it.payment_id, "chargeback_id": it.chargeback_id, "money": PART}
            for status in ChargebackStatus:
                yield "chargeback", {**told, "status": status}
    if _has_room(order, bounds, "resolutions"):
        for who in ("marketplace", "seller") if bounds.beyond else ("marketplace",):
            yield "unmatched_resolution", {"borne_by": who, "note": "A fee"}
    for refund_id in [it.refund_id for it in refunds_of(order)] or ["no-refund"]:
        for update in RefundStatus if bounds.words else _SAID:
            yield "refund_update", {"refund_id": refund_id, "status": update}
        for update in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
            by_support = {"status": update, "by": "support", "note": "Looked up"}
            yield "refund_update", {"refund_id": refund_id, **by_support}


def _facts(order: Order, bounds: Bounds, about: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of the payment's money, once there is one; of one that is to come, a little."""
    paid = order.amount_paid.amount
    may_be_new = _has_room(order, bounds, "facts") and (
        not takes_payments(order) or _has_room(order, bounds, "before_shipment")
    )
    claimed = [it.chargeback_id for it in order.chargebacks if it.payment_id == about]
    # The second is of a part: with the first it may be more than was paid.
    some = (paid, PART) if bounds.facts == 1 else (paid,)
    for claim in _CLAIMS[: len(claimed) + may_be_new]:
        amounts: tuple[int, ...] = (PART,) if claim != "dp_1" else some
        if bounds.beyond and claim == "dp_1":
            amounts = (BEYOND, IN_DOLLARS)
        for status in ChargebackStatus if paid else (ChargebackStatus.OPENED,):
            for money in amounts if paid else (DUE,):
                yield "chargeback", {"chargeback_id": claim, "status": status, "money": money}
    if order.outside_refunds or may_be_new:
        some = (paid, PART) if bounds.facts == 1 else (PART,)
        for update in (RefundStatus.SUCCEEDED, RefundStatus.FAILED) if paid else (_PENDING,):
            for money in some if paid else (PART,):
                sent = {"provider_refund_id": "re_1", "status": update, "money": money}
                yield "outside_refund", sent


def known_payments(order: Order) -> list[str]:
    """The payments of which the order has been told something."""
    told = (
        order.payment_id,
        *order.sent_back,
        *order.declined_payments,
        *(it.payment_id for it in order.pending_payments),
        *(it.payment_id for it in order.chargebacks),
        *(it.payment_id for it in order.outside_refunds),
    )
    return [it for it in PAYMENTS if it in told]


def _has_room(order: Order, bounds: Bounds, what: str) -> bool:
    """Whether there may be one more of these."""
    shipment = order.shipment
    match what:
        case "evidence":
            verifying = [it for it in shipment.tracking if it.is_verifying] if shipment else []
            number = len(verifying) + len(shipment.under_review) if shipment else 0
        case "before_shipment":
            offers = sum(it.is_open for it in order.offers)
            payments = [*order.sent_back, *order.declined_payments, *order.pending_payments]
            number = offers + len(payments) + len(order.chargebacks) + len(order.outside_refunds)
        case "discounts":
            number = int(order.amount_due != order.placed.total)
        case "extensions":
            number = order.counters.get("shipment_extension", 0)
        case "facts":
            number = len(order.chargebacks) + len(order.outside_refunds)
        case "resolutions":
            number = len(order.unmatched_resolutions)
        case _:
            raise AssertionError(f"nothing bounds {what}")
    most: int = getattr(bounds, what)
    return number < most
