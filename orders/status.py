"""The statuses of an order, and why one closed; the contract's keys."""

from enum import StrEnum


class Status(StrEnum):
    """The contract's statuses of an order."""

    AWAITING_PAYMENT = "awaiting_payment"
    PAYMENT_REVIEW = "payment_review"
    AWAITING_SHIPMENT = "awaiting_shipment"
    CANCELLATION_REQUESTED = "cancellation_requested"
    PROOF_REQUESTED = "proof_requested"
    DISPUTED = "disputed"
    SHIPPED = "shipped"
    CLOSED = "closed"

    @classmethod
    def ended(cls) -> frozenset["Status"]:
        """Those in which nothing that buyer, seller or support do changes the order any more."""
        return frozenset({cls.SHIPPED, cls.CLOSED})


class CloseReason(StrEnum):
    """Why an order closed; the contract's keys."""

    PAYMENT_EXPIRED = "payment_expired"
    BUYER_CANCELED_UNPAID = "buyer_canceled_unpaid"
    SELLER_ACCEPTED = "seller_accepted"
    SELLER_NO_RESPONSE = "seller_no_response"
    SHIPMENT_EXPIRED = "shipment_expired"
    DISPUTE_FULL_REFUND = "dispute_full_refund"
    DISPUTE_PARTIAL_REFUND = "dispute_partial_refund"
    DISPUTE_NO_REFUND = "dispute_no_refund"
    DISPUTE_SETTLED = "dispute_settled"
    CHARGED_BACK = "charged_back"
    PAYMENT_REVERSED = "payment_reversed"
    REFUNDED_OUTSIDE = "refunded_outside"

    @classmethod
    def unpaid(cls) -> frozenset["CloseReason"]:
        """R3: those of an order that was never paid, and can be added to the cart again."""
        return frozenset({cls.PAYMENT_EXPIRED, cls.BUYER_CANCELED_UNPAID})
