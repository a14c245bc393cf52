"""What each message does to an order (R2-R13, R16-R20a, R23).

``receive`` is the one way in: it recognises repeats, refuses what the order cannot take, and otherwise
applies the message at once. Nothing waits here; what must happen outside is left in the order
(``notifications``, ``postings``, ``stray_payments_to_start``, evidence to verify, a refund to ask for) for
the workflow to do.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from orders import messages as m
from orders.cancellations import (
    on_cancel_request,
    on_cancel_withdrawal,
    on_seller_reply,
    seller_reply_problem,
)
from orders.chargebacks import chargeback_problem, on_chargeback, repeats_chargeback
from orders.conversation import (
    on_buyer_message,
    on_seller_message,
    on_support_message,
    seller_message_problem,
)
from orders.disputes import (
    dispute_decision_problem,
    on_dispute_decision,
    on_dispute_evidence,
    on_dispute_request,
    on_dispute_withdrawal,
    on_settlement_acceptance,
    on_settlement_offer,
    settlement_offer_problem,
)
from orders.errors import NotAllowedNow, Refusal, RefusalCode
from orders.lifecycle import TRANSITIONS
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.offers import OfferKind, offer_problem, on_offer_acceptance, on_offer_decline
from orders.order import Order, Refused, StrayPayment
from orders.order_refunds import on_refund_update, refund_update_problem
from orders.outside_refunds import (
    hand_over,
    on_outside_refund,
    outside_refund_problem,
    repeats_outside_refund,
)
from orders.payments import (
    accept_payment,
    contradicts,
    on_payment,
    on_payment_declined,
    on_payment_pending,
    payment_declined_problem,
    payment_problem,
    repeats_declined,
    repeats_pending,
)
from orders.refunds import RefundReport, find_refund, repeats
from orders.refusals import refusal, refuse
from orders.sentences import sentence
from orders.shipments import (
    on_proof_review,
    on_shipment_extension,
    on_shipment_proof,
    on_tracking_number,
)
from orders.timeline import Event
from orders.unmatched import on_unmatched_resolution, unmatched_resolution_problem

_MOST_REFUSED = 20
_DIGEST = 8
"""Bytes of a message id's digest: an order remembers every one that it has taken, and must stay small."""


def receive(order: Order, message: m.Message, at: datetime) -> bool:
    """Apply a message; False when it repeats one that was taken. Raises NotAllowedNow otherwise."""
    if is_repeat(order, message):
        return False
    check(order, message, at)
    order.handle_until(at)
    if message.name not in TRANSITIONS[order.status]:
        # The check's end has passed, and its timer has not been seen yet (R7).
        accept_payment(order, at)
    with order.sent_by(message.by_id):
        _APPLY[message.name](order, message, at)
    order.count(message.name)
    if message.message_id:
        order.message_ids.append(_digest_of(message))
    return True


def _id_of(message: m.Message) -> str:
    # With its name: an id that was used for another message makes this one no repeat.
    return f"{message.name}:{message.message_id}"


def _digest_of(message: m.Message) -> str:
    return blake2b(_id_of(message).encode(), digest_size=_DIGEST).hexdigest()


def is_repeat(order: Order, message: m.Message) -> bool:
    """Whether the order has taken this already: by message id, or by what the message is about."""
    # A payment is known by its own id alone: whoever mistakes a message's id must not lose money (R17).
    is_money = isinstance(message, m.PaymentReceived)
    # Orders of earlier versions remember the ids themselves.
    names = {_digest_of(message), _id_of(message)}
    if message.message_id and not is_money and not names.isdisjoint(order.message_ids):
        return True
    match message:
        case m.PaymentReceived():
            payment = order.payment
            if payment and payment.payment_id == message.payment_id:
                return payment.money == message.money
            if message.payment_id in order.sent_back:
                return order.sent_back[message.payment_id] in (None, message.money)
            unseen = message.payment_id in order.declined_unseen
            return message.payment_id in order.declined_payments and not unseen
        case m.PaymentPending():
            return repeats_pending(order, message)
        case m.PaymentDeclined():
            return repeats_declined(order, message)
        case m.RefundUpdate():
            refund = find_refund(order, message.refund_id)
            return refund is not None and repeats(refund, RefundReport.of(message))
        case m.ChargebackReported():
            return repeats_chargeback(order.chargebacks, message)
        case m.OutsideRefundReported():
            return repeats_outside_refund(order.outside_refunds, message)
        case _:
            return False


def check(order: Order, message: m.Message, at: datetime | None = None) -> None:
    """Raise NotAllowedNow if the order cannot take the message now: by its status, then by its content.

    With ``at``, a message that can be taken from an earlier instant on can be taken.
    """
    if isinstance(message, m.PaymentReceived) and contradicts(order, message):
        raise refuse(
            order,
            message.name,
            Refusal(
                RefusalCode.NOT_IN_THIS_STATUS,
                sentence(
                    "Payment {payment_id} was reported differently before; support will look into it.",
                    payment_id=message.payment_id,
                ),
            ),
        )
    if refused := refusal(order, message.name, at):
        raise refused
    if (look := _CHECK.get(message.name)) and (problem := look(order, message)):
        raise refuse(order, message.name, problem)


def record_refusal(order: Order, name: str, reason: str, at: datetime) -> None:
    """List what could not be taken; refused is never silent."""
    order.refused = [*order.refused, Refused(at=at, name=name[:64], reason=reason)][-_MOST_REFUSED:]
    order.revision += 1


def sent_back_before(order: Order, message: m.Message) -> NotAllowedNow | None:
    """What to answer to the repeat of a payment that could not be taken: not that it is taken (R17)."""
    if not (isinstance(message, m.PaymentReceived) and message.payment_id in order.sent_back):
        return None
    return refuse(
        order,
        message.name,
        Refusal(
            RefusalCode.NOT_IN_THIS_STATUS,
            sentence(
                "Payment {payment_id} could not be accepted when it first arrived; it is returned in "
                "full.",
                payment_id=message.payment_id,
            ),
        ),
    )


def send_back(
    order: Order, payment: m.PaymentReceived, refused: NotAllowedNow, at: datetime
) -> None:
    """R17: a payment that was refused still is money; leave it to a process of its own, once.

    Not one of which the provider said something else before: whether money came in at all is for support to
    find out, who is told once.
    """
    if contradicts(order, payment):
        if payment.payment_id not in order.contradicted:
            order.contradicted.append(payment.payment_id)
            order.notify(
                at,
                NotificationKind.PAYMENT_CONTRADICTS,
                payment_id=payment.payment_id,
                money=payment.money.model_dump(mode="json"),
            )
            order.revision += 1
        return
    order.sent_back[payment.payment_id] = payment.money
    chargebacks, outside_refunds = hand_over(order, payment.payment_id, at)
    order.stray_payments_to_start.append(
        StrayPayment(
            payment_id=payment.payment_id,
            money=payment.money,
            method=payment.method,
            reason=refused.code.value,
            chargebacks=chargebacks,
            outside_refunds=outside_refunds,
        )
    )
    order.happened(
        at,
        Event.PAYMENT_SENT_BACK,
        Role.SYSTEM,
        payment_id=payment.payment_id,
        reason=refused.code.value,
    )


_APPLY: dict[str, Callable[[Order, Any, datetime], None]] = {
    "payment": on_payment,
    "payment_pending": on_payment_pending,
    "payment_declined": on_payment_declined,
    "cancel_request": on_cancel_request,
    "cancel_withdrawal": on_cancel_withdrawal,
    "seller_reply": on_seller_reply,
    "tracking_number": on_tracking_number,
    "shipment_proof": on_shipment_proof,
    "proof_review": on_proof_review,
    "seller_message": on_seller_message,
    "buyer_message": on_buyer_message,
    "support_message": on_support_message,
    "offer_acceptance": on_offer_acceptance,
    "offer_decline": on_offer_decline,
    "dispute_request": on_dispute_request,
    "dispute_evidence": on_dispute_evidence,
    "dispute_withdrawal": on_dispute_withdrawal,
    "settlement_offer": on_settlement_offer,
    "settlement_acceptance": on_settlement_acceptance,
    "shipment_extension": on_shipment_extension,
    "chargeback": on_chargeback,
    "outside_refund": on_outside_refund,
    "unmatched_resolution": on_unmatched_resolution,
    "dispute_decision": on_dispute_decision,
    "refund_update": on_refund_update,
}

_CHECK: dict[str, Callable[[Order, Any], Refusal | None]] = {
    "payment": payment_problem,
    "payment_declined": payment_declined_problem,
    "seller_reply": seller_reply_problem,
    "seller_message": seller_message_problem,
    "offer_acceptance": offer_problem(OfferKind.before_payment()),
    "offer_decline": offer_problem(frozenset(OfferKind)),
    "settlement_offer": settlement_offer_problem,
    "settlement_acceptance": offer_problem({OfferKind.SETTLEMENT}),
    "dispute_decision": dispute_decision_problem,
    "refund_update": refund_update_problem,
    "chargeback": chargeback_problem,
    "outside_refund": outside_refund_problem,
    "unmatched_resolution": unmatched_resolution_problem,
}
