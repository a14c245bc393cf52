"""What sending a form does that cannot be undone: for both parties, with amounts, before it is done."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from gateway.pages.forms import FORMS
from orders.chargebacks import open_chargeback
from orders.disputes import turns_claim_down
from orders.messages import (
    DisputeDecision,
    Message,
    OfferDecline,
    ProofReview,
    RefundUpdate,
    SellerReply,
    SettlementAcceptance,
    UnmatchedResolution,
)
from orders.policy import OnFailedProof
from orders.sentences import Sentence, sentence
from orders.status import Status
from orders.values import Money
from orders.view import OrderView


class Consequences(NamedTuple):
    """Who gets what by it, where that is known, and what else follows."""

    to_buyer: Money | None = None
    to_seller: Money | None = None
    follows: tuple[Sentence, ...] = ()


def is_grave(name: str, message: Message, view: OrderView) -> bool:
    """Whether a message is confirmed before it is sent: it decides about the order or its money for good."""
    match name:
        case "cancel_request":
            return view.status is Status.AWAITING_PAYMENT
        case "seller_reply" if isinstance(message, SellerReply):
            return message.decision != "already_shipped" or open_chargeback(view) is not None
        case "tracking_number":
            return open_chargeback(view) is not None
        case _:
            return FORMS[name].grave


def consequences(message: Message, view: OrderView) -> Consequences:
    """What this message does to this order."""
    find = _BY_NAME.get(message.name)
    return find(message, view) if find else Consequences()


def placed_again(view: OrderView) -> Consequences:
    """What adding a closed order to the cart again does (R3)."""
    return Consequences(
        follows=(
            sentence(
                "A new order of the same products is placed with {seller} for {total}.",
                seller=view.seller.name,
                total=view.amount_due,
            ),
            sentence("It closes by itself if it is not paid in time."),
        )
    )


def _split(view: OrderView, to_buyer: int) -> tuple[Money, Money]:
    """What buyer and seller get of what is still held, when the buyer is to have this much in all."""
    paid = view.amount_paid
    has = view.amount_refunded.amount + view.amount_charged_back.amount
    back = max(0, min(to_buyer, paid.amount) - has)
    return paid.of(back), paid.of(max(0, view.amount_held.amount - back))


def _whole(view: OrderView) -> tuple[Money, Money]:
    return _split(view, view.amount_paid.amount)


_CLOSES: Final = sentence("The order closes.")
_DISPUTE_ENDS: Final = sentence("The dispute ends.")
_REQUEST_ENDS: Final = sentence("The cancellation request ends.")
_BANK_HAS_IT: Final = sentence(
    "The bank has taken the money back: whoever ships now may lose both the goods and the money."
)
_AWAITS_SHIPMENT: Final = sentence("The order awaits shipment again.")


def _has_dispute(view: OrderView) -> bool:
    return view.dispute is not None and view.dispute.is_open


def _has_request(view: OrderView) -> bool:
    return view.cancellation is not None and view.cancellation.ended_at is None


def _ends(view: OrderView) -> Iterator[Sentence]:
    if _has_dispute(view):
        yield _DISPUTE_ENDS
    if _has_request(view):
        yield _REQUEST_ENDS


def _cancelled(message: Message, view: OrderView) -> Consequences:
    return Consequences(
        follows=(
            _CLOSES,
            sentence("Nothing was paid for it, and cancelling costs nothing."),
        )
    )


def _settled(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, SettlementAcceptance)
    money = next((it.money for it in view.offers if it.offer_id == message.offer_id), None)
    return Consequences(
        *_split(view, money.amount if money else 0), follows=(*_ends(view), _CLOSES)
    )


def _declined(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, OfferDecline)
    over = sentence("The offer is over; the seller may make another.")
    if view.status is Status.AWAITING_PAYMENT:
        stays = sentence("You are asked to pay {money}.", money=view.amount_due)
        return Consequences(follows=(over, stays))
    return Consequences(
        follows=(over, sentence("The dispute goes on, and support decides about the money."))
    )


def _withdrawn(message: Message, view: OrderView) -> Consequences:
    if view.status is not Status.DISPUTED:
        return Consequences(
            follows=(sentence("The dispute ends; the cancellation request goes on."),)
        )
    if view.shipment and view.shipment.is_shipped:
        return Consequences(
            *_split(view, 0), follows=(sentence("The dispute ends without a decision."),)
        )
    return Consequences(
        follows=(sentence("The dispute ends without a decision."), _AWAITS_SHIPMENT)
    )


def _replied(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, SellerReply)
    if message.decision == "accept":
        return Consequences(*_whole(view), follows=(*_ends(view), _CLOSES))
    if message.decision == "already_shipped":
        return Consequences(
            follows=(_BANK_HAS_IT, sentence("Proof of the shipment has to follow."))
        )
    if _has_dispute(view):
        after = sentence("Support decides the dispute.")
    elif view.policy.dispute_on_failed_proof is OnFailedProof.OFFER:
        after = sentence("The order awaits shipment again, and the buyer may open a dispute.")
    else:
        after = sentence("A dispute opens, and support decides about the money.")
    return Consequences(follows=(_REQUEST_ENDS, after))


def _decided(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, DisputeDecision)
    if message.decision == "no_refund" and turns_claim_down(view):
        nothing = view.amount_paid.of(0)
        kept = sentence("{money} stay held until the order has shipped.", money=view.amount_held)
        return Consequences(nothing, None, (*_ends(view), _AWAITS_SHIPMENT, kept))
    match message.decision:
        case "full_refund":
            parts = _whole(view)
        case "partial_refund":
            parts = _split(view, message.money.amount if message.money else 0)
        case _:
            parts = _split(view, 0)
    return Consequences(*parts, follows=(*_ends(view), _CLOSES))


def _reviewed(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, ProofReview)
    if not message.accepted:
        return Consequences(
            follows=(
                sentence("The seller is told why, and may give better proof while there is time."),
            )
        )
    counts = sentence("The order counts as shipped.")
    if _has_dispute(view):
        return Consequences(follows=(counts, sentence("Support decides the dispute.")))
    ends = (_REQUEST_ENDS,) if _has_request(view) else ()
    return Consequences(*_split(view, 0), follows=(counts, *ends))


def _updated(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, RefundUpdate)
    refunds = [*([view.refund] if view.refund else []), *view.earlier_refunds]
    money = next((it.money for it in refunds if it.refund_id == message.refund_id), None)
    follows = sentence("Buyer and seller see it, and the books say so.")
    return Consequences(money if message.status == "succeeded" else None, None, (follows,))


def _borne(message: Message, view: OrderView) -> Consequences:
    assert isinstance(message, UnmatchedResolution)
    amounts = ", ".join(map(str, view.unmatched))
    text = (
        sentence("The seller bears {amounts}.", amounts=amounts)
        if message.borne_by == "seller"
        else sentence("The marketplace bears {amounts}.", amounts=amounts)
    )
    return Consequences(follows=(text,))


def _shipped(message: Message, view: OrderView) -> Consequences:
    return Consequences(follows=(_BANK_HAS_IT,))


_BY_NAME: Final[dict[str, Callable[[Message, OrderView], Consequences]]] = {
    "cancel_request": _cancelled,
    "settlement_acceptance": _settled,
    "offer_decline": _declined,
    "dispute_withdrawal": _withdrawn,
    "seller_reply": _replied,
    "tracking_number": _shipped,
    "dispute_decision": _decided,
    "proof_review": _reviewed,
    "refund_update": _updated,
    "unmatched_resolution": _borne,
}
