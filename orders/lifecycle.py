"""What may happen in which status: the one table, and the refusals that follow from it.

Theory of operation. An order is in one status. Three kinds of thing move it: a *message* that somebody
sent, a *verdict* on a proof, and a *deadline* that passed. ``TRANSITIONS`` lists, for each status and
each of these triggers, the statuses the order may be in afterwards; what is not listed is refused
(messages) or does not matter any more (verdicts and deadlines). Signal handlers, update validators, the
actions in the view and the diagram in the docs all ask this table, so they cannot disagree.

Where one trigger has several targets, the order's state decides which; ``orders.handlers`` and
``orders.schedule`` do that, and ``enter`` refuses a target that is not in the table.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from orders.errors import NotAllowedNow, RefusalCode
from orders.order import CloseReason, Order, Status
from orders.sentences import sentence

_PAY: Final = Status.AWAITING_PAYMENT
_REVIEW: Final = Status.PAYMENT_REVIEW
_SHIP: Final = Status.AWAITING_SHIPMENT
_CANCEL: Final = Status.CANCELLATION_REQUESTED
_PROOF: Final = Status.PROOF_REQUESTED
_DISPUTE: Final = Status.DISPUTED
_SHIPPED: Final = Status.SHIPPED
_CLOSED: Final = Status.CLOSED

DEADLINES: Final = frozenset(
    {
        "payment_expired",
        "payment_accepted",
        "shipment_expired",
        "seller_no_response",
        "no_proof",
        "dispute_expired",
        "refund_overdue",
    }
)
"""What an instant that passes does to an order; reminders and refund checks change no status."""

VERDICTS: Final = frozenset({"tracking_valid", "tracking_invalid"})
"""What comes back from verifying a tracking number (R11)."""

TRANSITIONS: Final[dict[Status, dict[str, tuple[Status, ...]]]] = {
    _PAY: {
        "payment": (_REVIEW,),  # R5
        "payment_declined": (_PAY,),  # news of a payment that has not come yet
        "cancel_request": (_CLOSED,),  # R2
        "seller_message": (_PAY,),  # R4
        "buyer_message": (_PAY,),
        "offer_acceptance": (_PAY,),
        "payment_expired": (_CLOSED,),  # R1
    },
    _REVIEW: {
        "payment_declined": (_PAY, _REVIEW),  # R6; another payment's decline changes nothing
        "seller_message": (_REVIEW,),
        "buyer_message": (_REVIEW,),
        "chargeback": (_REVIEW, _CLOSED),  # R23
        "payment_accepted": (_SHIP,),  # R7
    },
    _SHIP: {
        "cancel_request": (_CANCEL,),  # R7, R8
        "tracking_number": (_SHIP,),  # R11
        "shipment_proof": (_SHIP,),
        "proof_review": (_SHIP, _SHIPPED),
        "tracking_valid": (_SHIPPED,),
        "tracking_invalid": (_SHIP,),
        "dispute_request": (_DISPUTE,),  # R12, offered
        "shipment_extension": (_SHIP,),  # R20a
        "seller_message": (_SHIP,),
        "buyer_message": (_SHIP,),
        "chargeback": (_SHIP, _CLOSED),
        "shipment_expired": (_CLOSED,),  # R20
    },
    _CANCEL: {
        "cancel_withdrawal": (_SHIP,),  # R18
        "seller_reply": (_CLOSED, _PROOF, _DISPUTE, _SHIP),  # R9, R10, R13
        "tracking_number": (_PROOF,),  # says "already shipped" by itself (R10)
        "shipment_proof": (_PROOF,),
        "proof_review": (_CANCEL, _SHIPPED, _DISPUTE),
        "tracking_valid": (_SHIPPED, _DISPUTE),  # R11, R16a
        "tracking_invalid": (_CANCEL,),
        "dispute_request": (_CANCEL,),  # beside the request, as in R8
        "dispute_withdrawal": (_CANCEL,),
        "dispute_decision": (_CLOSED,),  # R16
        "settlement_offer": (_CANCEL,),
        "settlement_acceptance": (_CLOSED,),
        "seller_message": (_CANCEL,),
        "buyer_message": (_CANCEL,),
        "chargeback": (_CANCEL, _CLOSED),
        "seller_no_response": (_CLOSED,),  # R9
        "dispute_expired": (_CLOSED,),
    },
    _PROOF: {
        "seller_reply": (_CLOSED,),  # the seller may still give in
        "tracking_number": (_PROOF,),
        "shipment_proof": (_PROOF,),
        "proof_review": (_PROOF, _SHIPPED, _DISPUTE),  # R11, R12
        "tracking_valid": (_SHIPPED, _DISPUTE),
        "tracking_invalid": (_PROOF, _DISPUTE),  # R12
        "dispute_request": (_PROOF,),
        "dispute_withdrawal": (_PROOF,),
        "dispute_decision": (_CLOSED,),
        "settlement_offer": (_PROOF,),
        "settlement_acceptance": (_CLOSED,),
        "seller_message": (_PROOF,),
        "buyer_message": (_PROOF,),
        "chargeback": (_PROOF, _CLOSED),
        "no_proof": (_DISPUTE, _SHIP),  # R12
        "dispute_expired": (_CLOSED,),
    },
    _DISPUTE: {
        "tracking_number": (_DISPUTE,),  # evidence (R16a)
        "shipment_proof": (_DISPUTE,),
        "proof_review": (_DISPUTE,),
        "tracking_valid": (_DISPUTE,),
        "tracking_invalid": (_DISPUTE,),
        "dispute_withdrawal": (_SHIPPED, _SHIP),  # R16b
        "dispute_decision": (_CLOSED,),  # R16
        "settlement_offer": (_DISPUTE,),
        "settlement_acceptance": (_CLOSED,),
        "seller_message": (_DISPUTE,),
        "buyer_message": (_DISPUTE,),
        "chargeback": (_DISPUTE, _CLOSED),
        "dispute_expired": (_CLOSED,),  # R16b
    },
    _SHIPPED: {
        "chargeback": (_SHIPPED,),  # R23
    },
    _CLOSED: {
        "refund_update": (_CLOSED,),  # R15
        "chargeback": (_CLOSED,),
        "refund_overdue": (_CLOSED,),
    },
}

MOST: Final = {
    "cancel_request": 20,
    "dispute_request": 20,
    "shipment_extension": 20,
    "settlement_offer": 20,
    "tracking_number": 10,
    "shipment_proof": 10,
    "seller_message": 50,
    "buyer_message": 50,
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
    CloseReason.BUYER_CANCELED_UNPAID: sentence("the buyer canceled it before paying"),
    CloseReason.SELLER_ACCEPTED: sentence("the seller agreed to cancel it"),
    CloseReason.SELLER_NO_RESPONSE: sentence(
        "the seller did not answer the request to cancel it in time"
    ),
    CloseReason.SHIPMENT_EXPIRED: sentence("it was not shipped in time"),
    CloseReason.DISPUTE_FULL_REFUND: sentence("the dispute ended with a full refund"),
    CloseReason.DISPUTE_PARTIAL_REFUND: sentence("the dispute ended with a partial refund"),
    CloseReason.DISPUTE_NO_REFUND: sentence("the dispute ended without a refund"),
    CloseReason.DISPUTE_SETTLED: sentence("seller and buyer have settled the dispute"),
    CloseReason.CHARGED_BACK: sentence("the buyer's bank took the payment back"),
}

COMING_PHRASES: Final = {
    "payment_reminder": sentence("the buyer is reminded to pay"),
    "payment_expired": sentence("the order closes, unpaid"),
    "payment_accepted": sentence("the check of the payment ends, and the order awaits shipment"),
    "shipment_expired": sentence(
        "the order closes, as it was not shipped, and the money goes back"
    ),
    "seller_reminder": sentence("the seller is reminded to answer"),
    "seller_no_response": sentence(
        "the order closes, as the seller did not answer, and the money goes back"
    ),
    "no_proof": sentence("a dispute becomes due, as the seller gave no proof of shipment"),
    "dispute_reminder": sentence("support is reminded of the dispute"),
    "dispute_expired": sentence("the dispute ends with a full refund"),
    "chargeback_reminder": sentence("support is reminded of the money that waits for the bank"),
    "refund_check": sentence("the provider is asked what became of the refund"),
    "refund_overdue": sentence("the refund is overdue: buyer and support are told"),
}
"""What happens next by itself (the view's ``next``), as sentences."""

_ACTION_PHRASES: Final = {
    "payment": sentence("A payment can be taken"),
    "payment_declined": sentence("A payment can be declined"),
    "cancel_request": sentence("Cancellation can be requested"),
    "cancel_withdrawal": sentence("A cancellation request can be withdrawn"),
    "seller_reply": sentence("The seller can answer a cancellation request"),
    "tracking_number": sentence("A tracking number can be given"),
    "shipment_proof": sentence("A proof of shipment can be given"),
    "proof_review": sentence("A proof can be judged"),
    "seller_message": sentence("Messages can be written"),
    "buyer_message": sentence("Messages can be written"),
    "offer_acceptance": sentence("An offer can be accepted"),
    "dispute_request": sentence("A dispute can be opened"),
    "dispute_withdrawal": sentence("A dispute can be dropped"),
    "settlement_offer": sentence("A settlement can be offered"),
    "settlement_acceptance": sentence("A settlement can be accepted"),
    "shipment_extension": sentence("The time to ship can be extended"),
    "chargeback": sentence("A chargeback can be recorded"),
    "dispute_decision": sentence("A dispute can be decided"),
    "refund_update": sentence("News of a refund can be taken"),
}


def enter(order: Order, trigger: str, target: Status, at: datetime) -> None:
    """Put the order into the status that a trigger leads to. Raises for a pair the table doesn't have."""
    if target not in TRANSITIONS[order.status].get(trigger, ()):
        raise AssertionError(f"{trigger} cannot lead from {order.status} to {target}")
    if target is order.status:
        return
    if shipment := order.shipment:
        if target is _SHIP and shipment.paused_since and shipment.ship_by:
            shipment.ship_by += at - shipment.paused_since
        runs_or_is_over = target in (_SHIP, _SHIPPED, _CLOSED)
        shipment.paused_since = None if runs_or_is_over else (shipment.paused_since or at)
    order.status = target
    order.status_since = at
    order.revision += 1


def refusal(order: Order, name: str, at: datetime | None = None) -> NotAllowedNow | None:
    """Why the order cannot take this kind of message now, whatever its content; None when it can.

    With ``at``, what can be taken from an instant on is not refused any more once that has passed.
    """
    if name not in TRANSITIONS[order.status]:
        refused = _not_in_table(order, name)
        in_time = at and refused.available_from and refused.available_from <= at
        return None if in_time else refused
    guard = _GUARDS.get(name)
    problem = _too_many(order, name) or (guard(order) if guard else None)
    return refuse(order, name, *problem) if problem else None


def refuse(
    order: Order, name: str, code: RefusalCode, reason: str, available_from: datetime | None = None
) -> NotAllowedNow:
    """A refusal of this order."""
    return NotAllowedNow(name, code, order.status.value, reason, available_from)


def _not_in_table(order: Order, name: str) -> NotAllowedNow:
    review_end = order.payment.review_ends_at if order.status is _REVIEW and order.payment else None
    match order.status, name:
        case Status.CLOSED, "payment":
            return refuse(
                order,
                name,
                RefusalCode.ORDER_CLOSED,
                sentence(
                    "The order is closed; the payment goes back in full. To buy the same things, "
                    "add them to the cart again."
                ),
            )
        case Status.CLOSED, _:
            reason = CLOSED_PHRASES[order.close_reason] if order.close_reason else "it is over"
            return refuse(
                order,
                name,
                RefusalCode.ORDER_CLOSED,
                sentence("The order is closed: {why}.", why=reason),
            )
        case Status.SHIPPED, "cancel_request":
            return refuse(
                order,
                name,
                RefusalCode.ORDER_SHIPPED,
                sentence(
                    "The order has shipped and cannot be cancelled any more. Once it arrives you can send "
                    "it back; if it does not arrive, or not as described, write to support."
                ),
            )
        case Status.SHIPPED, "payment":
            return refuse(
                order,
                name,
                RefusalCode.ORDER_SHIPPED,
                sentence("The order is paid and has shipped; this payment goes back in full."),
            )
        case Status.SHIPPED, "dispute_request":
            return refuse(
                order,
                name,
                RefusalCode.ORDER_SHIPPED,
                sentence(
                    "The order has already shipped. If it does not arrive, or not as described, write to "
                    "support."
                ),
            )
        case Status.SHIPPED, _:
            return refuse(
                order, name, RefusalCode.ORDER_SHIPPED, sentence("The order has already shipped.")
            )
        case Status.PAYMENT_REVIEW, "cancel_request":
            return refuse(
                order,
                name,
                RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
                sentence(
                    "The payment is being checked; cancellation can be requested once the check is over."
                ),
                review_end,
            )
        case Status.PAYMENT_REVIEW, "payment":
            return refuse(
                order,
                name,
                RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
                sentence(
                    "The order is already paid and its payment is being checked; this one goes back in full."
                ),
            )
        case ((Status.CANCELLATION_REQUESTED | Status.PROOF_REQUESTED), "cancel_request"):
            return refuse(
                order,
                name,
                RefusalCode.CANCELLATION_EXISTS,
                sentence("Cancellation has already been requested; it runs on as it is."),
            )
        case Status.DISPUTED, "cancel_request":
            return refuse(
                order,
                name,
                RefusalCode.DISPUTE_EXISTS,
                sentence(
                    "A dispute is open; support decides it, so cancellation cannot be requested beside it."
                ),
            )
        case ((Status.PROOF_REQUESTED | Status.DISPUTED), ("cancel_withdrawal" | "seller_reply")):
            answered = order.cancellation and order.cancellation.answered_at
            return refuse(
                order,
                name,
                RefusalCode.ALREADY_ANSWERED if answered else RefusalCode.NOT_IN_THIS_STATUS,
                sentence("The seller has already answered the cancellation request.")
                if answered
                else sentence("The cancellation request is over, as the shipment is proved."),
            )
        case ((Status.AWAITING_PAYMENT | Status.PAYMENT_REVIEW), "dispute_request"):
            return refuse(order, name, RefusalCode.NOT_IN_THIS_STATUS, _NO_GROUND_YET)
        case (_, "payment"):
            return refuse(
                order,
                name,
                RefusalCode.NOT_IN_THIS_STATUS,
                sentence("The order is paid already; this payment goes back in full."),
            )
        case Status.DISPUTED, "dispute_request":
            return refuse(
                order,
                name,
                RefusalCode.DISPUTE_EXISTS,
                sentence("A dispute is already open for this order."),
            )
        case _:
            return refuse(
                order,
                name,
                RefusalCode.NOT_IN_THIS_STATUS,
                _only_while(order, name),
                review_end if _sure_after_review(order, name) else None,
            )


def _sure_after_review(order: Order, name: str) -> bool:
    """Whether an order that awaits shipment takes this for sure, so that the instant can be promised."""
    if name == "shipment_extension":
        return order.policy.shipment_window is not None
    return name in ("cancel_request", "tracking_number", "shipment_proof")


def _only_while(order: Order, name: str) -> str:
    phrases = [STATUS_PHRASES[status] for status, row in TRANSITIONS.items() if name in row]
    listed = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} or {phrases[-1]}"
    return sentence(
        "{action} only while {statuses}; now {status}.",
        action=_ACTION_PHRASES[name],
        statuses=listed,
        status=STATUS_PHRASES[order.status],
    )


Problem = tuple[RefusalCode, str] | None
_Guard = Callable[[Order], Problem]


_NO_GROUND_YET: Final = sentence(
    "A dispute can be opened once cancellation of the paid order is requested, or the seller has refused it "
    "or failed to prove the shipment."
)


def _too_many(order: Order, name: str) -> Problem:
    most = MOST.get(name)
    if most is None or order.counters.get(name, 0) < most:
        return None
    return (
        RefusalCode.TOO_MANY_MESSAGES,
        sentence(
            "An order takes this at most {most} times; its deadlines run on, and support can help.",
            most=most,
        ),
    )


def _dispute_must_be_open(order: Order) -> Problem:
    if order.open_dispute:
        return None
    return RefusalCode.NOT_IN_THIS_STATUS, sentence("No dispute is open for this order.")


def _dispute_may_be_opened(order: Order) -> Problem:
    if order.open_dispute:
        return RefusalCode.DISPUTE_EXISTS, sentence("A dispute is already open for this order.")
    if order.status is _SHIP and order.ground is None:
        return RefusalCode.NOT_IN_THIS_STATUS, _NO_GROUND_YET
    return None


def _offers_of(*kinds: str) -> _Guard:
    def guard(order: Order) -> Problem:
        if any(offer.kind in kinds and offer.status == "open" for offer in order.offers):
            return None
        return RefusalCode.UNKNOWN_OFFER, sentence("There is no open offer to accept.")

    return guard


def _settlement_may_be_accepted(order: Order) -> Problem:
    return _dispute_must_be_open(order) or _offers_of("settlement")(order)


def _proof_must_wait(order: Order) -> Problem:
    if order.shipment and any(p.status == "under_review" for p in order.shipment.proofs):
        return None
    return RefusalCode.NOT_IN_THIS_STATUS, sentence("No proof waits to be judged.")


def _window_must_be_limited(order: Order) -> Problem:
    if order.shipment and order.shipment.ship_by:
        return None
    return (
        RefusalCode.NOT_IN_THIS_STATUS,
        sentence("The seller has no time limit on this order, so there is nothing to extend."),
    )


def _refund_must_exist(order: Order) -> Problem:
    if any(not refund.is_settled for refund in order.refunds):
        return None
    return RefusalCode.UNKNOWN_REFUND, sentence("No refund is under way for this order.")


def _payment_must_exist(order: Order) -> Problem:
    if order.payment:
        return None
    return RefusalCode.NOT_IN_THIS_STATUS, sentence("No payment has been taken for this order.")


_GUARDS: Final[dict[str, _Guard]] = {
    "dispute_request": _dispute_may_be_opened,
    "dispute_withdrawal": _dispute_must_be_open,
    "dispute_decision": _dispute_must_be_open,
    "settlement_offer": _dispute_must_be_open,
    "settlement_acceptance": _settlement_may_be_accepted,
    "offer_acceptance": _offers_of("discount", "bonus"),
    "proof_review": _proof_must_wait,
    "shipment_extension": _window_must_be_limited,
    "refund_update": _refund_must_exist,
    "chargeback": _payment_must_exist,
}
