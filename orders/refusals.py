"""Why a message cannot be taken now: by the order's status, and by what else stands in its way."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from orders.errors import NotAllowedNow, Refusal, RefusalCode
from orders.lifecycle import TRANSITIONS
from orders.offers import OfferKind
from orders.order import Order
from orders.refunds import refunds_of
from orders.sentences import OneOf, sentence
from orders.status import CloseReason, Status

_PAY: Final = Status.AWAITING_PAYMENT
_REVIEW: Final = Status.PAYMENT_REVIEW
_SHIP: Final = Status.AWAITING_SHIPMENT
_CANCEL: Final = Status.CANCELLATION_REQUESTED
_PROOF: Final = Status.PROOF_REQUESTED
_DISPUTE: Final = Status.DISPUTED
_SHIPPED: Final = Status.SHIPPED
_CLOSED: Final = Status.CLOSED

MOST: Final = {
    "cancel_request": 20,
    "dispute_request": 20,
    "shipment_extension": 20,
    "settlement_offer": 20,
    "tracking_number": 10,
    "shipment_proof": 10,
    "dispute_evidence": 10,
    "seller_message": 50,
    "buyer_message": 50,
    "support_message": 50,
}
"""How many of a message an order takes: these could go on for ever, and an order must stay small.

None of them bars the answer to another: a party can never be silenced by what the other one sends.
"""

STATUS_PHRASES: Final = {
    _PAY: sentence("the order awaits payment"),
    _REVIEW: sentence("the payment is being checked"),
    _SHIP: sentence("the order awaits shipment"),
    _CANCEL: sentence("a cancellation request awaits the seller's answer"),
    _PROOF: sentence("the seller is asked for proof of shipment"),
    _DISPUTE: sentence("a dispute awaits its decision"),
    _SHIPPED: sentence("the order has shipped"),
    _CLOSED: sentence("the order is closed"),
}

CLOSED_PHRASES: Final = {
    CloseReason.PAYMENT_EXPIRED: sentence("it was not paid in time"),
    CloseReason.BUYER_CANCELED_UNPAID: sentence("the buyer cancelled it before paying"),
    CloseReason.SELLER_ACCEPTED: sentence("the seller agreed to cancel it"),
    CloseReason.SELLER_NO_RESPONSE: sentence(
        "the seller did not answer the cancellation request in time"
    ),
    CloseReason.SHIPMENT_EXPIRED: sentence("it was not shipped in time"),
    CloseReason.DISPUTE_FULL_REFUND: sentence("the dispute ended with a full refund"),
    CloseReason.DISPUTE_PARTIAL_REFUND: sentence("the dispute ended with a partial refund"),
    CloseReason.DISPUTE_NO_REFUND: sentence("the dispute ended without a refund"),
    CloseReason.DISPUTE_SETTLED: sentence("seller and buyer have settled the dispute"),
    CloseReason.CHARGED_BACK: sentence("the buyer's bank took the payment back"),
    CloseReason.PAYMENT_REVERSED: sentence("the payment failed after all"),
    CloseReason.REFUNDED_OUTSIDE: sentence("the payment provider has sent the money back"),
}

_ACTION_PHRASES: Final = {
    "payment": sentence("A payment can be accepted"),
    "payment_pending": sentence("A payment can be reported as under way"),
    "payment_declined": sentence("A payment can be declined"),
    "cancel_request": sentence("Cancellation can be requested"),
    "cancel_withdrawal": sentence("A cancellation request can be withdrawn"),
    "seller_reply": sentence("The seller can answer a cancellation request"),
    "tracking_number": sentence("A tracking number can be entered"),
    "shipment_proof": sentence("Proof of shipment can be sent"),
    "proof_review": sentence("Proof can be reviewed"),
    "seller_message": sentence("Messages can be written"),
    "buyer_message": sentence("Messages can be written"),
    "support_message": sentence("Support can write to buyer and seller"),
    "offer_acceptance": sentence("An offer can be accepted"),
    "offer_decline": sentence("An offer can be declined"),
    "dispute_request": sentence("A dispute can be opened"),
    "dispute_evidence": sentence("Evidence can be added to a dispute"),
    "dispute_withdrawal": sentence("A dispute can be withdrawn"),
    "settlement_offer": sentence("A settlement can be offered"),
    "settlement_acceptance": sentence("A settlement can be accepted"),
    "shipment_extension": sentence("The time to ship can be extended"),
    "chargeback": sentence("A chargeback can be recorded"),
    "outside_refund": sentence("A refund by the provider can be recorded"),
    "unmatched_resolution": sentence("Unmatched money can be resolved"),
    "dispute_decision": sentence("A dispute can be decided"),
    "refund_update": sentence("A refund can be updated"),
}


_Guard = Callable[[Order], Refusal | None]

_NO_GROUND_YET: Final = Refusal(
    RefusalCode.NOT_IN_THIS_STATUS,
    sentence(
        "A dispute can be opened once cancellation of the paid order is requested, or the seller has "
        "refused it or failed to prove the shipment."
    ),
)
_DISPUTE_IS_OPEN: Final = Refusal(
    RefusalCode.DISPUTE_EXISTS, sentence("A dispute is already open for this order.")
)
_PAID_ALREADY: Final = Refusal(
    RefusalCode.NOT_IN_THIS_STATUS,
    sentence("The order is already paid; this payment is returned in full."),
)
_GOODS_HAVE_SHIPPED: Final = Refusal(
    RefusalCode.ORDER_SHIPPED,
    sentence("The goods have shipped; support will decide the dispute."),
)
_CANCELLATION_EXISTS: Final = Refusal(
    RefusalCode.CANCELLATION_EXISTS,
    sentence("Cancellation has already been requested; that request stands."),
)


def _cancellation_is_over(order: Order) -> Refusal:
    if order.cancellation and order.cancellation.answered_at:
        return Refusal(
            RefusalCode.ALREADY_ANSWERED,
            sentence("The seller has already answered the cancellation request."),
        )
    if order.existing_shipment.is_shipped:
        return Refusal(
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence("The cancellation request has ended because the shipment is proved."),
        )
    return Refusal(
        RefusalCode.NOT_IN_THIS_STATUS,
        sentence("The cancellation request has ended; support will decide the dispute."),
    )


def _closed(order: Order) -> Refusal:
    if order.close_reason is None:
        raise AssertionError("an order that is closed says why")
    return Refusal(
        RefusalCode.ORDER_CLOSED,
        sentence("The order is closed: {why}.", why=CLOSED_PHRASES[order.close_reason]),
    )


_Answer = Refusal | Callable[[Order], Refusal]

ANSWERS: Final[dict[tuple[Status, str], _Answer]] = {
    (_PAY, "dispute_request"): _NO_GROUND_YET,
    (_REVIEW, "dispute_request"): _NO_GROUND_YET,
    (_REVIEW, "cancel_request"): Refusal(
        RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
        sentence("The payment is being checked; you can ask to cancel once the check ends."),
    ),
    (_REVIEW, "payment"): Refusal(
        RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
        sentence(
            "The order is already paid and its payment is being checked; this one is returned in "
            "full."
        ),
    ),
    (_SHIP, "payment"): _PAID_ALREADY,
    (_CANCEL, "payment"): _PAID_ALREADY,
    (_CANCEL, "cancel_request"): _CANCELLATION_EXISTS,
    (_PROOF, "payment"): _PAID_ALREADY,
    (_PROOF, "cancel_request"): _CANCELLATION_EXISTS,
    (_PROOF, "cancel_withdrawal"): _cancellation_is_over,
    (_DISPUTE, "payment"): _PAID_ALREADY,
    (_DISPUTE, "cancel_request"): Refusal(
        RefusalCode.DISPUTE_EXISTS,
        sentence(
            "A dispute is open and support will decide it; cancellation cannot be requested at "
            "the same time."
        ),
    ),
    (_DISPUTE, "cancel_withdrawal"): _cancellation_is_over,
    (_DISPUTE, "dispute_request"): _DISPUTE_IS_OPEN,
    (_SHIPPED, "cancel_request"): Refusal(
        RefusalCode.ORDER_SHIPPED,
        sentence(
            "The order has shipped and can no longer be cancelled. Once it arrives you can "
            "return it; if it does not arrive, or not as described, contact support."
        ),
    ),
    (_SHIPPED, "payment"): Refusal(
        RefusalCode.ORDER_SHIPPED,
        sentence("The order is paid and has shipped; this payment is returned in full."),
    ),
    (_SHIPPED, "dispute_request"): Refusal(
        RefusalCode.ORDER_SHIPPED,
        sentence(
            "The order has already shipped. If it does not arrive, or not as described, contact "
            "support."
        ),
    ),
    (_CLOSED, "payment"): Refusal(
        RefusalCode.ORDER_CLOSED,
        sentence(
            "The order is closed; the payment is returned in full. To buy the same items, add "
            "them to the cart again."
        ),
    ),
}
"""The second table: what a message is answered with that the first one does not list in a status."""

ANSWERS_BY_STATUS: Final[dict[Status, _Answer]] = {
    _SHIPPED: Refusal(RefusalCode.ORDER_SHIPPED, sentence("The order has already shipped.")),
    _CLOSED: _closed,
}
"""What all other messages are answered with in a status; elsewhere the answer says when they are taken."""


def refusal(order: Order, name: str, at: datetime | None = None) -> NotAllowedNow | None:
    """Why the order cannot take this kind of message now, whatever its content; None when it can.

    With ``at``, what can be taken from an instant on is not refused any more once that has passed.
    """
    if name not in TRANSITIONS[order.status]:
        since = _available_from(order, name)
        in_time = at is not None and since is not None and since <= at
        return None if in_time else refuse(order, name, _answer(order, name), since)
    guard = _GUARDS.get(name)
    refused = _too_many(order, name) or (guard(order) if guard else None)
    return refuse(order, name, refused) if refused else None


def refuse(
    order: Order, name: str, refused: Refusal, available_from: datetime | None = None
) -> NotAllowedNow:
    """What a message of this name is refused with by this order."""
    return NotAllowedNow(name, refused.code, order.status.value, refused.reason, available_from)


def _answer(order: Order, name: str) -> Refusal:
    """What a message that the transition table does not list is answered with."""
    if answer := ANSWERS.get((order.status, name)) or ANSWERS_BY_STATUS.get(order.status):
        return answer(order) if callable(answer) else answer
    reason = _once_checked(name) if _available_from(order, name) else _only_while(order, name)
    return Refusal(RefusalCode.NOT_IN_THIS_STATUS, reason)


def _available_from(order: Order, name: str) -> datetime | None:
    """When the check of the payment is over, where the message is taken for sure from then on."""
    if order.status is not _REVIEW or order.payment is None:
        return None
    return order.payment.review_ends_at if _sure_after_review(order, name) else None


def _sure_after_review(order: Order, name: str) -> bool:
    """Whether an order that awaits shipment takes this for sure, so that the instant can be promised."""
    if name == "shipment_extension":
        return order.policy.shipment_window is not None
    return name in ("cancel_request", "tracking_number", "shipment_proof")


def _only_while(order: Order, name: str) -> str:
    phrases = (STATUS_PHRASES[status] for status, row in TRANSITIONS.items() if name in row)
    return sentence(
        "{action} only while {statuses}; at present {status}.",
        action=_ACTION_PHRASES[name],
        statuses=OneOf(phrases),
        status=STATUS_PHRASES[order.status],
    )


def _once_checked(name: str) -> str:
    return sentence("{action} once the payment check ends.", action=_ACTION_PHRASES[name])


def _too_many(order: Order, name: str) -> Refusal | None:
    most = MOST.get(name)
    if most is None or order.counters.get(name, 0) < most:
        return None
    return Refusal(
        RefusalCode.TOO_MANY_MESSAGES,
        sentence(
            "This can be done at most {most} times for an order; its deadlines stay as they are, "
            "and support can help.",
            most=most,
        ),
    )


def _dispute_must_be_open(order: Order) -> Refusal | None:
    if order.open_dispute:
        return None
    return Refusal(RefusalCode.NOT_IN_THIS_STATUS, sentence("No dispute is open for this order."))


def _dispute_may_be_opened(order: Order) -> Refusal | None:
    if order.open_dispute:
        return _DISPUTE_IS_OPEN
    if order.status is _SHIP and order.ground is None:
        return _NO_GROUND_YET
    return None


def _offers_of(kinds: Collection[OfferKind]) -> _Guard:
    def guard(order: Order) -> Refusal | None:
        if any(offer.kind in kinds and offer.is_open for offer in order.offers):
            return None
        return Refusal(RefusalCode.UNKNOWN_OFFER, sentence("There is no open offer to answer."))

    return guard


def _settlement_may_be_accepted(order: Order) -> Refusal | None:
    return _dispute_must_be_open(order) or _offers_of({OfferKind.SETTLEMENT})(order)


def _proof_must_wait(order: Order) -> Refusal | None:
    if order.shipment and order.shipment.under_review:
        return None
    return Refusal(RefusalCode.NOT_IN_THIS_STATUS, sentence("No proof is waiting for review."))


def _seller_may_answer(order: Order) -> Refusal | None:
    if order.status is not _DISPUTE:
        return None
    if order.rules == 1:
        return _cancellation_is_over(order)
    return _GOODS_HAVE_SHIPPED if order.existing_shipment.is_shipped else None


def _window_must_be_limited(order: Order) -> Refusal | None:
    if order.shipment and order.shipment.ship_by:
        return None
    return Refusal(
        RefusalCode.NOT_IN_THIS_STATUS,
        sentence("The seller has no time limit on this order, so there is nothing to extend."),
    )


def _refund_must_exist(order: Order) -> Refusal | None:
    if refunds_of(order):
        return None
    return Refusal(RefusalCode.UNKNOWN_REFUND, sentence("No refund is under way for this order."))


def _money_must_be_unmatched(order: Order) -> Refusal | None:
    if order.unmatched:
        return None
    return Refusal(
        RefusalCode.NOT_IN_THIS_STATUS, sentence("All money of this order is accounted for.")
    )


_GUARDS: Final[dict[str, _Guard]] = {
    "seller_reply": _seller_may_answer,
    "dispute_request": _dispute_may_be_opened,
    "dispute_evidence": _dispute_must_be_open,
    "dispute_withdrawal": _dispute_must_be_open,
    "dispute_decision": _dispute_must_be_open,
    "settlement_offer": _dispute_must_be_open,
    "support_message": _dispute_must_be_open,
    "settlement_acceptance": _settlement_may_be_accepted,
    "offer_acceptance": _offers_of(OfferKind.before_payment()),
    "offer_decline": _offers_of(frozenset(OfferKind)),
    "proof_review": _proof_must_wait,
    "shipment_extension": _window_must_be_limited,
    "refund_update": _refund_must_exist,
    "unmatched_resolution": _money_must_be_unmatched,
}
