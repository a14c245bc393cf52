"""R21: what people are told, and whom it concerns."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from orders.messages import Role
from orders.sentence_fields import Details
from orders.values import Frozen, Instant


class NotificationKind(StrEnum):
    """Everything that somebody can be told."""

    ORDER_PLACED = "order_placed"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CLOSED = "order_closed"
    UNPAID_COMPLAINT = "unpaid_complaint"
    SELLER_MESSAGE = "seller_message"
    BUYER_MESSAGE = "buyer_message"
    SUPPORT_MESSAGE = "support_message"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_DECLINED = "offer_declined"
    PAYMENT_REMINDER = "payment_reminder"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_ACCEPTED = "payment_accepted"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_DECLINED_LATE = "payment_declined_late"
    PAYMENT_CONTRADICTS = "payment_contradicts"
    PAYMENT_REVERSED = "payment_reversed"
    OUTSIDE_REFUND = "outside_refund"
    OUTSIDE_REFUND_FAILED = "outside_refund_failed"
    UNMATCHED_MONEY = "unmatched_money"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_REQUESTED_AFTER_PROOF = "cancellation_requested_after_proof"
    CANCELLATION_WITHDRAWN = "cancellation_withdrawn"
    CANCELLATION_REFUSED = "cancellation_refused"
    CANCELLATION_ENDED = "cancellation_ended"
    SELLER_REMINDER = "seller_reminder"
    SHIPMENT_REMINDER = "shipment_reminder"
    SHIPMENT_CLAIMED = "shipment_claimed"
    SHIPMENT_EXTENDED = "shipment_extended"
    TRACKING_INVALID = "tracking_invalid"
    PROOF_REQUESTED = "proof_requested"
    PROOF_TO_REVIEW = "proof_to_review"
    PROOF_REMINDER = "proof_reminder"
    PROOF_REJECTED = "proof_rejected"
    DISPUTE_OFFERED = "dispute_offered"
    DISPUTE_OPENED = "dispute_opened"
    EVIDENCE_GIVEN = "evidence_given"
    DISPUTE_REMINDER = "dispute_reminder"
    DISPUTE_REMINDER_SHIPPED = "dispute_reminder_shipped"
    DISPUTE_RESOLVED = "dispute_resolved"
    SETTLEMENT_OFFERED = "settlement_offered"
    REFUND_STARTED = "refund_started"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    REFUND_REQUIRES_ACTION = "refund_requires_action"
    REFUND_RETURNED = "refund_returned"
    REFUND_OVERDUE = "refund_overdue"
    REFUND_STOPPED = "refund_stopped"
    REFUND_AFTER_CHARGEBACK = "refund_after_chargeback"
    CHARGEBACK_OPENED = "chargeback_opened"
    CHARGEBACK_REMINDER = "chargeback_reminder"
    CHARGEBACK_WON = "chargeback_won"
    CHARGEBACK_LOST = "chargeback_lost"
    STRAY_REFUND_STARTED = "stray_refund_started"
    STRAY_REFUND_SUCCEEDED = "stray_refund_succeeded"
    STRAY_REFUND_FAILED = "stray_refund_failed"
    STRAY_REFUND_REQUIRES_ACTION = "stray_refund_requires_action"
    STRAY_REFUND_RETURNED = "stray_refund_returned"
    STRAY_REFUND_OVERDUE = "stray_refund_overdue"
    STRAY_PAYMENT_REVERSED = "stray_payment_reversed"
    STRAY_OUTSIDE_REFUND = "stray_outside_refund"
    STRAY_OUTSIDE_REFUND_FAILED = "stray_outside_refund_failed"
    STRAY_UNMATCHED_MONEY = "stray_unmatched_money"
    STRAY_REFUND_STOPPED = "stray_refund_stopped"
    STRAY_REFUND_RESTARTED = "stray_refund_restarted"
    STRAY_REFUND_AFTER_CHARGEBACK = "stray_refund_after_chargeback"
    STRAY_CHARGEBACK_OPENED = "stray_chargeback_opened"
    STRAY_CHARGEBACK_REMINDER = "stray_chargeback_reminder"
    STRAY_CHARGEBACK_WON = "stray_chargeback_won"
    STRAY_CHARGEBACK_LOST = "stray_chargeback_lost"


_BUYER, _SELLER, _SUPPORT = Role.BUYER, Role.SELLER, Role.SUPPORT

RECIPIENTS: Final[dict[NotificationKind, tuple[Role, ...]]] = {
    NotificationKind.ORDER_PLACED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.ORDER_SHIPPED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.ORDER_CLOSED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.UNPAID_COMPLAINT: (_SUPPORT,),
    NotificationKind.SELLER_MESSAGE: (_BUYER, _SUPPORT),
    NotificationKind.BUYER_MESSAGE: (_SELLER, _SUPPORT),
    NotificationKind.SUPPORT_MESSAGE: (_BUYER, _SELLER),
    NotificationKind.OFFER_ACCEPTED: (_SELLER,),
    NotificationKind.OFFER_DECLINED: (_SELLER,),
    NotificationKind.PAYMENT_REMINDER: (_BUYER,),
    NotificationKind.PAYMENT_RECEIVED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.PAYMENT_ACCEPTED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.PAYMENT_DECLINED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.PAYMENT_DECLINED_LATE: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.PAYMENT_CONTRADICTS: (_SUPPORT,),
    NotificationKind.PAYMENT_PENDING: (_BUYER, _SELLER),
    NotificationKind.PAYMENT_REVERSED: (_BUYER, _SELLER, _SUPPORT),
    NotificationKind.OUTSIDE_REFUND: (_BUYER, _SELLER, _SUPPORT),
    NotificationKind.OUTSIDE_REFUND_FAILED: (_BUYER, _SUPPORT),
    NotificationKind.UNMATCHED_MONEY: (_SUPPORT,),
    NotificationKind.REFUND_REQUIRES_ACTION: (_BUYER, _SUPPORT),
    NotificationKind.REFUND_RETURNED: (_BUYER, _SUPPORT),
    NotificationKind.STRAY_REFUND_REQUIRES_ACTION: (_BUYER, _SUPPORT),
    NotificationKind.STRAY_REFUND_RETURNED: (_BUYER, _SUPPORT),
    NotificationKind.STRAY_PAYMENT_REVERSED: (_SUPPORT,),
    NotificationKind.STRAY_OUTSIDE_REFUND: (_BUYER, _SUPPORT),
    NotificationKind.STRAY_OUTSIDE_REFUND_FAILED: (_BUYER, _SUPPORT),
    NotificationKind.STRAY_UNMATCHED_MONEY: (_SUPPORT,),
    NotificationKind.CANCELLATION_REQUESTED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.CANCELLATION_REQUESTED_AFTER_PROOF: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.CANCELLATION_WITHDRAWN: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.CANCELLATION_REFUSED: (_BUYER,),
    NotificationKind.CANCELLATION_ENDED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.SELLER_REMINDER: (_SELLER,),
    NotificationKind.SHIPMENT_REMINDER: (_SELLER,),
    NotificationKind.SHIPMENT_CLAIMED: (_BUYER,),
    NotificationKind.SHIPMENT_EXTENDED: (_SELLER,),
    NotificationKind.TRACKING_INVALID: (_SELLER,),
    NotificationKind.PROOF_REQUESTED: (_SELLER,),
    NotificationKind.PROOF_TO_REVIEW: (_SUPPORT,),
    NotificationKind.PROOF_REMINDER: (_SUPPORT,),
    NotificationKind.PROOF_REJECTED: (_SELLER,),
    NotificationKind.DISPUTE_OFFERED: (_BUYER,),
    NotificationKind.DISPUTE_OPENED: (
        _BUYER,
        _SELLER,
        _SUPPORT,
    ),
    NotificationKind.EVIDENCE_GIVEN: (_SELLER, _SUPPORT),
    NotificationKind.DISPUTE_REMINDER: (_SUPPORT,),
    NotificationKind.DISPUTE_REMINDER_SHIPPED: (_SUPPORT,),
    NotificationKind.DISPUTE_RESOLVED: (
        _BUYER,
        _SELLER,
        _SUPPORT,
    ),
    NotificationKind.SETTLEMENT_OFFERED: (_BUYER,),
    NotificationKind.REFUND_STARTED: (_BUYER,),
    NotificationKind.REFUND_SUCCEEDED: (
        _BUYER,
        _SELLER,
    ),
    NotificationKind.REFUND_FAILED: (
        _BUYER,
        _SUPPORT,
    ),
    NotificationKind.REFUND_OVERDUE: (
        _SUPPORT,
        _BUYER,
    ),
    NotificationKind.REFUND_STOPPED: (_BUYER,),
    NotificationKind.REFUND_AFTER_CHARGEBACK: (_SUPPORT,),
    NotificationKind.CHARGEBACK_OPENED: (
        _SUPPORT,
        _SELLER,
    ),
    NotificationKind.CHARGEBACK_REMINDER: (_SUPPORT,),
    NotificationKind.CHARGEBACK_WON: (
        _SUPPORT,
        _SELLER,
    ),
    NotificationKind.CHARGEBACK_LOST: (
        _SUPPORT,
        _SELLER,
    ),
    NotificationKind.STRAY_REFUND_STARTED: (_BUYER,),
    NotificationKind.STRAY_REFUND_SUCCEEDED: (_BUYER,),
    NotificationKind.STRAY_REFUND_FAILED: (
        _SUPPORT,
        _BUYER,
    ),
    NotificationKind.STRAY_REFUND_OVERDUE: (
        _SUPPORT,
        _BUYER,
    ),
    NotificationKind.STRAY_REFUND_STOPPED: (_BUYER,),
    NotificationKind.STRAY_REFUND_RESTARTED: (_BUYER,),
    NotificationKind.STRAY_REFUND_AFTER_CHARGEBACK: (_SUPPORT,),
    NotificationKind.STRAY_CHARGEBACK_OPENED: (_SUPPORT,),
    NotificationKind.STRAY_CHARGEBACK_REMINDER: (_SUPPORT,),
    NotificationKind.STRAY_CHARGEBACK_WON: (_SUPPORT,),
    NotificationKind.STRAY_CHARGEBACK_LOST: (_SUPPORT,),
}
"""R21: whom each kind concerns; a stray payment's buyer is its payer."""


REMINDERS: Final = frozenset(
    {
        NotificationKind.PAYMENT_REMINDER,
        NotificationKind.SHIPMENT_REMINDER,
        NotificationKind.SELLER_REMINDER,
    }
)
"""What a buyer or a seller may do without: each has been told of the deadline already."""


class Notification(Frozen):
    """R21: something one party must be told. ``key`` makes it take effect once.

    ``what`` is a ``NotificationKind``, kept as a text like an event's.
    """

    key: str
    to: Role
    what: str
    at: Instant
    details: Details = Field(default_factory=dict)
