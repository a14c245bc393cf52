"""The cancellation request: made, withdrawn and answered (R2, R7-R10, R13, R18)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from orders import messages as m
from orders.disputes import DisputeOutcome, DisputeReason, open_dispute, resolve
from orders.errors import Refusal, RefusalCode
from orders.messages import CancelReason, Role
from orders.notifications import NotificationKind
from orders.sentences import sentence
from orders.shipments import add_tracking, ask_for_proof, claim_shipped, failed_proof
from orders.status import CloseReason, Status
from orders.timeline import Event
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order


class Fault(StrEnum):
    """R14: whose fault a cancellation was."""

    BUYER = "buyer"
    SELLER = "seller"
    NONE = "none"


class CancellationStatus(StrEnum):
    """Where a cancellation is, and what ended it."""

    REQUESTED = "requested"
    SHIPMENT_CLAIMED = "shipment_claimed"
    ACCEPTED = "accepted"
    NO_RESPONSE = "no_response"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED_BY_SHIPMENT = "ended_by_shipment"
    ENDED_BY_DISPUTE = "ended_by_dispute"
    ENDED_BY_CHARGEBACK = "ended_by_chargeback"
    ENDED_BY_PAYMENT = "ended_by_payment"
    BY_ITSELF = "by_itself"


class Cancellation(Mutable):
    """A cancellation, asked for or automatic; ``fine`` is always nothing (R14)."""

    status: CancellationStatus
    reason: CancelReason | None
    note: str = ""
    complaint: bool = False
    fault: Fault
    fine: Money
    requested_at: Instant
    due_by: Instant | None = None
    answered_at: Instant | None = None
    answer_note: str = ""
    ended_at: Instant | None = None

    def claim_shipment(self, at: datetime) -> None:
        """R10: the seller says that the goods are shipped."""
        self.status = CancellationStatus.SHIPMENT_CLAIMED
        self.answered_at = at

    def refuse(self, at: datetime) -> None:
        """R12, R13: the seller's refusal, or failed proof, ends the request."""
        self.end(CancellationStatus.REFUSED, at)

    def end_by_shipment(self, at: datetime) -> None:
        """R11: good proof ends a request that still runs."""
        if self.ended_at is None:
            self.end(CancellationStatus.ENDED_BY_SHIPMENT, at)

    def end_by_dispute(self, at: datetime) -> bool:
        """R16: the dispute's decision ends a request that still runs; whether it did."""
        runs = self.ended_at is None
        if runs:
            self.end(CancellationStatus.ENDED_BY_DISPUTE, at)
        return runs

    def end(self, status: CancellationStatus, at: datetime) -> None:
        """It is over, and this is why."""
        self.status = status
        self.ended_at = at


_FAULTS: Final = {
    CancelReason.CHANGED_MIND: Fault.BUYER,
    CancelReason.ORDER_MISTAKE: Fault.BUYER,
    CancelReason.DUPLICATE_ORDER: Fault.BUYER,
    CancelReason.FOUND_CHEAPER_PRICE: Fault.BUYER,
    CancelReason.ADDRESS_ISSUES: Fault.BUYER,
    CancelReason.WONT_ARRIVE_IN_TIME: Fault.SELLER,
    CancelReason.SELLER_UNREACHABLE: Fault.SELLER,
    CancelReason.OUT_OF_STOCK: Fault.SELLER,
}

_ENDED_BY: Final = {
    CloseReason.BUYER_CANCELED_UNPAID: CancellationStatus.ACCEPTED,
    CloseReason.SELLER_ACCEPTED: CancellationStatus.ACCEPTED,
    CloseReason.SELLER_NO_RESPONSE: CancellationStatus.NO_RESPONSE,
    CloseReason.CHARGED_BACK: CancellationStatus.ENDED_BY_CHARGEBACK,
    CloseReason.PAYMENT_REVERSED: CancellationStatus.ENDED_BY_PAYMENT,
    CloseReason.REFUNDED_OUTSIDE: CancellationStatus.ENDED_BY_PAYMENT,
}


def on_cancel_request(order: Order, message: m.CancelRequest, at: datetime) -> None:
    """R2: an unpaid order closes at once. R7-R9: a paid one waits for the seller's answer, unless a number or
    a photo that the seller gave waits to be judged: that is the answer.
    """
    unpaid = order.status is Status.AWAITING_PAYMENT
    note = message.note or None
    order.cancellation = Cancellation(
        status=CancellationStatus.REQUESTED,
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
        Event.CANCELLATION_REQUESTED,
        Role.BUYER,
        reason=message.reason.value,
        complaint=message.complaint,
    )
    if unpaid:
        if message.complaint:
            order.notify(
                at, NotificationKind.UNPAID_COMPLAINT, reason=message.reason.value, note=note
            )
        order.close(at, message.name, CloseReason.BUYER_CANCELED_UNPAID, Role.BUYER)
        return
    is_answered = order.rules > 1 and order.existing_shipment.has_evidence_to_judge
    told = NotificationKind.CANCELLATION_REQUESTED
    if is_answered:
        told = NotificationKind.CANCELLATION_REQUESTED_AFTER_PROOF
        ask_for_proof(order, message.name, at)
    else:
        order.enter(message.name, Status.CANCELLATION_REQUESTED, at)
    order.notify(
        at,
        told,
        reason=message.reason.value,
        due_by=(at + order.policy.seller_reply_window).isoformat(),
        money=order.amount_paid.model_dump(mode="json"),
    )
    if message.complaint:
        open_dispute(order, at, DisputeReason.SELLER_COMPLAINT, Role.BUYER, message.note)


def on_cancel_withdrawal(order: Order, message: m.CancelWithdrawal, at: datetime) -> None:
    """R18, R20: the order awaits shipment again, and the time to ship stood still meanwhile."""
    cancellation, shipment = order.existing_cancellation, order.existing_shipment
    cancellation.end(CancellationStatus.WITHDRAWN, at)
    if order.rules > 1 and shipment.ship_by:
        shipment.ship_by += at - cancellation.requested_at
    order.happened(at, Event.CANCELLATION_WITHDRAWN, Role.BUYER)
    order.notify(at, NotificationKind.CANCELLATION_WITHDRAWN)
    if order.open_dispute:
        # The complaint came with the request, and the order awaits shipment again (R18).
        resolve(order, order.open_dispute, at, DisputeOutcome.WITHDRAWN, None)
    order.enter(message.name, Status.AWAITING_SHIPMENT, at)


def on_seller_reply(order: Order, message: m.SellerReply, at: datetime) -> None:
    """R9, R10, R13: the seller's answer."""
    cancellation = order.existing_cancellation
    cancellation.answered_at = at
    cancellation.answer_note = message.note
    order.happened(at, Event.SELLER_REPLIED, Role.SELLER, decision=message.decision)
    match message.decision:
        case "accept":
            order.close(at, message.name, CloseReason.SELLER_ACCEPTED, Role.SELLER)
        case "refuse":
            order.notify(at, NotificationKind.CANCELLATION_REFUSED)
            failed_proof(order, at, message.name, DisputeReason.SELLER_REFUSED)
        case "already_shipped":
            claim_shipped(order, message.name, at)
            if message.tracking_number:
                add_tracking(order, message.tracking_number, None, at)


def seller_reply_problem(order: Order, message: m.SellerReply) -> Refusal | None:
    """R9: a seller who has answered may still accept."""
    if order.status is Status.CANCELLATION_REQUESTED or message.decision == "accept":
        return None
    if order.status is Status.DISPUTED:
        return Refusal(
            RefusalCode.ALREADY_ANSWERED,
            sentence(
                "The cancellation request has ended in a dispute; all that the seller can still answer "
                "is to accept the cancellation."
            ),
        )
    return Refusal(
        RefusalCode.ALREADY_ANSWERED,
        sentence(
            "The seller has already answered that the goods are shipped; now proof is needed, "
            "or the cancellation can be accepted."
        ),
    )


def fault_of(reason: CancelReason) -> Fault:
    """R14: whose fault a cancellation for this reason is; ``none`` where nobody's is plain."""
    return _FAULTS.get(reason, Fault.NONE)


def end_cancellation(order: Order, at: datetime, reason: CloseReason) -> None:
    """R14: an order that closes ends its request; one that nobody paid or shipped cancels itself.

    The request that there was is kept. A seller who accepts late ends it anew (R9).
    """
    if reason in (CloseReason.PAYMENT_EXPIRED, CloseReason.SHIPMENT_EXPIRED):
        fault = Fault.BUYER if reason is CloseReason.PAYMENT_EXPIRED else Fault.SELLER
        order.cancellation = order.cancellation or Cancellation(
            status=CancellationStatus.BY_ITSELF,
            reason=None,
            fault=fault,
            fine=order.amount_due.of(0),
            requested_at=at,
        )
        order.cancellation.fault = fault
        order.cancellation.end(CancellationStatus.BY_ITSELF, at)
    elif (cancellation := order.cancellation) and (
        cancellation.ended_at is None or reason is CloseReason.SELLER_ACCEPTED
    ):
        cancellation.end(_ENDED_BY.get(reason, CancellationStatus.ENDED_BY_DISPUTE), at)
