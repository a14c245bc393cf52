"""The order: what was placed, and everything that has come of it, as one model.

The sub-objects are the ones the contract's ``OrderView`` shows, so the view copies and never converts.
Nothing here decides; ``orders.lifecycle`` says what may happen and ``orders.handlers`` makes it happen.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field, model_validator

from orders.accounting import Books, Posting
from orders.messages import CancelReason, RefundStatus, Role
from orders.policy import Policy
from orders.sentences import sentence
from orders.values import (
    MAX_AMOUNT,
    Frozen,
    Instant,
    Money,
    Mutable,
    OrderId,
    PartyId,
    ShortText,
)

# A workflow's state must stay well under the 2 MB that Temporal takes.
_MOST_EVENTS = 600
_LONGEST_DETAIL = 200


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


class Fault(StrEnum):
    """R14: whose fault a cancellation was."""

    BUYER = "buyer"
    SELLER = "seller"
    NONE = "none"


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


class Party(Frozen):
    """A buyer or a seller: who they are, their language, and where to tell them (Apprise URLs)."""

    id: PartyId
    name: ShortText
    locale: Literal["pl", "en"]
    notify: Annotated[tuple[ShortText, ...], Field(max_length=10), FailFast()] = ()


class Line(Frozen):
    """So many of one thing at a unit price."""

    sku: ShortText
    title: ShortText
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    unit_price: Money


class PlaceOrder(Frozen):
    """The workflow's input: an order as it is placed.

    One currency throughout; what is due must be more than nothing and fit a signed 64-bit integer.
    """

    order_id: OrderId
    buyer: Party
    seller: Party
    # Judging 20,000 lines, each wrong in four ways, would keep everybody else waiting for seconds.
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100), FailFast()]
    shipping_price: Money
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _adds_up(self) -> "PlaceOrder":
        if not self.shipping_price.same_currency(line.unit_price for line in self.lines):
            raise ValueError(sentence("all prices of an order must be in one currency"))
        if not 0 < self._total() <= MAX_AMOUNT:
            raise ValueError(
                sentence("the total must be between 1 and {most} minor units", most=MAX_AMOUNT)
            )
        return self

    def _total(self) -> int:
        return self.shipping_price.amount + sum(
            line.quantity * line.unit_price.amount for line in self.lines
        )

    @property
    def total(self) -> Money:
        """All lines and the shipping price."""
        return self.shipping_price.of(self._total())


class Chargeback(Mutable):
    """R23: money that the buyer's bank took back, seen from the seller's side."""

    status: Literal["opened", "won", "lost"]
    money: Money
    reason: str
    opened_at: Instant
    ended_at: Instant | None = None


class Payment(Mutable):
    """The payment that the order took, and its check (R5, R6)."""

    payment_id: str
    money: Money
    method: str
    status: Literal["in_review", "accepted", "declined", "charged_back"]
    paid_at: Instant
    received_at: Instant
    review_ends_at: Instant
    decided_at: Instant | None = None
    declined_reason: str | None = None
    chargeback: Chargeback | None = None


class Cancellation(Mutable):
    """A cancellation, asked for or by itself; ``fine`` is always nothing (R14)."""

    status: Literal[
        "requested",
        "shipment_claimed",
        "accepted",
        "no_response",
        "refused",
        "withdrawn",
        "ended_by_shipment",
        "ended_by_dispute",
        "ended_by_chargeback",
        "by_itself",
    ]
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


class TrackingEvidence(Mutable):
    """R11: a tracking number that the seller gave, and what became of it."""

    number: str
    carrier: str | None
    given_at: Instant
    status: Literal["verifying", "valid", "invalid"] = "verifying"
    reason: str | None = None


class ProofEvidence(Mutable):
    """R11: a photo or scan that the seller gave, and support's verdict."""

    kind: Literal["photo", "postal_receipt"]
    reference: str
    media_type: str
    size: int
    sha256: str
    given_at: Instant
    status: Literal["under_review", "accepted", "rejected", "lapsed"] = "under_review"
    note: str = ""


class Shipment(Mutable):
    """From the end of the check on: whether it ships, by when it must, and every proof of it."""

    status: Literal["awaited", "claimed", "under_verification", "shipped", "expired"] = "awaited"
    ship_by: Instant | None
    paused_since: Instant | None = None
    """Time in which a request or a dispute is open does not count against ``ship_by``."""
    shipped_at: Instant | None = None
    tracking: list[TrackingEvidence] = Field(default_factory=list)
    proofs: list[ProofEvidence] = Field(default_factory=list)

    @property
    def has_evidence_to_judge(self) -> bool:
        """Whether a number is being verified, or a photo or scan waits for support."""
        return any(it.status == "verifying" for it in self.tracking) or any(
            it.status == "under_review" for it in self.proofs
        )

    @property
    def evidence(self) -> list[str]:
        """All that was given so far, as a dispute lists it."""
        return [
            *(f"tracking_number {it.number}: {it.status}" for it in self.tracking),
            *(f"{it.kind} {it.sha256}: {it.status}" for it in self.proofs),
        ]


class Dispute(Mutable):
    """A case for support. ``due_by`` is R16b's end; ``evidence`` lists the proofs that were given."""

    dispute_id: str
    status: Literal["open", "under_review", "resolved"] = "open"
    reason: DisputeReason
    note: str = ""
    outcome: DisputeOutcome | None = None
    outcome_note: str = ""
    awarded: Money | None = None
    opened_at: Instant
    due_by: Instant
    resolved_at: Instant | None = None
    evidence: list[str] = Field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its end."""
        return self.status != "resolved"


class Refund(Mutable):
    """R14, R15: money on its way back. ``overdue`` stays true once the 2 weeks have passed unsettled."""

    refund_id: str
    payment_id: str
    money: Money
    method: str
    status: RefundStatus = RefundStatus.PENDING
    failure_reason: str | None = None
    due_by: Instant
    overdue: bool = False
    requested_at: Instant
    asked_at: Instant | None = None
    settled_at: Instant | None = None
    stopping: bool = False
    """A chargeback came in while it was under way: the provider is asked to stop it (R23)."""
    stop_asked_at: Instant | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the money is back."""
        return self.status is RefundStatus.SUCCEEDED


class Offer(Mutable):
    """A discount, bonus or settlement that the seller offered."""

    offer_id: str
    kind: Literal["discount", "bonus", "settlement"]
    money: Money | None = None
    bonus: str | None = None
    text: str
    offered_at: Instant
    status: Literal["open", "accepted", "lapsed"] = "open"


class ChatMessage(Frozen):
    """R4: what a buyer or seller wrote."""

    at: Instant
    by: Role
    topic: str
    text: str


class TimelineEntry(Frozen):
    """Something that happened: a stable key, who did it, and small JSON details."""

    at: Instant
    what: str
    by: Role
    details: dict[str, Any] = Field(default_factory=dict)


class Refused(Frozen):
    """A message that could not be taken, and why."""

    at: Instant
    name: str
    reason: str


class Notification(Frozen):
    """R21: something one party must be told. ``key`` makes it take effect once."""

    key: str
    to: Role
    what: str
    at: Instant
    details: dict[str, Any] = Field(default_factory=dict)


class StrayPayment(Frozen):
    """R17: money that this order could not take and that must go back."""

    payment_id: str
    money: Money
    method: str
    reason: str


def _shortened(value: Any) -> Any:
    return (
        f"{value[:_LONGEST_DETAIL]}…"
        if isinstance(value, str) and len(value) > _LONGEST_DETAIL
        else value
    )


class Order(Mutable):
    """One order, whole: all that must survive a continue-as-new is in here."""

    placed: PlaceOrder
    placed_at: Instant
    status: Status = Status.AWAITING_PAYMENT
    status_since: Instant
    close_reason: CloseReason | None = None
    closed_at: Instant | None = None
    pay_by: Instant
    amount_due: Money
    amount_paid: Money
    amount_refunded: Money
    amount_charged_back: Money
    books: Books
    to_buyer: Money | None = None
    """After closing: how much of the money the buyer gets back in all; None while it is open."""

    payment: Payment | None = None
    cancellation: Cancellation | None = None
    shipment: Shipment | None = None
    dispute: Dispute | None = None
    refund: Refund | None = None
    earlier_refunds: list[Refund] = Field(default_factory=list)
    ground: DisputeReason | None = None
    """A ground for a dispute that policy ``offer`` leaves to the buyer (R12, R13)."""

    offers: list[Offer] = Field(default_factory=list)
    messages: list[ChatMessage] = Field(default_factory=list)
    timeline: list[TimelineEntry] = Field(default_factory=list)
    refused: list[Refused] = Field(default_factory=list)

    clock: Instant
    """Up to when the passing of time has been handled; reminders before it are not due again."""
    revision: int = 0
    """Grows with every change."""
    counters: dict[str, int] = Field(default_factory=dict)
    message_ids: list[str] = Field(default_factory=list)
    declined_payments: list[str] = Field(default_factory=list)
    declined_unseen: list[str] = Field(default_factory=list)
    """Payment ids that were declined before they ever came in."""
    postings: list[Posting] = Field(default_factory=list)
    notices: list[Notification] = Field(default_factory=list)
    """Not yet handed over for delivery."""
    strays: list[StrayPayment] = Field(default_factory=list)
    """Not yet handed over to a process of their own."""
    stray_payments: list[str] = Field(default_factory=list)
    """Every payment id that went that way, so that a repeat does not go twice."""
    contradicted: list[str] = Field(default_factory=list)
    """Payment ids of which the provider said one thing, and then another."""
    refund_check_due: bool = False
    earlier_disputes: list[Dispute] = Field(default_factory=list)
    """Of which the dispute desk has not been told the end yet."""
    filed: dict[str, str] = Field(default_factory=dict)
    """What the dispute desk was last told, by dispute, so that it is told only of changes."""

    @classmethod
    def new(cls, placed: PlaceOrder, at: datetime) -> "Order":
        """R1: a freshly placed order, waiting to be paid."""
        nothing = placed.total.of(0)
        order = cls(
            placed=placed,
            placed_at=at,
            status_since=at,
            pay_by=at + placed.policy.payment_window,
            amount_due=placed.total,
            amount_paid=nothing,
            amount_refunded=nothing,
            amount_charged_back=nothing,
            books=Books(),
            clock=at,
        )
        order.happened(at, "placed", Role.BUYER)
        order.tell(
            at,
            "order_placed",
            Role.BUYER,
            Role.SELLER,
            amount_due=order.amount_due.model_dump(mode="json"),
            pay_by=order.pay_by.isoformat(),
        )
        return order

    @property
    def policy(self) -> Policy:
        """R22: the policy it was placed with."""
        return self.placed.policy

    @property
    def is_open(self) -> bool:
        """Whether the order can still change by what buyer, seller or support do."""
        return self.status not in (Status.CLOSED, Status.SHIPPED)

    @property
    def refunds(self) -> list[Refund]:
        """Every refund, also those that were stopped."""
        return [*self.earlier_refunds, *([self.refund] if self.refund else [])]

    @property
    def open_dispute(self) -> Dispute | None:
        """The dispute, while it waits for its end."""
        return self.dispute if self.dispute and self.dispute.is_open else None

    @property
    def open_chargeback(self) -> Chargeback | None:
        """The chargeback, while the bank has not decided."""
        chargeback = self.payment.chargeback if self.payment else None
        return chargeback if chargeback and chargeback.status == "opened" else None

    def count(self, what: str) -> int:
        """The next number of its kind, from 1; deterministic, so ids and keys repeat on replay."""
        self.counters[what] = self.counters.get(what, 0) + 1
        return self.counters[what]

    def happened(self, at: datetime, what: str, by: Role, **details: Any) -> None:
        """Add to the timeline, and count as a change.

        People can do only so much (``lifecycle.MOST``); what a provider says over and over pushes out the
        middle of the timeline, never its beginning.
        """
        short = {name: _shortened(value) for name, value in details.items()}
        self.timeline.append(TimelineEntry(at=at, what=what, by=by, details=short))
        if len(self.timeline) > _MOST_EVENTS:
            del self.timeline[_MOST_EVENTS // 4]
        self.revision += 1

    def tell(self, at: datetime, what: str, *to: Role, **details: Any) -> None:
        """R21: have these people told, once.

        Numbered by what is told: a workflow task that is thrown away may have told it already, and in the
        one that is run instead something else may come first.
        """
        number = self.count(f"notice {what}")
        for role in to:
            self.notices.append(
                Notification(
                    key=f"{self.placed.order_id}:{what}:{number}:{role}",
                    to=role,
                    what=what,
                    at=at,
                    details=details,
                )
            )

    def post(self, at: datetime, step: str, **legs: int) -> None:
        """Write a balanced movement of money, keyed by order id and step."""
        posting = Posting(
            order_id=self.placed.order_id,
            step=step,
            at=at,
            currency=self.amount_due.currency,
            legs=legs,
        )
        self.books.add(posting)
        self.postings.append(posting)
