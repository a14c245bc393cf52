"""The cancellation request: made, withdrawn and answered (R2, R7-R10, R13, R18)."""

from datetime import datetime

from orders import messages as m
from orders.closing import close, fault_of, open_dispute, resolve
from orders.errors import RefusalCode
from orders.lifecycle import Problem, enter
from orders.messages import Role
from orders.order import (
    Cancellation,
    CloseReason,
    DisputeOutcome,
    DisputeReason,
    Order,
    Status,
)
from orders.sentences import sentence
from orders.shipments import add_tracking, cancellation_of, claim_shipped, failed_proof


def on_cancel_request(order: Order, message: m.CancelRequest, at: datetime) -> None:
    """R2: an unpaid order closes at once. R7, R8: a paid one waits for the seller's answer."""
    unpaid = order.status is Status.AWAITING_PAYMENT
    order.cancellation = Cancellation(
        status="requested",
        reason=message.reason,
        note=message.note,
        complaint=message.complaint,
        fault=fault_of(message.reason),
        fine=order.amount_due.of(0),
        requested_at=at,
        due_by=None if unpaid else at + order.policy.seller_reply_window,
    )
    order.happened(
        at,
        "cancellation_requested",
        Role.BUYER,
        reason=message.reason.value,
        complaint=message.complaint,
    )
    if unpaid:
        close(order, at, message.name, CloseReason.BUYER_CANCELED_UNPAID, Role.BUYER)
        return
    enter(order, message.name, Status.CANCELLATION_REQUESTED, at)
    order.tell(
        at,
        "cancellation_requested",
        Role.BUYER,
        Role.SELLER,
        reason=message.reason.value,
        due_by=(at + order.policy.seller_reply_window).isoformat(),
    )
    if message.complaint:
        open_dispute(order, at, DisputeReason.SELLER_COMPLAINT, Role.BUYER, message.note)


def on_cancel_withdrawal(order: Order, message: m.CancelWithdrawal, at: datetime) -> None:
    """R18: the order awaits shipment again."""
    cancellation = cancellation_of(order)
    cancellation.status = "withdrawn"
    cancellation.ended_at = at
    order.happened(at, "cancellation_withdrawn", Role.BUYER)
    order.tell(at, "cancellation_withdrawn", Role.BUYER, Role.SELLER)
    if order.open_dispute:
        # The complaint came with the request, and the order awaits shipment again (R18).
        resolve(order, order.open_dispute, at, DisputeOutcome.WITHDRAWN, None)
    enter(order, message.name, Status.AWAITING_SHIPMENT, at)


def on_seller_reply(order: Order, message: m.SellerReply, at: datetime) -> None:
    """R9, R10, R13: the seller's answer."""
    cancellation = cancellation_of(order)
    cancellation.answered_at = at
    cancellation.answer_note = message.note
    order.happened(at, "seller_replied", Role.SELLER, decision=message.decision)
    match message.decision:
        case "accept":
            close(order, at, message.name, CloseReason.SELLER_ACCEPTED, Role.SELLER)
        case "refuse":
            order.tell(at, "cancellation_refused", Role.BUYER)
            failed_proof(order, at, message.name, DisputeReason.SELLER_REFUSED)
        case "already_shipped":
            claim_shipped(order, message.name, at)
            if message.tracking_number:
                add_tracking(order, message.tracking_number, None, at)


def seller_reply_problem(order: Order, message: m.SellerReply) -> Problem:
    """A seller who claimed shipment has answered; giving in is still possible."""
    if order.status is Status.PROOF_REQUESTED and message.decision != "accept":
        return (
            RefusalCode.ALREADY_ANSWERED,
            sentence(
                "The seller has already answered that the goods are shipped; now proof is needed, "
                "or the cancellation can be accepted."
            ),
        )
    return None
