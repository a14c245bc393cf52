"""Disputes: opened, dropped, settled between the two, and decided (R8, R12, R16-R16b)."""

from datetime import datetime

from orders import messages as m
from orders.closing import close, finish_shipped, open_dispute, resolve
from orders.errors import RefusalCode
from orders.lifecycle import Problem, enter
from orders.messages import Role
from orders.offers import open_offer
from orders.order import (
    CloseReason,
    DisputeOutcome,
    DisputeReason,
    Offer,
    Order,
    Status,
)
from orders.sentences import sentence
from orders.shipments import note_evidence, shipment_of


def on_dispute_request(order: Order, message: m.DisputeRequest, at: datetime) -> None:
    """R12: the buyer opens a dispute, for the ground there is."""
    open_dispute(order, at, order.ground or DisputeReason.BUYER_REQUEST, Role.BUYER, message.note)
    if order.status is Status.AWAITING_SHIPMENT:
        enter(order, message.name, Status.DISPUTED, at)


def on_dispute_withdrawal(order: Order, message: m.DisputeWithdrawal, at: datetime) -> None:
    """R16b: the buyer drops it; the order goes on where it stood."""
    dispute = order.open_dispute
    if dispute is None:
        raise AssertionError("lifecycle lets only an open dispute be dropped")
    order.happened(at, "dispute_withdrawn", Role.BUYER, note=message.note)
    resolve(order, dispute, at, DisputeOutcome.WITHDRAWN, None, message.note)
    if order.status is not Status.DISPUTED:
        return
    if shipment_of(order).status == "shipped":
        finish_shipped(order, message.name, at)
    else:
        enter(order, message.name, Status.AWAITING_SHIPMENT, at)
        note_evidence(order)


def on_dispute_decision(order: Order, message: m.DisputeDecision, at: datetime) -> None:
    """R16: support decides, and the order closes."""
    order.happened(
        at,
        "dispute_decided",
        Role.SUPPORT,
        decision=message.decision,
        money=message.money.model_dump(mode="json") if message.money else None,
        note=message.note,
    )
    reason, outcome, back = {
        "full_refund": (
            CloseReason.DISPUTE_FULL_REFUND,
            DisputeOutcome.BUYER_FAVOUR,
            order.amount_paid,
        ),
        "partial_refund": (
            CloseReason.DISPUTE_PARTIAL_REFUND,
            DisputeOutcome.PAYOUT,
            message.money,
        ),
        "no_refund": (
            CloseReason.DISPUTE_NO_REFUND,
            DisputeOutcome.SELLER_FAVOUR,
            order.amount_paid.of(0),
        ),
    }[message.decision]
    close(
        order,
        at,
        message.name,
        reason,
        Role.SUPPORT,
        to_buyer=back,
        outcome=outcome,
        note=message.note,
    )


def dispute_decision_problem(order: Order, message: m.DisputeDecision) -> Problem:
    """R16: a partial refund is less than the whole."""
    if message.money is None or (
        message.money.currency == order.amount_paid.currency
        and message.money.amount < order.amount_paid.amount
    ):
        return None
    return (
        RefusalCode.WRONG_AMOUNT,
        sentence(
            "A partial refund must be less than what was paid ({paid}); decide full_refund to give it "
            "all back.",
            paid=order.amount_paid,
        ),
    )


def on_settlement_offer(order: Order, message: m.SettlementOffer, at: datetime) -> None:
    """R16b: the seller offers an amount; it replaces an earlier offer."""
    for other in order.offers:
        if other.kind == "settlement" and other.status == "open":
            other.status = "lapsed"
    offer = Offer(
        offer_id=f"offer-{order.count('offer')}",
        kind="settlement",
        money=message.money,
        text=message.note,
        offered_at=at,
    )
    order.offers.append(offer)
    money = message.money.model_dump(mode="json")
    order.happened(at, "settlement_offered", Role.SELLER, offer_id=offer.offer_id, money=money)
    order.tell(at, "settlement_offered", Role.BUYER, offer_id=offer.offer_id, money=money)


def settlement_offer_problem(order: Order, message: m.SettlementOffer) -> Problem:
    """R16b: at most what was paid can go back."""
    if (
        message.money.currency == order.amount_paid.currency
        and message.money.amount <= order.amount_paid.amount
    ):
        return None
    return (
        RefusalCode.WRONG_AMOUNT,
        sentence("At most what was paid can go back: {paid}.", paid=order.amount_paid),
    )


def on_settlement_acceptance(order: Order, message: m.SettlementAcceptance, at: datetime) -> None:
    """R16b: the buyer accepts; the order closes with that amount back."""
    offer = open_offer(order, message.offer_id, "settlement")
    offer.status = "accepted"
    order.happened(at, "settlement_accepted", Role.BUYER, offer_id=offer.offer_id)
    close(
        order,
        at,
        message.name,
        CloseReason.DISPUTE_SETTLED,
        Role.BUYER,
        to_buyer=offer.money,
        outcome=DisputeOutcome.SETTLED,
    )
