"""The banner of an order's page: what the reader is asked, or what the order waits for, in one sentence.

What silence does is the view's ``if_nothing``. The one main button is ``primary_action``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.pages.forms import messages_awaited_from, open_offers
from orders.asked import Ask, asked_of
from orders.cancellations import CancellationStatus
from orders.chargebacks import open_chargeback
from orders.messages import RefundStatus, Role
from orders.payments import PendingPayment
from orders.refunds import Refund
from orders.reopening import TERMINATED
from orders.sentences import Sentence, sentence
from orders.shipments import TrackingEvidence
from orders.status import CloseReason, Status
from orders.support_queue import Need, waits_for_support
from orders.view import OrderView


class Tone(StrEnum):
    """How a banner looks."""

    ASKS = "asks"
    """The reader is to do something."""
    WAITS = "waits"
    """Somebody else is, or time is."""
    TROUBLE = "trouble"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Banner:
    """``ask``, and ``why``: what somebody says of it, such as the provider."""

    ask: Sentence
    tone: Tone
    why: str = ""


def banner(view: OrderView, role: Role) -> Banner:
    """What stands first on an order's page for this reader."""
    if view.terminated:
        return Banner(TERMINATED, Tone.TROUBLE)
    return (
        _of_the_bank(view, role)
        or _of_the_refund(view, role)
        or _of_the_number(view, role)
        or _of_support(view, role)
        or _of_the_status(view, role)
    )


_FIRST: Final = {
    Role.BUYER: (
        "settlement_acceptance",
        "offer_acceptance",
        "dispute_request",
        "pay_now",
        "reorder",
    ),
    Role.SELLER: ("seller_reply", "tracking_number", "shipment_proof"),
    Role.SUPPORT: ("refund_update", "unmatched_resolution", "proof_review", "dispute_decision"),
}
"""What a reader is asked to do, the most pressing first."""


def primary_action(view: OrderView, role: Role) -> str:
    """The action whose button is the main one; empty where nothing is asked of the reader."""
    possible = {it.action for it in view.actions.get(role, []) if it.available}
    asked = {"pay_now", "reorder"} if role is Role.BUYER else set(messages_awaited_from(role, view))
    asked |= {
        it for it in ("settlement_acceptance", "offer_acceptance") if [*open_offers(it, view)]
    }
    if role is Role.SELLER and _wrong_number(view):
        asked.add("tracking_number")
    if open_chargeback(view):
        asked -= {"tracking_number", "shipment_proof"}
    if role is Role.BUYER and _is_offered_a_dispute(view):
        asked.add("dispute_request")
    return next((it for it in _FIRST[role] if it in asked & possible), "")


def _is_offered_a_dispute(view: OrderView) -> bool:
    asked = asked_of(view, Role.BUYER)
    return asked is not None and asked.ask is Ask.CONSIDER_DISPUTE


def _of_the_bank(view: OrderView, role: Role) -> Banner | None:
    if (claim := open_chargeback(view)) is None:
        return None
    if role is Role.BUYER:
        text = sentence("Your bank has taken {money} back and decides about it.", money=claim.money)
        return Banner(text, Tone.WAITS)
    if view.status in Status.ended():
        text = sentence("The buyer's bank has taken {money} back (chargeback).", money=claim.money)
    else:
        text = sentence(
            "The buyer's bank has taken {money} back (chargeback). Do not ship until it decides.",
            money=claim.money,
        )
    return Banner(text, Tone.TROUBLE)


def _of_the_refund(view: OrderView, role: Role) -> Banner | None:
    refund = view.refund
    if refund is None or refund.is_settled:
        return None
    texts, tone = _refund_texts(refund)
    tone = Tone.WAITS if role is Role.SELLER else tone
    return Banner(texts[role], tone, "" if role is Role.SELLER else refund.failure_reason or "")


def _refund_texts(refund: Refund) -> tuple[dict[Role, Sentence], Tone]:
    money = refund.money
    seller = sentence("The refund of {money} is on its way to the buyer.", money=money)
    if refund.status is RefundStatus.REQUIRES_ACTION:
        return {
            Role.BUYER: sentence(
                "To get {money} back, you have to do something: the payment provider waits for you.",
                money=money,
            ),
            Role.SELLER: seller,
            Role.SUPPORT: sentence(
                "The refund of {money} waits for the buyer to act.", money=money
            ),
        }, Tone.TROUBLE
    if refund.has_failed:
        return {
            Role.BUYER: sentence("The refund of {money} has not arrived.", money=money),
            Role.SELLER: sentence("The refund of {money} to the buyer has failed.", money=money),
            Role.SUPPORT: sentence(
                "The refund of {money} has failed: say what has become of it.", money=money
            ),
        }, Tone.TROUBLE
    if refund.overdue:
        return {
            Role.BUYER: sentence("The refund of {money} is late.", money=money),
            Role.SELLER: sentence("The refund of {money} to the buyer is late.", money=money),
            Role.SUPPORT: sentence(
                "The refund of {money} is overdue: say what has become of it.", money=money
            ),
        }, Tone.TROUBLE
    return {
        Role.BUYER: sentence("Your refund of {money} is on its way.", money=money),
        Role.SELLER: seller,
        Role.SUPPORT: seller,
    }, Tone.WAITS


def _wrong_number(view: OrderView) -> TrackingEvidence | None:
    """The last thing the seller gave to prove the shipment, if it is a number that is not valid."""
    given = view.shipment.tracking if view.shipment else []
    if not given or (view.shipment and view.shipment.is_shipped):
        return None
    last, proofs = given[-1], view.shipment.proofs if view.shipment else []
    later = any(it.given_at > last.given_at for it in proofs)
    return last if last.status in ("invalid", "rejected") and not later else None


def _of_the_number(view: OrderView, role: Role) -> Banner | None:
    wrong = _wrong_number(view)
    if role is not Role.SELLER or wrong is None or view.status in Status.ended():
        return None
    text = sentence(
        "The tracking number {number} is not valid: give the right one.", number=wrong.number
    )
    return Banner(text, Tone.TROUBLE, wrong.reason or wrong.note)


def _of_support(view: OrderView, role: Role) -> Banner | None:
    waiting = waits_for_support(view) if role is Role.SUPPORT else None
    match waiting.need if waiting else None:
        case Need.UNMATCHED:
            text = sentence(
                "{money} match no payment: say who bears them.", money=view.unmatched[0]
            )
        case Need.PROOF:
            text = sentence("Review the proof of shipment: does it prove that it was shipped?")
        case Need.DISPUTE:
            text = sentence("Decide the dispute about {money}.", money=view.amount_paid)
        case _:
            return None
    return Banner(text, Tone.ASKS)


def _of_the_status(view: OrderView, role: Role) -> Banner:
    asks = Tone.ASKS if primary_action(view, role) else Tone.WAITS
    ended = view.status in Status.ended()
    text = next(_ended(view, role) if ended else _open(view, role))
    return Banner(text, Tone.OVER if ended and asks is not Tone.ASKS else asks)


def _open(view: OrderView, role: Role) -> Iterator[Sentence]:
    money, names = view.amount_due, {"buyer": view.buyer.name, "seller": view.seller.name}
    is_buyer, is_seller = role is Role.BUYER, role is Role.SELLER
    offer = next(iter(open_offers("offer_acceptance", view)), None)
    match view.status:
        case Status.AWAITING_PAYMENT if isinstance(view.payment, PendingPayment):
            yield (
                sentence("Your payment of {money} is on its way.", money=view.payment.money)
                if is_buyer
                else sentence(
                    "A payment of {money} is on its way. Do not ship before it has arrived and been "
                    "checked.",
                    money=view.payment.money,
                )
            )
        case Status.AWAITING_PAYMENT if is_buyer and offer and offer.money:
            new = money.of(money.amount - offer.money.amount)
            yield sentence(
                "{seller} offers you a discount: pay {new} instead of {money}.",
                **names,
                new=new,
                money=money,
            )
        case Status.AWAITING_PAYMENT if is_buyer and offer:
            yield sentence(
                "{seller} offers you a bonus: {bonus}.", **names, bonus=offer.bonus or ""
            )
        case Status.AWAITING_PAYMENT if is_buyer:
            yield sentence("Pay {money}.", money=money)
        case Status.AWAITING_PAYMENT:
            yield sentence("{buyer} has not paid {money} yet.", **names, money=money)
        case Status.PAYMENT_REVIEW:
            yield (
                sentence("Your payment of {money} is being checked.", money=view.amount_paid)
                if is_buyer
                else sentence(
                    "The payment of {money} is being checked: do not ship yet.",
                    money=view.amount_paid,
                )
            )
        case Status.AWAITING_SHIPMENT if is_buyer and _is_offered_a_dispute(view):
            yield sentence("The shipment is not proved: you can open a dispute.")
        case Status.AWAITING_SHIPMENT if view.shipment and view.shipment.has_evidence_to_judge:
            yield _evidence(view, role)
        case Status.AWAITING_SHIPMENT:
            yield (
                sentence("Ship the order and enter its tracking number.")
                if is_seller
                else sentence("{seller} is to ship the order.", **names)
            )
        case Status.CANCELLATION_REQUESTED:
            yield (
                sentence("You have asked to cancel. {seller} has to answer.", **names)
                if is_buyer
                else sentence("{buyer} wants to cancel the order.", **names)
            )
        case Status.PROOF_REQUESTED if view.shipment and view.shipment.has_evidence_to_judge:
            yield _evidence(view, role)
        case Status.PROOF_REQUESTED:
            yield (
                sentence("Prove the shipment: by a tracking number, a photo or a postal receipt.")
                if is_seller
                else sentence("{seller} says that it has shipped, and has to prove it.", **names)
            )
        case _:
            yield from _disputed(view, role)


def _evidence(view: OrderView, role: Role) -> Sentence:
    if view.shipment and view.shipment.under_review:
        return (
            sentence("Support is reviewing your proof of shipment.")
            if role is Role.SELLER
            else sentence("Support is reviewing the proof of shipment.")
        )
    return sentence("The tracking number is being verified.")


def _disputed(view: OrderView, role: Role) -> Iterator[Sentence]:
    names = {"buyer": view.buyer.name, "seller": view.seller.name}
    offer = next(iter(open_offers("settlement_acceptance", view)), None)
    if offer and offer.money:
        given = {**names, "money": offer.money, "paid": view.amount_paid}
        if role is Role.BUYER:
            yield sentence(
                "{seller} offers to settle: you would get {money} of {paid} back.", **given
            )
        elif role is Role.SELLER:
            yield sentence("Your offer to settle for {money} waits for {buyer}'s answer.", **given)
    yield sentence("Support decides the dispute about {money}.", money=view.amount_paid)


def _ended(view: OrderView, role: Role) -> Iterator[Sentence]:
    refund, is_buyer = view.refund, role is Role.BUYER
    request = view.cancellation
    if view.status is Status.SHIPPED:
        withdrawn = request and request.status is CancellationStatus.ENDED_BY_SHIPMENT
        yield (
            sentence("The order has shipped; the cancellation request has ended.")
            if withdrawn
            else sentence("The order has shipped.")
        )
    elif refund and refund.is_settled:
        yield (
            sentence("The order is closed, and you have {money} back.", money=refund.money)
            if is_buyer
            else sentence(
                "The order is closed, and the buyer has {money} back.", money=refund.money
            )
        )
    elif view.close_reason in CloseReason.unpaid():
        yield sentence("The order is closed. Nothing was paid for it.")
    yield sentence("The order is closed.")
