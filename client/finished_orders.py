"""Messages for orders that are over or never were: money that moves is seen to nevertheless (R17, R23)."""

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
"""Why a payment is refunded that came for an order which never was; beside the contract's refusal codes."""


class LateDelivery(NamedTuple):
    """What became of a message whose order is over or never was.

    ``view`` is the order's last one, None for an order that never was; ``workflow_id`` is the workflow that
    the message was left to, None for what the order knew already.
    """

    view: OrderView | None
    workflow_id: str | None


async def deliver_late(
    client: Client, order_id: str, view: OrderView | None, message: Message
) -> LateDelivery:
    """Leave a payment or a chargeback to a workflow of its own.

    ``view`` is the order's last one; None for an order that never was. Raises NotAllowedNow for what cannot
    be taken any more, and UnknownOrder for any message but a payment to an order that never was.
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
    """Leave a chargeback of a stray payment whose workflow has ended to another one.

    Returns that one's workflow id; None for what was known already. Raises NotAllowedNow.
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
    """The order's own words, where its last view has them."""
    listed = (action for actions in view.actions.values() for action in actions)
    reason = next((it.reason for it in listed if it.action == message.name), None)
    code = RefusalCode.ORDER_SHIPPED if view.status is Status.SHIPPED else RefusalCode.ORDER_CLOSED
    return NotAllowedNow(
        message.name, code, view.status.value, reason or sentence("The order is finished.")
    )
