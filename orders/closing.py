"""Endings: closing an order, shipping it, and where the money goes then (R14-R17, R23).

The money rule in one place: an order that is over owes the buyer ``to_buyer`` in all. What has not come
back yet, by refund or by chargeback, is refunded out of what is held; the rest is the seller's. While a
chargeback is undecided nothing is paid, so the same money never leaves twice.
"""

from datetime import datetime
from typing import Literal

from orders.lifecycle import enter
from orders.messages import CancelReason, ChargebackReported, RefundStatus, Role
from orders.order import (
    Cancellation,
    CloseReason,
    Dispute,
    DisputeOutcome,
    DisputeReason,
    Fault,
    Order,
    Refund,
    Status,
)
from orders.values import Money

_FAULTS = {
    CancelReason.CHANGED_MIND: Fault.BUYER,
    CancelReason.ORDER_MISTAKE: Fault.BUYER,
    CancelReason.DUPLICATE_ORDER: Fault.BUYER,
    CancelReason.FOUND_CHEAPER_PRICE: Fault.BUYER,
    CancelReason.ADDRESS_ISSUES: Fault.BUYER,
    CancelReason.WONT_ARRIVE_IN_TIME: Fault.SELLER,
    CancelReason.SELLER_UNREACHABLE: Fault.SELLER,
    CancelReason.OUT_OF_STOCK: Fault.SELLER,
}

_CANCELLATION_ENDS: dict[CloseReason, Literal["accepted", "no_response", "ended_by_chargeback"]] = {
    CloseReason.BUYER_CANCELED_UNPAID: "accepted",
    CloseReason.SELLER_ACCEPTED: "accepted",
    CloseReason.SELLER_NO_RESPONSE: "no_response",
    CloseReason.CHARGED_BACK: "ended_by_chargeback",
}

_BOTH_PARTIES = (Role.BUYER, Role.SELLER)


def fault_of(reason: CancelReason) -> Fault:
    """R14: whose fault a cancellation for this reason is; ``none`` where nobody's is plain."""
    return _FAULTS.get(reason, Fault.NONE)


def close(
    order: Order,
    at: datetime,
    trigger: str,
    reason: CloseReason,
    by: Role,
    *,
    to_buyer: Money | None = None,
    outcome: DisputeOutcome = DisputeOutcome.SETTLED_BY_CANCELLATION,
    note: str = "",
) -> None:
    """Close the order (R14): all the money goes back to the buyer unless ``to_buyer`` says less.

    Whichever of cancellation and dispute ends it settles the other (R16): ``outcome`` and ``note`` are the
    dispute's.
    """
    enter(order, trigger, Status.CLOSED, at)
    order.close_reason = reason
    order.closed_at = at
    order.to_buyer = to_buyer if to_buyer is not None else order.amount_paid
    if order.shipment and order.shipment.status != "shipped":
        order.shipment.status = "expired"
    if order.dispute and order.dispute.is_open:
        resolve(order, order.dispute, at, outcome, order.to_buyer, note)
    _lapse_proofs(order)
    _end_cancellation(order, at, reason)
    lapse_offers(order, "discount", "bonus", "settlement")
    order.happened(at, "closed", by, reason=reason.value)
    order.tell(at, "order_closed", *_BOTH_PARTIES, reason=reason.value)
    settle_money(order, at)


def ship(order: Order, at: datetime, trigger: str) -> None:
    """R11, R16a: good proof. The order counts as shipped, or stays in its dispute."""
    shipment = order.shipment
    if shipment is None:
        raise AssertionError("an order without a payment has no shipment")
    shipment.status = "shipped"
    shipment.shipped_at = at
    order.ground = None
    if order.cancellation and order.cancellation.ended_at is None:
        order.cancellation.status = "ended_by_shipment"
        order.cancellation.ended_at = at
    order.happened(at, "shipped", Role.SELLER)
    order.tell(at, "order_shipped", *_BOTH_PARTIES)
    if order.open_dispute:
        enter(order, trigger, Status.DISPUTED, at)
    else:
        finish_shipped(order, trigger, at)


def finish_shipped(order: Order, trigger: str, at: datetime) -> None:
    """R11, R16b: shipped, with nothing left to decide: the money is the seller's."""
    enter(order, trigger, Status.SHIPPED, at)
    _lapse_proofs(order)
    order.to_buyer = order.amount_paid.of(0)
    settle_money(order, at)


def resolve(
    order: Order,
    dispute: Dispute,
    at: datetime,
    outcome: DisputeOutcome,
    awarded: Money | None,
    note: str = "",
) -> None:
    """End a dispute; ``note`` is in the words of whoever ended it."""
    dispute.status = "resolved"
    dispute.outcome = outcome
    dispute.outcome_note = note
    dispute.awarded = awarded
    dispute.resolved_at = at
    lapse_offers(order, "settlement")
    order.happened(at, "dispute_resolved", Role.SYSTEM, outcome=outcome.value)
    order.tell(
        at,
        "dispute_resolved",
        Role.BUYER,
        Role.SELLER,
        Role.SUPPORT,
        outcome=outcome.value,
        note=note,
    )


def open_dispute(
    order: Order, at: datetime, reason: DisputeReason, by: Role, note: str = ""
) -> None:
    """R8, R12, R13: open a dispute. It is decided within R16b's window."""
    order.ground = None
    if order.dispute:
        order.earlier_disputes.append(order.dispute)
    order.dispute = Dispute(
        dispute_id=f"{order.placed.order_id}-dispute-{order.count('dispute')}",
        reason=reason,
        note=note,
        opened_at=at,
        due_by=at + order.policy.dispute_window,
        evidence=order.shipment.evidence if order.shipment else [],
    )
    order.happened(at, "dispute_opened", by, reason=reason.value)
    order.tell(at, "dispute_opened", Role.BUYER, Role.SELLER, Role.SUPPORT, reason=reason.value)


def _lapse_proofs(order: Order) -> None:
    for proof in order.shipment.proofs if order.shipment else ():
        if proof.status == "under_review":
            proof.status = "lapsed"


def lapse_offers(order: Order, *kinds: str) -> None:
    """Close the offers of these kinds that nobody has accepted."""
    for offer in order.offers:
        if offer.kind in kinds and offer.status == "open":
            offer.status = "lapsed"


def settle_money(order: Order, at: datetime) -> None:
    """Send what is held for an order that is over where it belongs; nothing while a chargeback is open.

    What is held then for the part that the bank did not take waits too, and support is reminded of it: the
    bank may still take more (R23).
    """
    if order.to_buyer is None or order.open_chargeback or order.payment is None:
        return
    held = -order.books.of("held")
    owed = order.to_buyer.amount - order.amount_refunded.amount - order.amount_charged_back.amount
    back = min(max(owed, 0), held)
    if back:
        _start_refund(order, at, back)
    if rest := held - back:
        order.post(at, f"seller-credited-{order.count('credit')}", held=rest, seller=-rest)
        order.revision += 1


def _start_refund(order: Order, at: datetime, amount: int) -> None:
    payment = order.payment
    if payment is None or order.closed_at is None:
        raise AssertionError("only a paid order that is closed refunds")
    number = order.count("refund")
    order.post(at, f"refund-{number}-decided", held=amount, refunds=-amount)
    order.refund = Refund(
        refund_id=f"{order.placed.order_id}-refund-{number}",
        payment_id=payment.payment_id,
        money=order.amount_paid.of(amount),
        method=payment.method,
        # From closing; from the bank's decision where that comes later.
        due_by=at + order.policy.refund_window,
        requested_at=at,
    )
    money = order.refund.money.model_dump(mode="json")
    order.happened(at, "refund_started", Role.SYSTEM, money=money)
    order.tell(
        at,
        "refund_started",
        Role.BUYER,
        money=money,
        method=payment.method,
        due_by=order.refund.due_by.isoformat(),
    )


def refund_news(
    order: Order, refund: Refund, status: RefundStatus, reason: str, at: datetime
) -> None:
    """R14, R15, R23: what the provider, or support, says of a refund; the same again changes nothing."""
    if repeats(refund, status):
        return
    stopped, is_known = stops(refund, status), is_known_to_fail(refund, reason)
    refund.status = status
    refund.failure_reason = None if status is RefundStatus.SUCCEEDED else (reason or None)
    order.happened(
        at, f"refund_{status.value}", Role.PROVIDER, refund_id=refund.refund_id, reason=reason
    )
    amount = refund.money.amount
    if status is RefundStatus.SUCCEEDED:
        refund.settled_at = at
        refund.stopping = False
        _take_out(order, at, refund)
        order.amount_refunded = order.amount_refunded.of(order.amount_refunded.amount + amount)
        order.tell(
            at,
            "refund_succeeded",
            Role.BUYER,
            Role.SELLER,
            money=refund.money.model_dump(mode="json"),
        )
    elif stopped:
        refund.stopping = False
        order.post(at, f"{_step(refund)}-stopped", refunds=amount, held=-amount)
        order.earlier_refunds.append(refund)
        order.refund = None
        order.tell(at, "refund_stopped", Role.BUYER, money=refund.money.model_dump(mode="json"))
        settle_money(order, at)
    elif status is not RefundStatus.PENDING and refund is order.refund and not is_known:
        order.tell(at, "refund_failed", Role.BUYER, Role.SUPPORT, reason=reason)


def repeats(refund: Refund, status: RefundStatus) -> bool:
    """Whether this is no news of the refund; what failed does not become pending again, so that is old."""
    is_old = status is RefundStatus.PENDING and refund.status in (
        RefundStatus.FAILED,
        RefundStatus.CANCELED,
    )
    is_same = refund.status is status and not stops(refund, status)
    return refund.is_settled or is_old or is_same


def is_known_to_fail(refund: Refund, reason: str) -> bool:
    """Whether people have been told that this refund does not come by itself, and why: once is enough.

    A refund that waited for the buyer may fail, and one that failed be canceled.
    """
    has_failed = refund.status not in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    return has_failed and (refund.failure_reason or "") == reason


def stops(refund: Refund, status: RefundStatus) -> bool:
    """R23: whether this news says that the refund, which is being stopped, will not be paid.

    One that had failed before is answered the same again, and that is news then.
    """
    return refund.stopping and status in (RefundStatus.CANCELED, RefundStatus.FAILED)


def must_be_stopped(refund: Refund, message: ChargebackReported, taken: int) -> bool:
    """R23: whether this chargeback's news ends the refund: the bank has ``taken`` the same money back.

    So does one that is won, of a refund that has failed: a disputed payment's is refused, and by its own
    news alone it would never go. Its money goes by another one.
    """
    has_failed = refund.status in (RefundStatus.CANCELED, RefundStatus.FAILED)
    return not refund.is_settled and (taken > 0 or (has_failed and message.status == "won"))


def _take_out(order: Order, at: datetime, refund: Refund) -> None:
    amount = refund.money.amount
    if refund is order.refund:
        order.post(at, f"{_step(refund)}-settled", refunds=amount, cash=-amount)
        return
    # A refund that was stopped for a chargeback succeeded after all: it is accounted for out of what is
    # held, and what is not held any more the seller owes (R23).
    held = min(amount, -order.books.of("held"))
    order.post(at, f"{_step(refund)}-settled", held=held, seller=amount - held, cash=-amount)
    if order.refund and not order.refund.is_settled:
        order.refund.stopping = True  # it is the same money's second way back
    order.tell(at, "refund_after_chargeback", Role.SUPPORT, refund_id=refund.refund_id)


def _step(refund: Refund) -> str:
    return f"refund-{refund.refund_id.rsplit('-', 1)[-1]}"


def is_over(order: Order) -> bool:
    """Whether nothing about the order is left to happen: it closed or shipped, and its money is settled."""
    return (
        not order.is_open
        and order.open_chargeback is None
        and (order.refund is None or order.refund.is_settled)
    )


def _end_cancellation(order: Order, at: datetime, reason: CloseReason) -> None:
    cancellation = order.cancellation
    if reason in (CloseReason.PAYMENT_EXPIRED, CloseReason.SHIPMENT_EXPIRED):
        order.cancellation = Cancellation(
            status="by_itself",
            reason=None,
            fault=Fault.BUYER if reason is CloseReason.PAYMENT_EXPIRED else Fault.SELLER,
            fine=order.amount_due.of(0),
            requested_at=at,
            ended_at=at,
        )
    elif cancellation and cancellation.ended_at is None:
        cancellation.ended_at = at
        cancellation.status = _CANCELLATION_ENDS.get(reason, "ended_by_dispute")
