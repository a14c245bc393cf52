"""Messages for finished and unknown orders: their payments and chargebacks are still handled (R17, R23)."""

from typing import NamedTuple

from temporalio.client import Client

from client import late_chargebacks, stray_payments
from client.errors import UnknownOrder
from orders.chargebacks import chargeback_problem, repeats_chargeback
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, Message, PaymentReceived
from orders.sentences import sentence
from orders.status import Status
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView

UNKNOWN_ORDER = "unknown_order"
"""The reason for refunding a payment for an unknown order; in addition to the contract's refusal codes."""


class LateDelivery(NamedTuple):
    """The outcome of a message for a finished or unknown order.

    ``view`` is the order's last one, None for an unknown order; ``workflow_id`` is the workflow that handles
    the message, None for a repeat.
    """

    view: OrderView | None
    workflow_id: str | None


async def deliver_late(
    client: Client, order_id: str, view: OrderView | None, message: Message
) -> LateDelivery:
    """Start a workflow of its own for a payment or a chargeback.

    ``view`` is the order's last one, None for an unknown order. Raises NotAllowedNow for messages that are no
    longer accepted, and UnknownOrder for any message but a payment to an unknown order.
    """
    if isinstance(message, PaymentReceived):
        if view and _knows(view, message.payment_id):
            return LateDelivery(view, None)
        payment = StrayPaymentInput(
            payment_id=message.payment_id,
            money=message.money,
            method=message.method,
            reason=_why_stray(view),
            order_id=view.order_id if view else None,
            payer=view.buyer if view else None,
        )
        return LateDelivery(view, (await stray_payments.refund(client, payment)).id)
    if view is None:
        raise UnknownOrder(order_id)
    if isinstance(message, ChargebackReported):
        if repeats_chargeback(view.payment, message):
            return LateDelivery(view, None)
        if problem := chargeback_problem(view.payment, message):
            raise NotAllowedNow(message.name, problem[0], view.status.value, problem[1])
        return LateDelivery(view, (await late_chargebacks.start(client, order_id, message)).id)
    raise _refusal(view, message)


async def charge_back_stray_payment(
    client: Client, payment: StrayPaymentState, message: ChargebackReported
) -> str | None:
    """Start a workflow for a chargeback of a stray payment whose own workflow has ended.

    Returns its workflow id; None for a repeat. Raises NotAllowedNow.
    """
    if repeats_chargeback(payment, message):
        return None
    if problem := payment.chargeback_problem(message):
        raise problem
    return (await late_chargebacks.start(client, None, message)).id


def _knows(view: OrderView, payment_id: str) -> bool:
    return any(entry.details.get("payment_id") == payment_id for entry in view.timeline)


def _why_stray(view: OrderView | None) -> str:
    if view is None:
        return UNKNOWN_ORDER
    shipped = view.status is Status.SHIPPED
    return (RefusalCode.ORDER_SHIPPED if shipped else RefusalCode.ORDER_CLOSED).value


def _refusal(view: OrderView, message: Message) -> NotAllowedNow:
    """The refusal with the reason that the order's last view gives, if any."""
    listed = (action for actions in view.actions.values() for action in actions)
    reason = next((it.reason for it in listed if it.action == message.name), None)
    code = RefusalCode.ORDER_SHIPPED if view.status is Status.SHIPPED else RefusalCode.ORDER_CLOSED
    return NotAllowedNow(
        message.name, code, view.status.value, reason or sentence("The order is finished.")
    )
