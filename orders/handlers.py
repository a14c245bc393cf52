"""What each message does to an order (R2-R13, R16-R20a, R23).

``receive`` is the one way in: it recognises repeats, refuses what the order cannot take, and otherwise
applies the message at once. Nothing waits here; what must happen outside is left in the order
(``notifications``, ``postings``, ``stray_payments_to_start``, evidence to verify, a refund to ask for) for
the workflow to do.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from orders import messages as m
from orders.cancellations import (
    on_cancel_request,
    on_cancel_withdrawal,
    on_seller_reply,
    seller_reply_problem,
)
from orders.chargebacks import chargeback_problem, on_chargeback, repeats_chargeback
from orders.conversation import on_buyer_message, on_seller_message, seller_message_problem
from orders.disputes import (
    dispute_decision_problem,
    on_dispute_decision,
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
from orders.offers import OfferKind, acceptance_problem, on_offer_acceptance
from orders.order import Order, Refused, StrayPayment
from orders.payments import (
    accept_payment,
    contradicts,
    on_payment,
    on_payment_declined,
    payment_problem,
)
from orders.refunds import find_refund, on_refund_update, refund_update_problem, repeats
from orders.refusals import refusal, refuse
from orders.sentences import sentence
from orders.shipments import (
    on_proof_review,
    on_shipment_extension,
    on_shipment_proof,
    on_tracking_number,
)
from orders.timeline import Event

_MOST_REFUSED = 20
_MOST_MESSAGE_IDS = 500
_MOST_PAYMENT_IDS = 500


def receive(order: Order, message: m.Message, at: datetime) -> bool:
    """Apply a message; False when it repeats one that was taken. Raises NotAllowedNow otherwise."""
    if is_repeat(order, message):
        return False
    check(order, message, at)
    if message.name not in TRANSITIONS[order.status]:
        # The check's end has passed, and its timer has not been seen yet (R7).
        accept_payment(order, at)
    _APPLY[message.name](order, message, at)
    order.count(message.name)
    if message.message_id:
        order.message_ids = [*order.message_ids, _id_of(message)][-_MOST_MESSAGE_IDS:]
    return True


def _id_of(message: m.Message) -> str:
    # With its name: an id that was used for another message makes this one no repeat.
    return f"{message.name}:{message.message_id}"


def is_repeat(order: Order, message: m.Message) -> bool:
    """Whether the order has taken this already: by message id, or by what the message is about."""
    # A payment is known by its own id alone: whoever mistakes a message's id must not lose money (R17).
    is_money = isinstance(message, m.PaymentReceived)
    if message.message_id and _id_of(message) in order.message_ids and not is_money:
        return True
    match message:
        case m.PaymentReceived():
            payment = order.payment
            if payment and payment.payment_id == message.payment_id:
                return payment.money == message.money
            known = (*order.stray_payment_ids, *order.declined_payments)
            return message.payment_id in known and message.payment_id not in order.declined_unseen
        case m.PaymentDeclined():
            return message.payment_id in order.declined_payments
        case m.RefundUpdate():
            refund = find_refund(order, message.refund_id)
            return refund is not None and repeats(refund, message.status)
        case m.ChargebackReported():
            return repeats_chargeback(order.payment, message)
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
    if not (
        isinstance(message, m.PaymentReceived) and message.payment_id in order.stray_payment_ids
    ):
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
            order.contradicted = [*order.contradicted, payment.payment_id][-_MOST_PAYMENT_IDS:]
            order.notify(
                at,
                NotificationKind.PAYMENT_CONTRADICTS,
                payment_id=payment.payment_id,
                money=payment.money.model_dump(mode="json"),
            )
            order.revision += 1
        return
    # Temporal starts the process of a payment once, also of one that is forgotten here.
    order.stray_payment_ids = [*order.stray_payment_ids, payment.payment_id][-_MOST_PAYMENT_IDS:]
    order.stray_payments_to_start.append(
        StrayPayment(
            payment_id=payment.payment_id,
            money=payment.money,
            method=payment.method,
            reason=refused.code.value,
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
    "payment_declined": on_payment_declined,
    "cancel_request": on_cancel_request,
    "cancel_withdrawal": on_cancel_withdrawal,
    "seller_reply": on_seller_reply,
    "tracking_number": on_tracking_number,
    "shipment_proof": on_shipment_proof,
    "proof_review": on_proof_review,
    "seller_message": on_seller_message,
    "buyer_message": on_buyer_message,
    "offer_acceptance": on_offer_acceptance,
    "dispute_request": on_dispute_request,
    "dispute_withdrawal": on_dispute_withdrawal,
    "settlement_offer": on_settlement_offer,
    "settlement_acceptance": on_settlement_acceptance,
    "shipment_extension": on_shipment_extension,
    "chargeback": on_chargeback,
    "dispute_decision": on_dispute_decision,
    "refund_update": on_refund_update,
}

_CHECK: dict[str, Callable[[Order, Any], Refusal | None]] = {
    "payment": payment_problem,
    "seller_reply": seller_reply_problem,
    "seller_message": seller_message_problem,
    "offer_acceptance": acceptance_problem(OfferKind.before_payment()),
    "settlement_offer": settlement_offer_problem,
    "settlement_acceptance": acceptance_problem({OfferKind.SETTLEMENT}),
    "dispute_decision": dispute_decision_problem,
    "refund_update": refund_update_problem,
    "chargeback": lambda order, message: chargeback_problem(order.payment, message),
}
