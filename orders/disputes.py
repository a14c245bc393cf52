"""Disputes: opened, dropped, settled between the two, and decided (R8, R12, R16-R16b)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import Field

from orders import keys
from orders import messages as m
from orders.allocation import refund_due
from orders.errors import Refusal, RefusalCode
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import Offer, OfferKind, OfferStatus, lapse_offers, open_offer
from orders.sentences import sentence
from orders.status import CloseReason, Status
from orders.stored_files import StoredFile
from orders.timeline import Event
from orders.values import Instant, Money, Mutable

if TYPE_CHECKING:
    from orders.order import Order
    from orders.shipments import Shipment


class DisputeReason(StrEnum):
    """R8, R12, R13: what a dispute is about."""

    SELLER_COMPLAINT = "seller_complaint"
    SELLER_REFUSED = "seller_refused"
    NO_PROOF = "no_proof"
    INVALID_TRACKING = "invalid_tracking"
    PROOF_REJECTED = "proof_rejected"
    BUYER_REQUEST = "buyer_request"


class DisputeOutcome(StrEnum):
    """How a dispute ended."""

    BUYER_FAVOUR = "resolved_buyer_favour"
    SELLER_FAVOUR = "resolved_seller_favour"
    PAYOUT = "resolved_with_payout"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    SETTLED_BY_CANCELLATION = "settled_by_cancellation"


class DisputeStatus(StrEnum):
    """Where a dispute is; ``under_review`` once those who decide disputes have the case."""

    OPEN = "open"
    UNDER_REVIEW = "under_review"
    RESOLVED = "resolved"


class DisputeFile(StoredFile):
    """R16: a photo or document that the buyer gave, and what it shows in their words."""

    given_at: Instant
    note: str = ""


class Dispute(Mutable):
    """A case for support; it ends automatically at ``due_by`` (R16b).

    ``evidence`` lists all that both sides gave, ``files`` has the buyer's.
    """

    dispute_id: str
    status: DisputeStatus = DisputeStatus.OPEN
    reason: DisputeReason
    note: str = ""
    outcome: DisputeOutcome | None = None
    outcome_note: str = ""
    awarded: Money | None = None
    opened_at: Instant
    due_by: Instant
    resolved_at: Instant | None = None
    evidence: list[str] = Field(default_factory=list)
    files: list[DisputeFile] = Field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its end."""
        return self.status is not DisputeStatus.RESOLVED

    def update_evidence(self, of_seller: list[str]) -> None:
        """Bring the evidence to what both sides gave so far."""
        of_buyer = [f"dispute_evidence {it.sha256}" for it in self.files]
        self.evidence = [*of_seller, *of_buyer]

    @property
    def fingerprint(self) -> str:
        """What the dispute system must know of it; its having accepted the case is not part of that."""
        return f"{self.outcome} {'; '.join(self.evidence)}"


_ENDED_BY: Final = {
    CloseReason.DISPUTE_FULL_REFUND: DisputeOutcome.BUYER_FAVOUR,
    CloseReason.DISPUTE_PARTIAL_REFUND: DisputeOutcome.PAYOUT,
    CloseReason.DISPUTE_NO_REFUND: DisputeOutcome.SELLER_FAVOUR,
    CloseReason.DISPUTE_SETTLED: DisputeOutcome.SETTLED,
    CloseReason.CHARGED_BACK: DisputeOutcome.BUYER_FAVOUR,
    CloseReason.PAYMENT_REVERSED: DisputeOutcome.BUYER_FAVOUR,
    CloseReason.REFUNDED_OUTSIDE: DisputeOutcome.BUYER_FAVOUR,
}


def on_dispute_request(order: Order, message: m.DisputeRequest, at: datetime) -> None:
    """R12: the buyer opens a dispute, beside the request or for the ground there is.

    One that was offered ends the request, as it would have if policy had opened it.
    """
    is_offered = order.ground is not None
    open_dispute(order, at, order.ground or DisputeReason.BUYER_REQUEST, Role.BUYER, message.note)
    if order.status is Status.AWAITING_SHIPMENT:
        order.enter(message.name, Status.DISPUTED, at)
    elif is_offered and order.rules > 1:
        order.existing_cancellation.refuse(at)
        order.enter(message.name, Status.DISPUTED, at)


def on_dispute_evidence(order: Order, message: m.DisputeEvidence, at: datetime) -> None:
    """R16: the buyer's photo or document, for seller and support to see."""
    dispute = order.open_dispute
    if dispute is None:
        raise AssertionError("lifecycle takes evidence only for an open dispute")
    given = message.model_dump(include=set(DisputeFile.model_fields))
    dispute.files.append(DisputeFile(**given, given_at=at))
    dispute.update_evidence(order.existing_shipment.evidence)
    order.happened(at, Event.EVIDENCE_GIVEN, Role.BUYER)
    order.notify(at, NotificationKind.EVIDENCE_GIVEN, note=message.note)


def on_dispute_withdrawal(order: Order, message: m.DisputeWithdrawal, at: datetime) -> None:
    """R16b: the buyer drops it; the order goes on where it stood."""
    dispute = order.open_dispute
    if dispute is None:
        raise AssertionError("lifecycle lets only an open dispute be dropped")
    order.happened(at, Event.DISPUTE_WITHDRAWN, Role.BUYER, note=message.note)
    shipment = order.existing_shipment
    goes_on = order.status is Status.DISPUTED and not shipment.is_shipped
    resolve(
        order, dispute, at, DisputeOutcome.WITHDRAWN, None, message.note, awaits_shipment=goes_on
    )
    if goes_on:
        _await_shipment_again(order, message.name, at)
    elif order.status is Status.DISPUTED:
        order.finish_shipped(message.name, at)


def on_dispute_decision(order: Order, message: m.DisputeDecision, at: datetime) -> None:
    """R16, R16a: support decides, and the order closes; goods that did not ship are to be shipped again when
    the claim is turned down.
    """
    order.happened(
        at,
        Event.DISPUTE_DECIDED,
        Role.SUPPORT,
        decision=message.decision,
        money=message.money.model_dump(mode="json") if message.money else None,
        note=message.note,
    )
    dispute = order.open_dispute
    if dispute is None:
        raise AssertionError("lifecycle lets only an open dispute be decided")
    if message.decision == "no_refund" and turns_claim_down(order):
        outcome, nothing = DisputeOutcome.SELLER_FAVOUR, order.amount_paid.of(0)
        resolve(order, dispute, at, outcome, nothing, message.note, awaits_shipment=True)
        if order.existing_cancellation.end_by_dispute(at):
            order.happened(at, Event.CANCELLATION_ENDED, Role.SYSTEM, reason=outcome.value)
        _await_shipment_again(order, message.name, at)
        return
    reason, back = {
        "full_refund": (CloseReason.DISPUTE_FULL_REFUND, order.amount_paid),
        "partial_refund": (CloseReason.DISPUTE_PARTIAL_REFUND, message.money),
        "no_refund": (CloseReason.DISPUTE_NO_REFUND, order.amount_paid.of(0)),
    }[message.decision]
    order.close(
        at,
        message.name,
        reason,
        Role.SUPPORT,
        to_buyer=back,
        note=message.note,
    )


class _Disputed(Protocol):
    """An order, or its view."""

    @property
    def rules(self) -> int: ...
    @property
    def shipment(self) -> Shipment | None: ...


def turns_claim_down(order: _Disputed) -> bool:
    """R16a: whether ``no_refund`` leaves the order open, as its goods have not shipped; by the first rules it
    closes.
    """
    return order.rules > 1 and not (order.shipment and order.shipment.is_shipped)


def _await_shipment_again(order: Order, trigger: str, at: datetime) -> None:
    order.enter(trigger, Status.AWAITING_SHIPMENT, at)
    order.existing_shipment.update_status(proof_is_asked_for=False)


def dispute_decision_problem(order: Order, message: m.DisputeDecision) -> Refusal | None:
    """R16: a partial refund is less than the whole."""
    if message.money is None or (
        message.money.currency == order.amount_paid.currency
        and message.money.amount < order.amount_paid.amount
    ):
        return None
    return Refusal(
        RefusalCode.WRONG_AMOUNT,
        sentence(
            "A partial refund must be less than what was paid ({paid}); to refund all of it, "
            "choose “Full refund”.",
            paid=order.amount_paid,
        ),
    )


def on_settlement_offer(order: Order, message: m.SettlementOffer, at: datetime) -> None:
    """R16b: the seller offers an amount; it replaces an earlier offer."""
    lapse_offers(order, OfferKind.SETTLEMENT)
    offer = Offer(
        offer_id=keys.offer_id(order.count("offer")),
        kind=OfferKind.SETTLEMENT,
        money=message.money,
        text=message.note,
        offered_at=at,
    )
    order.offers.append(offer)
    money = message.money.model_dump(mode="json")
    order.happened(at, Event.SETTLEMENT_OFFERED, Role.SELLER, offer_id=offer.offer_id, money=money)
    order.notify(at, NotificationKind.SETTLEMENT_OFFERED, offer_id=offer.offer_id, money=money)


def settlement_offer_problem(order: Order, message: m.SettlementOffer) -> Refusal | None:
    """R16b: at most what was paid can go back."""
    if (
        message.money.currency == order.amount_paid.currency
        and message.money.amount <= order.amount_paid.amount
    ):
        return None
    return Refusal(
        RefusalCode.WRONG_AMOUNT,
        sentence("At most the amount paid can be refunded: {paid}.", paid=order.amount_paid),
    )


def on_settlement_acceptance(order: Order, message: m.SettlementAcceptance, at: datetime) -> None:
    """R16b: the buyer accepts; the order closes with that amount back."""
    offer = open_offer(order, message.offer_id, {OfferKind.SETTLEMENT})
    offer.status = OfferStatus.ACCEPTED
    order.happened(at, Event.SETTLEMENT_ACCEPTED, Role.BUYER, offer_id=offer.offer_id)
    order.close(
        at,
        message.name,
        CloseReason.DISPUTE_SETTLED,
        Role.BUYER,
        to_buyer=offer.money,
    )


def open_dispute(
    order: Order, at: datetime, reason: DisputeReason, by: Role, note: str = ""
) -> None:
    """R8, R12, R13: open a dispute. It is decided within R16b's window."""
    order.ground = None
    files = []
    if order.dispute:
        order.earlier_disputes.append(order.dispute)
        files = order.dispute.files
    order.dispute = Dispute(
        dispute_id=keys.dispute_id(order.placed.order_id, order.count("dispute")),
        reason=reason,
        note=note,
        opened_at=at,
        due_by=at + order.policy.dispute_window,
        files=[*files],
    )
    order.dispute.update_evidence(order.shipment.evidence if order.shipment else [])
    order.happened(at, Event.DISPUTE_OPENED, by, reason=reason.value)
    order.notify(
        at,
        NotificationKind.DISPUTE_OPENED,
        reason=reason.value,
        due_by=order.dispute.due_by.isoformat(),
        money=order.amount_paid.model_dump(mode="json"),
    )


def end_dispute(order: Order, at: datetime, reason: CloseReason, awarded: Money, note: str) -> None:
    """R16: an order that closes ends its dispute, in a way that follows from why it closes."""
    if dispute := order.open_dispute:
        outcome = _ENDED_BY.get(reason, DisputeOutcome.SETTLED_BY_CANCELLATION)
        resolve(order, dispute, at, outcome, awarded, note)


def resolve(
    order: Order,
    dispute: Dispute,
    at: datetime,
    outcome: DisputeOutcome,
    awarded: Money | None,
    note: str = "",
    *,
    awaits_shipment: bool = False,
) -> None:
    """End a dispute; ``note`` is in the words of whoever ended it."""
    dispute.status = DisputeStatus.RESOLVED
    dispute.outcome = outcome
    dispute.outcome_note = note
    dispute.awarded = awarded
    dispute.resolved_at = at
    lapse_offers(order, OfferKind.SETTLEMENT)
    order.happened(at, Event.DISPUTE_RESOLVED, Role.SYSTEM, outcome=outcome.value)
    order.notify(
        at,
        NotificationKind.DISPUTE_RESOLVED,
        outcome=outcome.value,
        note=note,
        money=refund_due(order),
        paid=order.amount_paid.model_dump(mode="json"),
        awaits_shipment=awaits_shipment or None,
    )
