"""What happened to an order or to a stray payment, entry by entry."""

from enum import StrEnum

from pydantic import Field

from orders.messages import Role
from orders.sentence_fields import Details
from orders.values import Frozen, Instant


class Event(StrEnum):
    """Everything that a timeline can tell; the contract's keys."""

    PLACED = "placed"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_REVERSED = "payment_reversed"
    PAYMENT_ACCEPTED = "payment_accepted"
    PAYMENT_SENT_BACK = "payment_sent_back"
    PAYMENT_REMINDER = "payment_reminder"
    SELLER_MESSAGE = "seller_message"
    BUYER_MESSAGE = "buyer_message"
    SUPPORT_MESSAGE = "support_message"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_DECLINED = "offer_declined"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_WITHDRAWN = "cancellation_withdrawn"
    CANCELLATION_ENDED = "cancellation_ended"
    SHIPMENT_REMINDER = "shipment_reminder"
    SELLER_REPLIED = "seller_replied"
    SELLER_REMINDER = "seller_reminder"
    PROOF_REQUESTED = "proof_requested"
    PROOF_GIVEN = "proof_given"
    PROOF_REMINDER = "proof_reminder"
    PROOF_ACCEPTED = "proof_accepted"
    PROOF_REJECTED = "proof_rejected"
    TRACKING_GIVEN = "tracking_given"
    TRACKING_VALID = "tracking_valid"
    TRACKING_INVALID = "tracking_invalid"
    TRACKING_UNKNOWN = "tracking_unknown"
    SHIPMENT_EXTENDED = "shipment_extended"
    SHIPPED = "shipped"
    DISPUTE_OFFERED = "dispute_offered"
    DISPUTE_OPENED = "dispute_opened"
    EVIDENCE_GIVEN = "evidence_given"
    DISPUTE_REMINDER = "dispute_reminder"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_DECIDED = "dispute_decided"
    DISPUTE_RESOLVED = "dispute_resolved"
    SETTLEMENT_OFFERED = "settlement_offered"
    SETTLEMENT_ACCEPTED = "settlement_accepted"
    CLOSED = "closed"
    REFUND_STARTED = "refund_started"
    REFUND_PENDING = "refund_pending"
    REFUND_REQUIRES_ACTION = "refund_requires_action"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    REFUND_CANCELED = "refund_canceled"
    REFUND_OVERDUE = "refund_overdue"
    REFUND_RETURNED = "refund_returned"
    OUTSIDE_REFUND = "outside_refund"
    OUTSIDE_REFUND_FAILED = "outside_refund_failed"
    UNMATCHED_RESOLVED = "unmatched_resolved"
    CHARGEBACK_OPENED = "chargeback_opened"
    CHARGEBACK_WON = "chargeback_won"
    CHARGEBACK_LOST = "chargeback_lost"
    CHARGEBACK_REMINDER = "chargeback_reminder"
    STRAY_RECEIVED = "stray_received"


class TimelineEntry(Frozen):
    """Something that happened: a stable key, who did it, and small JSON details.

    ``what`` is an ``Event``, kept as a text: what a later version has kept can be read as well.
    """

    at: Instant
    what: str
    by: Role
    by_id: str | None = None
    """The id of the person, as their token says (R25)."""
    details: Details = Field(default_factory=dict)
