"""Shipping and its proof: tracking numbers, photos and scans, and what failed proof leads to
(R10-R13, R16a, R20a).
"""

from datetime import datetime, timedelta

from orders import messages as m
from orders.closing import open_dispute, ship
from orders.lifecycle import enter
from orders.messages import Role
from orders.order import (
    Cancellation,
    DisputeReason,
    Order,
    ProofEvidence,
    Shipment,
    Status,
    TrackingEvidence,
)
from orders.policy import OnFailedProof


def on_tracking_number(order: Order, message: m.TrackingNumber, at: datetime) -> None:
    """R11: the seller ships, or proves to have shipped; it is verified before it counts."""
    if order.status is Status.CANCELLATION_REQUESTED:
        claim_shipped(order, message.name, at)
    add_tracking(order, message.number, message.carrier, at)


def add_tracking(order: Order, number: str, carrier: str | None, at: datetime) -> None:
    """Note a tracking number to be verified (R11)."""
    shipment = shipment_of(order)
    shipment.tracking.append(TrackingEvidence(number=number, carrier=carrier, given_at=at))
    note_evidence(order)
    order.happened(at, "tracking_given", Role.SELLER, number=number)


def tracking_verdict(
    order: Order,
    evidence: TrackingEvidence,
    valid: bool,
    carrier: str | None,
    reason: str | None,
    at: datetime,
) -> None:
    """R11, R12, R16a: what verifying a tracking number came to, judged by the status it finds now."""
    if evidence.status != "verifying":
        return
    evidence.status = "valid" if valid else "invalid"
    evidence.carrier = carrier or evidence.carrier
    evidence.reason = reason
    shipment = shipment_of(order)
    order.happened(
        at, f"tracking_{evidence.status}", Role.SYSTEM, number=evidence.number, reason=reason
    )
    if not order.is_open:
        return
    note_evidence(order)
    if not valid:
        order.tell(at, "tracking_invalid", Role.SELLER, number=evidence.number, reason=reason)
        if order.status is Status.PROOF_REQUESTED:
            failed_proof(order, at, "tracking_invalid", DisputeReason.INVALID_TRACKING)
    elif shipment.status != "shipped":
        ship(order, at, "tracking_valid")


def on_shipment_proof(order: Order, message: m.ShipmentProof, at: datetime) -> None:
    """R10: a photo or a scan waits for support's verdict."""
    if order.status is Status.CANCELLATION_REQUESTED:
        claim_shipped(order, message.name, at)
    shipment = shipment_of(order)
    shipment.proofs.append(
        ProofEvidence(
            kind=message.kind,
            reference=message.reference,
            media_type=message.media_type,
            size=message.size,
            sha256=message.sha256,
            given_at=at,
        )
    )
    note_evidence(order)
    order.happened(at, "proof_given", Role.SELLER, kind=message.kind)
    order.tell(at, "proof_to_review", Role.SUPPORT, kind=message.kind)


def on_proof_review(order: Order, message: m.ProofReview, at: datetime) -> None:
    """R11, R12: support accepts or rejects the proof that waits longest."""
    shipment = shipment_of(order)
    proof = next(p for p in shipment.proofs if p.status == "under_review")
    proof.status = "accepted" if message.accepted else "rejected"
    proof.note = message.note
    note_evidence(order)
    order.happened(at, f"proof_{proof.status}", Role.SUPPORT, kind=proof.kind, note=message.note)
    if message.accepted:
        if shipment.status != "shipped":
            ship(order, at, message.name)
        return
    order.tell(at, "proof_rejected", Role.SELLER, note=message.note)
    if order.status is Status.PROOF_REQUESTED:
        failed_proof(order, at, message.name, DisputeReason.PROOF_REJECTED)


def claim_shipped(order: Order, trigger: str, at: datetime) -> None:
    """R10: the seller says the goods are shipped; proof is asked for, and the 14 days run on."""
    cancellation = cancellation_of(order)
    cancellation.status = "shipment_claimed"
    cancellation.answered_at = at
    order.ground = None  # one left from an earlier request is not this one's
    enter(order, trigger, Status.PROOF_REQUESTED, at)
    note_evidence(order)
    order.happened(at, "proof_requested", Role.SYSTEM)
    due_by = cancellation.due_by.isoformat() if cancellation.due_by else None
    order.tell(at, "proof_requested", Role.SELLER, due_by=due_by)
    order.tell(at, "shipment_claimed", Role.BUYER, due_by=due_by)


def failed_proof(order: Order, at: datetime, trigger: str, reason: DisputeReason) -> None:
    """R12, R13: a ground for a dispute; opened by itself or, by policy, offered to the buyer.

    The seller's refusal and the end of the 14 days end the request; a wrong number or a rejected photo
    with policy ``offer`` does not: the 14 days run on, and the seller may bring better proof.
    """
    already_open = order.open_dispute is not None
    offered = not already_open and order.policy.dispute_on_failed_proof is OnFailedProof.OFFER
    if offered:
        order.ground = reason
        order.happened(at, "dispute_offered", Role.SYSTEM, reason=reason.value)
        order.tell(at, "dispute_offered", Role.BUYER, reason=reason.value)
        if trigger in ("tracking_invalid", "proof_review"):
            return
    cancellation = cancellation_of(order)
    cancellation.status = "refused"
    cancellation.ended_at = at
    if not offered and not already_open:
        open_dispute(order, at, reason, Role.SYSTEM)
        enter(order, trigger, Status.DISPUTED, at)
        return
    order.happened(at, "cancellation_ended", Role.SYSTEM, reason=reason.value)
    if already_open:
        order.tell(at, "cancellation_ended", Role.BUYER, Role.SELLER, reason=reason.value)
        enter(order, trigger, Status.DISPUTED, at)
    else:
        order.tell(at, "cancellation_ended", Role.SELLER, reason=reason.value)
        enter(order, trigger, Status.AWAITING_SHIPMENT, at)
        note_evidence(order)


def note_evidence(order: Order) -> None:
    """Bring the shipment's status, and the evidence of an open dispute, to what was given so far."""
    shipment = shipment_of(order)
    if dispute := order.open_dispute:
        dispute.evidence = shipment.evidence
    if shipment.status == "shipped":
        return
    if shipment.has_evidence_to_judge:
        shipment.status = "under_verification"
    else:
        shipment.status = "claimed" if order.status is Status.PROOF_REQUESTED else "awaited"


def on_shipment_extension(order: Order, message: m.ShipmentExtension, at: datetime) -> None:
    """R20a: the buyer gives the seller more days."""
    shipment = shipment_of(order)
    if shipment.ship_by is None:
        raise AssertionError("lifecycle lets only a limited window be extended")
    shipment.ship_by += timedelta(days=message.days)
    order.happened(at, "shipment_extended", Role.BUYER, days=message.days)
    order.tell(
        at,
        "shipment_extended",
        Role.SELLER,
        days=message.days,
        ship_by=shipment.ship_by.isoformat(),
    )


def cancellation_of(order: Order) -> Cancellation:
    """The cancellation of an order that has one."""
    if order.cancellation is None:
        raise AssertionError(f"{order.status} has a cancellation")
    return order.cancellation


def shipment_of(order: Order) -> Shipment:
    """The shipment of an order that has been paid."""
    if order.shipment is None:
        raise AssertionError(f"{order.status} has a shipment")
    return order.shipment
