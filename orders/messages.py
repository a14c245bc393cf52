"""The contract's messages: what people and services may tell an order, one frozen model each.

Every message is a signal and an update of the same ``name`` with the model as its one argument. The first
sentence of its docstring is its description in Temporal's web UI: it must be understood by support alone.
``senders`` says whose message it is; who may really send it is the gateway's to check.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator

from orders.conditional_schemas import NONE, depending_on
from orders.errors import InvalidInput
from orders.repeated_keys import refuse_repeated_keys
from orders.sentences import sentence
from orders.stored_files import StoredFile
from orders.tracking_numbers import TrackingText
from orders.values import (
    Frozen,
    Instant,
    LongText,
    MessageId,
    Money,
    PaymentId,
    PersonId,
    PositiveMoney,
    ProviderId,
    RefundId,
    ShortText,
)


class Role(StrEnum):
    """Who acts on an order. ``system`` is the process itself, when a deadline passes."""

    BUYER = "buyer"
    SELLER = "seller"
    SUPPORT = "support"
    PROVIDER = "provider"
    SYSTEM = "system"


class CancelReason(StrEnum):
    """R7: why the buyer wants to cancel."""

    CHANGED_MIND = "changed_mind"
    ORDER_MISTAKE = "order_mistake"
    DUPLICATE_ORDER = "duplicate_order"
    FOUND_CHEAPER_PRICE = "found_cheaper_price"
    POOR_QUALITY_EXPECTED = "poor_quality_expected"
    DISTRUST_SELLER = "distrust_seller"
    WONT_ARRIVE_IN_TIME = "wont_arrive_in_time"
    ADDRESS_ISSUES = "address_issues"
    SELLER_UNREACHABLE = "seller_unreachable"
    OUT_OF_STOCK = "out_of_stock"
    OTHER = "other"


class RefundStatus(StrEnum):
    """Where a refund is, in Stripe's words (docs.stripe.com/api/refunds/object)."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @classmethod
    def failed(cls) -> frozenset["RefundStatus"]:
        """R15: those in which the money does not arrive, or has come back."""
        return frozenset({cls.FAILED, cls.CANCELED})


class ChargebackStatus(StrEnum):
    """R23: where a chargeback is, as the seller sees it: who has won, the seller or the buyer's bank."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


_RULES: Final = re.compile(r"^(R\d+[a-z]?(, |: ))+")


class Message(Frozen):
    """What all messages share. The same ``message_id`` again changes nothing.

    ``by_id`` is who sent it, as their token says (R25).
    """

    name: ClassVar[str]
    senders: ClassVar[tuple[Role, ...]]

    message_id: MessageId | None = None
    by_id: PersonId | None = None

    @classmethod
    def description(cls) -> str:
        """What it says, in one sentence: the first of its docstring, without the rules."""
        text = _RULES.sub("", " ".join((cls.__doc__ or "").split()))
        return text.partition(". ")[0].removesuffix(".") + "."


class ProviderFact(Message):
    """What the provider says has happened to money; never refused, only booked or set aside (R23, R24).

    ``said_at`` is when the provider said it: what is older than what is known already changes nothing, in
    whatever order the two arrive. Without it the last one to arrive counts.
    """

    said_at: Instant | None = None


class PaymentReceived(Message):
    """R5: A payment has come in for the order."""

    name = "payment"
    senders = (Role.PROVIDER,)

    payment_id: PaymentId
    money: PositiveMoney
    method: Annotated[ShortText, StringConstraints(min_length=1)]
    paid_at: Instant


class PaymentPending(ProviderFact):
    """R1a: A payment for the order is under way, and is waited for."""

    name = "payment_pending"
    senders = (Role.PROVIDER,)

    payment_id: PaymentId
    money: PositiveMoney
    method: Annotated[ShortText, StringConstraints(min_length=1)]
    expected_by: Instant | None = None


class PaymentDeclined(ProviderFact):
    """R6: The payment provider declined the payment, or took it back because it failed later."""

    name = "payment_declined"
    senders = (Role.PROVIDER,)

    payment_id: PaymentId
    reason: LongText


class CancelRequest(Message):
    """R2, R7, R8: The buyer wants to cancel the order. ``complaint`` opens a dispute beside the request."""

    name = "cancel_request"
    senders = (Role.BUYER,)

    reason: CancelReason
    note: LongText = ""
    complaint: Annotated[bool, Field(strict=True)] = False


class CancelWithdrawal(Message):
    """R18: The buyer withdraws the cancellation request."""

    name = "cancel_withdrawal"
    senders = (Role.BUYER,)


class SellerReply(Message):
    """R9, R10, R13: The seller answers the cancellation request: accepted, refused or already shipped."""

    name = "seller_reply"
    senders = (Role.SELLER,)
    model_config = ConfigDict(
        json_schema_extra=depending_on(
            "decision", {"already_shipped": {}}, {"tracking_number": NONE}
        )
    )

    decision: Literal["accept", "refuse", "already_shipped"]
    note: LongText = ""
    tracking_number: TrackingText | None = None

    @model_validator(mode="after")
    def _number_goes_with_shipped(self) -> "SellerReply":
        if self.tracking_number is not None and self.decision != "already_shipped":
            raise ValueError(
                sentence("tracking_number: allowed only with the decision already_shipped")
            )
        return self


class TrackingNumber(Message):
    """R11: The seller ships, or proves to have shipped, by a tracking number."""

    name = "tracking_number"
    senders = (Role.SELLER,)

    number: TrackingText
    carrier: ShortText | None = None


class ShipmentProof(Message, StoredFile):
    """R10, R11: The seller proves to have shipped by a photo or a postal receipt."""

    name = "shipment_proof"
    senders = (Role.SELLER,)

    kind: Literal["photo", "postal_receipt"]


class ProofReview(Message):
    """R11, R12: Support accepts or rejects the seller's photo, postal receipt or unknown tracking number."""

    name = "proof_review"
    senders = (Role.SUPPORT,)

    accepted: Annotated[bool, Field(strict=True)]
    note: LongText = ""


class SellerMessage(Message):
    """R4, R16: The seller writes to the buyer, and may offer a discount or a bonus."""

    name = "seller_message"
    senders = (Role.SELLER,)
    model_config = ConfigDict(
        json_schema_extra=depending_on(
            "topic",
            {
                "discount": {"discount": {"type": "object"}, "bonus": NONE},
                "bonus": {"bonus": {"type": "string"}, "discount": NONE},
            },
            {"discount": NONE, "bonus": NONE},
        )
    )

    topic: Literal[
        "payment_question", "shipping_advice", "payment_advice", "discount", "bonus", "other"
    ]
    text: Annotated[LongText, StringConstraints(min_length=1)]
    discount: PositiveMoney | None = None
    bonus: ShortText | None = None

    @model_validator(mode="after")
    def _offer_goes_with_its_topic(self) -> "SellerMessage":
        if (self.discount is not None) != (self.topic == "discount"):
            raise ValueError(sentence("discount: enter the amount, or choose another topic"))
        if (self.bonus is not None) != (self.topic == "bonus"):
            raise ValueError(sentence("bonus: say what you add, or choose another topic"))
        return self


class BuyerMessage(Message):
    """R4, R16: The buyer writes to the seller."""

    name = "buyer_message"
    senders = (Role.BUYER,)

    text: Annotated[LongText, StringConstraints(min_length=1)]


class SupportMessage(Message):
    """R16: Support writes to the buyer and the seller of an order in dispute."""

    name = "support_message"
    senders = (Role.SUPPORT,)

    text: Annotated[LongText, StringConstraints(min_length=1)]


class OfferAcceptance(Message):
    """R4: The buyer accepts a discount or a bonus."""

    name = "offer_acceptance"
    senders = (Role.BUYER,)

    offer_id: MessageId


class OfferDecline(Message):
    """R4, R16b: The buyer declines a discount, a bonus or a settlement."""

    name = "offer_decline"
    senders = (Role.BUYER,)

    offer_id: MessageId


class DisputeRequest(Message):
    """R12: The buyer opens a dispute."""

    name = "dispute_request"
    senders = (Role.BUYER,)

    note: LongText = ""


class DisputeEvidence(Message, StoredFile):
    """R16: The buyer adds a photo or a document to the dispute, and says what it shows."""

    name = "dispute_evidence"
    senders = (Role.BUYER,)

    note: LongText = ""


class DisputeWithdrawal(Message):
    """R16b: The buyer withdraws the dispute."""

    name = "dispute_withdrawal"
    senders = (Role.BUYER,)

    note: LongText = ""


class SettlementOffer(Message):
    """R16b: The seller offers to settle the dispute by a refund of this amount."""

    name = "settlement_offer"
    senders = (Role.SELLER,)

    money: PositiveMoney
    note: LongText = ""


class SettlementAcceptance(Message):
    """R16b: The buyer accepts the seller's settlement offer, which ends the dispute."""

    name = "settlement_acceptance"
    senders = (Role.BUYER,)

    offer_id: MessageId


class ShipmentExtension(Message):
    """R20a: The buyer gives a late seller more days to ship."""

    name = "shipment_extension"
    senders = (Role.BUYER,)

    days: Annotated[int, Field(strict=True, ge=1, le=60)]


class ChargebackReported(ProviderFact):
    """R23: The buyer's bank took a payment back, or has decided the case.

    ``status`` is seen from the seller's side; any may follow any. Without a ``chargeback_id`` the payment's
    only one is meant, or the latest.
    """

    name = "chargeback"
    senders = (Role.PROVIDER,)

    payment_id: PaymentId
    chargeback_id: ProviderId | None = None
    money: Money
    status: ChargebackStatus
    reason: LongText = ""


class OutsideRefundReported(ProviderFact):
    """R24: The provider has sent money back to the buyer without our asking."""

    name = "outside_refund"
    senders = (Role.PROVIDER,)

    payment_id: PaymentId
    provider_refund_id: ProviderId
    money: Money
    status: RefundStatus
    reason: LongText = ""


class UnmatchedResolution(Message):
    """R23: Support says who bears the money that cannot be matched with what was paid.

    That is what the provider took beyond the payment, or in another currency; the whole of it is meant.
    """

    name = "unmatched_resolution"
    senders = (Role.SUPPORT,)

    borne_by: Literal["seller", "marketplace"]
    note: Annotated[LongText, StringConstraints(min_length=1)]


class DisputeDecision(Message):
    """R16: Support decides the dispute: a full, a partial or no refund. ``money`` goes with a partial one."""

    name = "dispute_decision"
    senders = (Role.SUPPORT,)
    model_config = ConfigDict(
        json_schema_extra=depending_on(
            "decision", {"partial_refund": {"money": {"type": "object"}}}, {"money": NONE}
        )
    )

    decision: Literal["full_refund", "partial_refund", "no_refund"]
    money: PositiveMoney | None = None
    note: LongText = ""

    @model_validator(mode="after")
    def _money_goes_with_partial(self) -> "DisputeDecision":
        if (self.money is not None) != (self.decision == "partial_refund"):
            raise ValueError(
                sentence(
                    "money: enter the amount of the partial refund, or choose another decision"
                )
            )
        return self


class RefundUpdate(ProviderFact):
    """R15: The status of a refund has changed at the payment provider, or support knows more of it.

    ``act_by`` is until when the provider waits for the buyer to act, with ``requires_action``. ``by`` is
    whose word it is, the provider's unless it says otherwise; ``note`` is what support knows, kept with its
    name (R25).
    """

    name = "refund_update"
    senders = (Role.PROVIDER, Role.SUPPORT)

    refund_id: RefundId
    status: RefundStatus
    reason: LongText = ""
    act_by: Instant | None = None
    note: LongText = ""
    by: Literal["provider", "support"] | None = None


MESSAGES: dict[str, type[Message]] = {
    message.name: message
    for message in (
        PaymentReceived,
        PaymentPending,
        PaymentDeclined,
        CancelRequest,
        CancelWithdrawal,
        SellerReply,
        TrackingNumber,
        ShipmentProof,
        ProofReview,
        SellerMessage,
        BuyerMessage,
        SupportMessage,
        OfferAcceptance,
        OfferDecline,
        DisputeRequest,
        DisputeEvidence,
        DisputeWithdrawal,
        SettlementOffer,
        SettlementAcceptance,
        ShipmentExtension,
        ChargebackReported,
        OutsideRefundReported,
        UnmatchedResolution,
        DisputeDecision,
        RefundUpdate,
    )
}
"""Every message of the contract by its name."""


def parse(name: str, arguments: list[bytes], context: Any = None) -> Message:
    """Read a message as it came over the wire: its name and the JSON text of each argument.

    A message with no required field may come without an argument, or with ``null``. ``context`` is None or
    ``orders.values.ANY_CASE``. Raises InvalidInput with the reason and the remedy.
    """
    if (model := MESSAGES.get(name)) is None:
        raise InvalidInput(
            sentence(
                "There is no message named {name}; the messages are: {known}.",
                name=repr(name[:64]),
                known=", ".join(MESSAGES),
            )
        )
    if len(arguments) > 1:
        raise InvalidInput(
            sentence(
                "{name} takes one JSON object, but {number} arguments arrived.",
                name=name,
                number=len(arguments),
            )
        )
    body = arguments[0] if arguments and arguments[0] not in (b"", b"null") else b"{}"
    try:
        message = model.model_validate_json(body, context=context)
    except ValidationError as error:
        raise InvalidInput.from_validation(name, error) from None
    refuse_repeated_keys(body)
    return message
