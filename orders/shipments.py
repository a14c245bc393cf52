"""Shipping and its proof: tracking numbers, photos and scans, and what failed proof leads to
(R10-R13, R16a, R20a).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from orders import messages as m
from orders.disputes import DisputeReason, open_dispute
from orders.lifecycle import Deadline, Verdict
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.policy import OnFailedProof
from orders.sentence_fields import Text, WithSentences
from orders.status import Status
from orders.timeline import Event
from orders.tracking_numbers import TrackingVerdict
from orders.values import Instant, Mutable

if TYPE_CHECKING:
    from orders.order import Order


LONGEST_VERIFICATION: Final = timedelta(days=2)
"""R20: how long a number that is being verified holds the end of the time to ship."""


class TrackingStatus(StrEnum):
    """Where a tracking number is; one that rules cannot judge is judged by support, like a photo."""

    VERIFYING = "verifying"
    VALID = "valid"
    INVALID = "invalid"
    UNDER_REVIEW = "under_review"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LAPSED = "lapsed"

    @classmethod
    def verified(cls) -> frozenset[TrackingStatus]:
        """Those of a number that rules and carrier judge, and not support."""
        return frozenset({cls.VERIFYING, cls.VALID, cls.INVALID})


class ProofStatus(StrEnum):
    """Where a photo or scan is; one that nobody judged before the order's end has lapsed."""

    UNDER_REVIEW = "under_review"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LAPSED = "lapsed"


class ShipmentStatus(StrEnum):
    """Where the shipment of a paid order is."""

    AWAITED = "awaited"
    CLAIMED = "claimed"
    UNDER_VERIFICATION = "under_verification"
    SHIPPED = "shipped"
    EXPIRED = "expired"


class TrackingEvidence(WithSentences, Mutable):
    """R11: a tracking number that the seller gave, and what became of it.

    ``other_order_id`` is another seller's order that has the same number, for support alone to see.
    """

    number: str
    carrier: Text | None
    given_at: Instant
    judged_at: Instant | None = None
    status: TrackingStatus = TrackingStatus.VERIFYING
    reason: Text | None = None
    other_order_id: str | None = None
    note: str = ""

    @property
    def is_verifying(self) -> bool:
        """Whether its verdict is still to come."""
        return self.status is TrackingStatus.VERIFYING

    @property
    def is_under_review(self) -> bool:
        """Whether it waits for support."""
        return self.status is TrackingStatus.UNDER_REVIEW

    @property
    def about(self) -> dict[str, str]:
        """What it is, in details of what people are told."""
        return {"kind": "tracking_number", "number": self.number}

    def judge(self, at: datetime, *, accepted: bool, note: str) -> None:
        """Support's verdict."""
        self.status = TrackingStatus.ACCEPTED if accepted else TrackingStatus.REJECTED
        self.judged_at = at
        self.note = note

    def held_until(self, review: timedelta) -> datetime:
        """R20: until when it holds the time to ship, where support has ``review`` to judge it."""
        was_reviewed = self.status not in TrackingStatus.verified()
        longest = self.given_at + (review if was_reviewed else LONGEST_VERIFICATION)
        return min(self.judged_at or longest, longest)

    def lapse(self) -> None:
        """Nobody judges it any more."""
        self.status = TrackingStatus.LAPSED


class ProofEvidence(Mutable):
    """R11: a photo or scan that the seller gave, and support's verdict."""

    kind: Literal["photo", "postal_receipt"]
    reference: str
    media_type: str
    size: int
    sha256: str
    given_at: Instant
    judged_at: Instant | None = None
    status: ProofStatus = ProofStatus.UNDER_REVIEW
    note: str = ""

    @property
    def is_under_review(self) -> bool:
        """Whether it waits for support."""
        return self.status is ProofStatus.UNDER_REVIEW

    @property
    def about(self) -> dict[str, str]:
        """What it is, in details of what people are told."""
        return {"kind": self.kind}

    def judge(self, at: datetime, *, accepted: bool, note: str) -> None:
        """Support's verdict."""
        self.status = ProofStatus.ACCEPTED if accepted else ProofStatus.REJECTED
        self.judged_at = at
        self.note = note

    def held_until(self, review: timedelta) -> datetime:
        """R20: until when it holds the time to ship, where support has ``review`` to judge it."""
        longest = self.given_at + review
        return min(self.judged_at or longest, longest)

    def lapse(self) -> None:
        """Nobody judges it any more."""
        self.status = ProofStatus.LAPSED


class Shipment(Mutable):
    """From the end of the check on: whether it ships, by when it must, and every proof of it."""

    status: ShipmentStatus = ShipmentStatus.AWAITED
    ship_by: Instant | None
    paused_since: Instant | None = None
    """By the first rules, time in which a request or a dispute is open does not count against ``ship_by``."""
    shipped_at: Instant | None = None
    tracking: list[TrackingEvidence] = Field(default_factory=list)
    proofs: list[ProofEvidence] = Field(default_factory=list)

    @property
    def has_evidence_to_judge(self) -> bool:
        """Whether a number is being verified, or anything waits for support."""
        return bool(self.under_review) or any(it.is_verifying for it in self.tracking)

    @property
    def under_review(self) -> list[TrackingEvidence | ProofEvidence]:
        """The numbers, photos and scans that wait for support, longest first."""
        return sorted((it for it in self._given if it.is_under_review), key=lambda it: it.given_at)

    @property
    def _given(self) -> list[TrackingEvidence | ProofEvidence]:
        return [*self.tracking, *self.proofs]

    @property
    def is_shipped(self) -> bool:
        """Whether good proof of it came in."""
        return self.status is ShipmentStatus.SHIPPED

    @property
    def evidence(self) -> list[str]:
        """All that was given so far, as a dispute lists it."""
        return [
            *(f"tracking_number {it.number}: {it.status}" for it in self.tracking),
            *(f"{it.kind} {it.sha256}: {it.status}" for it in self.proofs),
        ]

    def update_status(self, *, proof_is_asked_for: bool) -> None:
        """Bring the status to what was given so far; what has shipped stays so."""
        if self.is_shipped:
            return
        if self.has_evidence_to_judge:
            self.status = ShipmentStatus.UNDER_VERIFICATION
        else:
            self.status = ShipmentStatus.CLAIMED if proof_is_asked_for else ShipmentStatus.AWAITED

    def expires_at(self, review: timedelta) -> datetime | None:
        """R20: when the order closes unshipped: evidence that waits holds it, a photo for ``review``."""
        if self.ship_by is None:
            return None
        return max([self.ship_by, *(it.held_until(review) for it in self._given)])

    def pause(self, at: datetime, *, runs: bool, is_over: bool) -> None:
        """The time to ship stands still, or ``runs`` on from where it stood still."""
        if runs and self.paused_since and self.ship_by:
            self.ship_by += at - self.paused_since
        self.paused_since = None if runs or is_over else (self.paused_since or at)

    def expire(self) -> None:
        """The order closes; what has shipped stays so."""
        if not self.is_shipped:
            self.status = ShipmentStatus.EXPIRED

    def lapse_proofs(self) -> None:
        """Nobody judges what is left of an order that is over."""
        for evidence in self.under_review:
            evidence.lapse()


def on_tracking_number(order: Order, message: m.TrackingNumber, at: datetime) -> None:
    """R11: the seller ships, or proves to have shipped; it is verified before it counts."""
    if order.status is Status.CANCELLATION_REQUESTED:
        claim_shipped(order, message.name, at)
    add_tracking(order, message.number, message.carrier, at)


def add_tracking(order: Order, number: str, carrier: str | None, at: datetime) -> None:
    """Note a tracking number to be verified (R11)."""
    shipment = order.existing_shipment
    shipment.tracking.append(TrackingEvidence(number=number, carrier=carrier, given_at=at))
    note_evidence(order)
    order.happened(at, Event.TRACKING_GIVEN, Role.SELLER, number=number)


_VERDICTS: Final = {
    Verdict.TRACKING_VALID: (TrackingStatus.VALID, Event.TRACKING_VALID),
    Verdict.TRACKING_INVALID: (TrackingStatus.INVALID, Event.TRACKING_INVALID),
    Verdict.TRACKING_UNKNOWN: (TrackingStatus.UNDER_REVIEW, Event.TRACKING_UNKNOWN),
}


def tracking_verdict(
    order: Order, evidence: TrackingEvidence, found: TrackingVerdict, at: datetime
) -> None:
    """R11, R12, R16a: what verifying a tracking number came to, judged by the status it finds now."""
    if not evidence.is_verifying:
        return
    order.handle_until(at)
    evidence.status, event = _VERDICTS[found.verdict]
    if not evidence.is_under_review:
        evidence.judged_at = at
    evidence.carrier = found.carrier or evidence.carrier
    evidence.reason, evidence.other_order_id = found.reason, found.other_order_id
    shipment = order.existing_shipment
    order.happened(at, event, Role.SYSTEM, number=evidence.number, reason=found.reason)
    if not order.is_open:
        shipment.lapse_proofs()
        return
    note_evidence(order)
    match found.verdict:
        case Verdict.TRACKING_VALID:
            if not shipment.is_shipped:
                ship(order, at, found.verdict, evidence)
        case Verdict.TRACKING_UNKNOWN:
            order.notify(
                at,
                NotificationKind.PROOF_TO_REVIEW,
                **evidence.about,
                reason=found.reason,
                other_order_id=found.other_order_id,
            )
        case Verdict.TRACKING_INVALID:
            order.notify(
                at,
                NotificationKind.TRACKING_INVALID,
                number=evidence.number,
                reason=found.reason,
                due_by=_better_proof_due(order),
            )
            if order.status is Status.PROOF_REQUESTED:
                failed_proof(order, at, found.verdict, DisputeReason.INVALID_TRACKING)


def on_shipment_proof(order: Order, message: m.ShipmentProof, at: datetime) -> None:
    """R10: a photo or a scan waits for support's verdict."""
    if order.status is Status.CANCELLATION_REQUESTED:
        claim_shipped(order, message.name, at)
    shipment = order.existing_shipment
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
    order.happened(at, Event.PROOF_GIVEN, Role.SELLER, kind=message.kind)
    order.notify(at, NotificationKind.PROOF_TO_REVIEW, kind=message.kind)


def on_proof_review(order: Order, message: m.ProofReview, at: datetime) -> None:
    """R11, R12: support accepts or rejects the photo, scan or number that waits longest."""
    shipment = order.existing_shipment
    evidence = shipment.under_review[0]
    evidence.judge(at, accepted=message.accepted, note=message.note)
    event = Event.PROOF_ACCEPTED if message.accepted else Event.PROOF_REJECTED
    note_evidence(order)
    order.happened(at, event, Role.SUPPORT, **evidence.about, note=message.note)
    if message.accepted:
        if not shipment.is_shipped:
            ship(order, at, message.name, evidence)
        return
    order.notify(
        at, NotificationKind.PROOF_REJECTED, note=message.note, due_by=_better_proof_due(order)
    )
    if order.status is Status.PROOF_REQUESTED:
        failed_proof(order, at, message.name, DisputeReason.PROOF_REJECTED)


def claim_shipped(order: Order, trigger: str, at: datetime) -> None:
    """R10: the seller says the goods are shipped; proof is asked for, and the 14 days run on."""
    ask_for_proof(order, trigger, at)
    ends_at = order.existing_cancellation.due_by
    due_by = ends_at.isoformat() if ends_at else None
    order.notify(at, NotificationKind.PROOF_REQUESTED, due_by=due_by)
    order.notify(at, NotificationKind.SHIPMENT_CLAIMED, due_by=due_by)


def ask_for_proof(order: Order, trigger: str, at: datetime) -> None:
    """R9, R10: the seller has answered that the goods are shipped, or has given evidence of it before."""
    order.existing_cancellation.claim_shipment(at)
    order.ground = None  # one left from an earlier request is not this one's
    order.enter(trigger, Status.PROOF_REQUESTED, at)
    note_evidence(order)
    order.happened(at, Event.PROOF_REQUESTED, Role.SYSTEM)


def failed_proof(order: Order, at: datetime, trigger: str, reason: DisputeReason) -> None:
    """R12, R13: a ground for a dispute; opened automatically or, by policy, offered to the buyer.

    The seller's refusal and the end of the 14 days end the request; a wrong number or a rejected photo
    with policy ``offer`` does not: the 14 days run on, and the seller may bring better proof.
    """
    already_open = order.open_dispute is not None
    offered = not already_open and order.policy.dispute_on_failed_proof is OnFailedProof.OFFER
    if offered:
        # The end of the 14 days finds one that was offered for a wrong number or a rejected photo.
        if order.ground is None or trigger != Deadline.NO_PROOF:
            order.happened(at, Event.DISPUTE_OFFERED, Role.SYSTEM, reason=reason.value)
            order.notify(at, NotificationKind.DISPUTE_OFFERED, reason=reason.value)
        order.ground = reason
        if trigger in (Verdict.TRACKING_INVALID, m.ProofReview.name):
            return
    order.existing_cancellation.refuse(at)
    if not offered and not already_open:
        open_dispute(order, at, reason, Role.SYSTEM)
        order.enter(trigger, Status.DISPUTED, at)
        return
    order.happened(at, Event.CANCELLATION_ENDED, Role.SYSTEM, reason=reason.value)
    if already_open:
        order.notify(at, NotificationKind.CANCELLATION_ENDED, reason=reason.value)
        order.enter(trigger, Status.DISPUTED, at)
    else:
        order.notify(at, NotificationKind.CANCELLATION_ENDED, Role.SELLER, reason=reason.value)
        order.enter(trigger, Status.AWAITING_SHIPMENT, at)
        note_evidence(order)


def _better_proof_due(order: Order) -> str | None:
    """R12: until when better proof can come before the request ends; None where nothing waits for it."""
    waits = (
        order.status is Status.PROOF_REQUESTED
        and order.open_dispute is None
        and order.policy.dispute_on_failed_proof is OnFailedProof.OFFER
    )
    due_by = order.existing_cancellation.due_by if waits else None
    return due_by.isoformat() if due_by else None


def note_evidence(order: Order) -> None:
    """Bring the shipment's status, and the evidence of an open dispute, to what was given so far."""
    shipment = order.existing_shipment
    if dispute := order.open_dispute:
        dispute.update_evidence(shipment.evidence)
    shipment.update_status(proof_is_asked_for=order.status is Status.PROOF_REQUESTED)


def on_shipment_extension(order: Order, message: m.ShipmentExtension, at: datetime) -> None:
    """R20a: the buyer gives the seller more days."""
    shipment = order.existing_shipment
    if shipment.ship_by is None:
        raise AssertionError("lifecycle lets only a limited window be extended")
    shipment.ship_by += timedelta(days=message.days)
    order.happened(at, Event.SHIPMENT_EXTENDED, Role.BUYER, days=message.days)
    order.notify(
        at,
        NotificationKind.SHIPMENT_EXTENDED,
        days=message.days,
        ship_by=shipment.ship_by.isoformat(),
    )


def ship(
    order: Order, at: datetime, trigger: str, evidence: TrackingEvidence | ProofEvidence
) -> None:
    """R11, R16a: good proof. The order counts as shipped, or stays in its dispute."""
    shipment = order.existing_shipment
    shipment.status = ShipmentStatus.SHIPPED
    shipment.shipped_at = at
    order.ground = None
    ended_request = order.cancellation is not None and order.cancellation.ended_at is None
    if order.cancellation:
        order.cancellation.end_by_shipment(at)
    order.happened(at, Event.SHIPPED, Role.SELLER)
    order.notify(
        at,
        NotificationKind.ORDER_SHIPPED,
        **evidence.about,
        carrier=evidence.carrier if isinstance(evidence, TrackingEvidence) else None,
        ended_request=ended_request or None,
        disputed=order.open_dispute is not None or None,
    )
    if order.open_dispute:
        order.enter(trigger, Status.DISPUTED, at)
    else:
        order.finish_shipped(trigger, at)
