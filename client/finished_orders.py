"""Messages whose process has ended, or for orders that never were: money still finds its way (R17, R23)."""

from temporalio.client import Client

from orders.chargebacks import chargeback_problem, repeats_chargeback
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import ChargebackReported, Message, PaymentReceived
from orders.status import Status
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView
from workflows import calls

UNKNOWN_ORDER = "unknown_order"
"""Why money goes back that came for an order which never was; beside the contract's refusal codes."""


async def take_after_the_end(
    client: Client, order_id: str, view: OrderView | None, message: Message
) -> str | None:
    """Leave the message to a process of its own, and answer with that one's workflow id.

    ``view`` is the order's last one; None for an order that never was. The answer is None for what the order
    knew already. Raises NotAllowedNow for what can't be taken any more, and LookupError for any message but
    a payment to an order that never was.
    """
    if isinstance(message, PaymentReceived):
        if view and _knows(view, message.payment_id):
            return None
        stray = StrayPaymentInput(
            payment_id=message.payment_id,
            money=message.money,
            method=message.method,
            reason=_why_stray(view),
            order_id=view.order_id if view else None,
            payer=view.buyer if view else None,
        )
        return (await calls.send_back(client, stray)).id
    if view is None:
        raise LookupError(f"There is no order {order_id}.")
    if isinstance(message, ChargebackReported):
        if repeats_chargeback(view.payment, message):
            return None
        if problem := chargeback_problem(view.payment, message):
            raise NotAllowedNow(message.name, problem[0], view.status.value, problem[1])
        return (await calls.charge_back_late(client, order_id, message)).id
    raise _refusal(view, message)


async def charge_back_after_the_end(
    client: Client, stray: StrayPaymentState, message: ChargebackReported
) -> str | None:
    """Leave a chargeback of stray money whose process has ended to another, as ``take_after_the_end``."""
    if repeats_chargeback(stray, message):
        return None
    if problem := stray.chargeback_problem(message):
        raise problem
    return (await calls.charge_back_late(client, None, message)).id


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
    return NotAllowedNow(message.name, code, view.status.value, reason or "The order is over.")
