"""What may happen in which status: the one table.

Theory of operation. An order is in one status. Three kinds of thing move it: a *message* that somebody
sent, a *verdict* on a proof, and a *deadline* that passed. ``TRANSITIONS`` lists, for each status and
each of these triggers, the statuses the order may be in afterwards; what is not listed is refused
(messages) or does not matter any more (verdicts and deadlines). Signal handlers, update validators, the
actions in the view and the diagram in the docs all ask this table, so they cannot disagree.

Where one trigger has several targets, the order's state decides which; ``orders.handlers`` and
``orders.schedule`` do that, and ``Order.enter`` refuses a target that is not in the table. The answer to a
message that is not listed is in the second table, in ``orders.refusals``.
"""

from enum import StrEnum
from typing import Final

from orders.status import Status

_PAY: Final = Status.AWAITING_PAYMENT
_REVIEW: Final = Status.PAYMENT_REVIEW
_SHIP: Final = Status.AWAITING_SHIPMENT
_CANCEL: Final = Status.CANCELLATION_REQUESTED
_PROOF: Final = Status.PROOF_REQUESTED
_DISPUTE: Final = Status.DISPUTED
_SHIPPED: Final = Status.SHIPPED
_CLOSED: Final = Status.CLOSED


class Deadline(StrEnum):
    """What an instant that passes does to an order; reminders and refund checks change no status."""

    PAYMENT_EXPIRED = "payment_expired"
    PAYMENT_ACCEPTED = "payment_accepted"
    SHIPMENT_EXPIRED = "shipment_expired"
    SELLER_NO_RESPONSE = "seller_no_response"
    NO_PROOF = "no_proof"
    DISPUTE_EXPIRED = "dispute_expired"
    DISPUTE_EXPIRED_SHIPPED = "dispute_expired_shipped"
    REFUND_OVERDUE = "refund_overdue"


class Verdict(StrEnum):
    """What comes back from verifying a tracking number (R11)."""

    TRACKING_VALID = "tracking_valid"
    TRACKING_INVALID = "tracking_invalid"
    TRACKING_UNKNOWN = "tracking_unknown"


DEADLINES: Final = frozenset(Deadline)
VERDICTS: Final = frozenset(Verdict)


TRANSITIONS: Final[dict[Status, dict[str, tuple[Status, ...]]]] = {
    _PAY: {
        "payment": (_REVIEW, _CLOSED),  # R5; closed where its money has gone already
        "payment_pending": (_PAY,),  # R1a
        "payment_declined": (_PAY,),  # of a payment that has not come yet
        "chargeback": (_PAY,),  # likewise
        "outside_refund": (_PAY,),
        "unmatched_resolution": (_PAY,),
        "cancel_request": (_CLOSED,),  # R2
        "seller_message": (_PAY,),  # R4
        "buyer_message": (_PAY,),
        "offer_acceptance": (_PAY,),
        "offer_decline": (_PAY,),
        Deadline.PAYMENT_EXPIRED: (_CLOSED,),  # R1
    },
    _REVIEW: {
        "payment_declined": (_PAY, _REVIEW),  # R6; another payment's decline changes nothing
        "seller_message": (_REVIEW,),
        "buyer_message": (_REVIEW,),
        "chargeback": (_REVIEW, _CLOSED),  # R23
        "outside_refund": (_REVIEW, _CLOSED),  # R24
        "unmatched_resolution": (_REVIEW,),
        Deadline.PAYMENT_ACCEPTED: (_SHIP,),  # R7
    },
    _SHIP: {
        "cancel_request": (
            _CANCEL,
            _PROOF,
        ),  # R7, R8; evidence that waits is the seller's answer (R9)
        "tracking_number": (_SHIP,),  # R11
        "shipment_proof": (_SHIP,),
        "proof_review": (_SHIP, _SHIPPED),
        Verdict.TRACKING_VALID: (_SHIPPED,),
        Verdict.TRACKING_INVALID: (_SHIP,),
        Verdict.TRACKING_UNKNOWN: (_SHIP,),  # support judges it
        "dispute_request": (_DISPUTE,),  # R12, offered
        "shipment_extension": (_SHIP,),  # R20a
        "seller_message": (_SHIP,),
        "buyer_message": (_SHIP,),
        "payment_declined": (_CLOSED,),  # R6
        "chargeback": (_SHIP, _CLOSED),
        "outside_refund": (_SHIP, _CLOSED),
        "unmatched_resolution": (_SHIP,),
        Deadline.SHIPMENT_EXPIRED: (_CLOSED,),  # R20
    },
    _CANCEL: {
        "cancel_withdrawal": (_SHIP,),  # R18
        "seller_reply": (_CLOSED, _PROOF, _DISPUTE, _SHIP),  # R9, R10, R13
        "tracking_number": (_PROOF,),  # says "already shipped" by itself (R10)
        "shipment_proof": (_PROOF,),
        "proof_review": (_CANCEL, _SHIPPED, _DISPUTE),
        Verdict.TRACKING_VALID: (_SHIPPED, _DISPUTE),  # R11, R16a
        Verdict.TRACKING_INVALID: (_CANCEL,),
        Verdict.TRACKING_UNKNOWN: (_CANCEL,),
        "dispute_request": (
            _CANCEL,
            _DISPUTE,
        ),  # beside the request, as in R8; offered, in its place
        "dispute_evidence": (_CANCEL,),  # R16
        "dispute_withdrawal": (_CANCEL,),
        "dispute_decision": (_CLOSED, _SHIP),  # R16; turned down, R16a
        "settlement_offer": (_CANCEL,),
        "settlement_acceptance": (_CLOSED,),
        "offer_decline": (_CANCEL,),
        "seller_message": (_CANCEL,),
        "buyer_message": (_CANCEL,),
        "support_message": (_CANCEL,),  # R16
        "payment_declined": (_CLOSED,),  # R6
        "chargeback": (_CANCEL, _CLOSED),
        "outside_refund": (_CANCEL, _CLOSED),
        "unmatched_resolution": (_CANCEL,),
        Deadline.SELLER_NO_RESPONSE: (_CLOSED,),  # R9
        Deadline.SHIPMENT_EXPIRED: (_CLOSED,),
        Deadline.DISPUTE_EXPIRED: (_CLOSED,),
    },
    _PROOF: {
        "seller_reply": (_CLOSED,),  # the seller may still give in
        "tracking_number": (_PROOF,),
        "shipment_proof": (_PROOF,),
        "proof_review": (_PROOF, _SHIPPED, _DISPUTE),  # R11, R12
        Verdict.TRACKING_VALID: (_SHIPPED, _DISPUTE),
        Verdict.TRACKING_INVALID: (_PROOF, _DISPUTE),  # R12
        Verdict.TRACKING_UNKNOWN: (_PROOF,),
        "dispute_request": (_PROOF, _DISPUTE),
        "dispute_evidence": (_PROOF,),
        "dispute_withdrawal": (_PROOF,),
        "dispute_decision": (_CLOSED, _SHIP),
        "settlement_offer": (_PROOF,),
        "settlement_acceptance": (_CLOSED,),
        "offer_decline": (_PROOF,),
        "seller_message": (_PROOF,),
        "buyer_message": (_PROOF,),
        "support_message": (_PROOF,),
        "payment_declined": (_CLOSED,),  # R6
        "chargeback": (_PROOF, _CLOSED),
        "outside_refund": (_PROOF, _CLOSED),
        "unmatched_resolution": (_PROOF,),
        Deadline.NO_PROOF: (_DISPUTE, _SHIP),  # R12
        Deadline.SHIPMENT_EXPIRED: (_CLOSED,),
        Deadline.DISPUTE_EXPIRED: (_CLOSED,),
    },
    _DISPUTE: {
        "seller_reply": (_CLOSED,),  # the seller may give in until the goods have shipped (R9)
        "tracking_number": (_DISPUTE,),  # evidence (R16a)
        "shipment_proof": (_DISPUTE,),
        "proof_review": (_DISPUTE,),
        Verdict.TRACKING_VALID: (_DISPUTE,),
        Verdict.TRACKING_INVALID: (_DISPUTE,),
        Verdict.TRACKING_UNKNOWN: (_DISPUTE,),
        "dispute_evidence": (_DISPUTE,),
        "dispute_withdrawal": (_SHIPPED, _SHIP),  # R16b
        "dispute_decision": (_CLOSED, _SHIP),  # R16, R16a
        "settlement_offer": (_DISPUTE,),
        "settlement_acceptance": (_CLOSED,),
        "offer_decline": (_DISPUTE,),
        "seller_message": (_DISPUTE,),
        "buyer_message": (_DISPUTE,),
        "support_message": (_DISPUTE,),
        "payment_declined": (_CLOSED,),  # R6
        "chargeback": (_DISPUTE, _CLOSED),
        "outside_refund": (_DISPUTE, _CLOSED),
        "unmatched_resolution": (_DISPUTE,),
        Deadline.SHIPMENT_EXPIRED: (_CLOSED,),  # R20
        Deadline.DISPUTE_EXPIRED: (_CLOSED,),  # R16b
        Deadline.DISPUTE_EXPIRED_SHIPPED: (_CLOSED,),
    },
    _SHIPPED: {
        "payment_declined": (_SHIPPED,),
        "chargeback": (_SHIPPED,),  # R23
        "outside_refund": (_SHIPPED,),
        "unmatched_resolution": (_SHIPPED,),
    },
    _CLOSED: {
        "refund_update": (_CLOSED,),  # R15
        "payment_declined": (_CLOSED,),
        "chargeback": (_CLOSED,),
        "outside_refund": (_CLOSED,),
        "unmatched_resolution": (_CLOSED,),
        Deadline.REFUND_OVERDUE: (_CLOSED,),
    },
}
