"""Messages for finished and unknown orders: what is said of their money still counts (R6, R15, R17, R23,
R24).
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

from temporalio.client import Client

from client import reopening, stray_payments
from client.errors import UnknownOrder
from client.workflows import last_run
from orders.errors import NotAllowedNow, RefusalCode
from orders.handlers import check, is_repeat
from orders.messages import Message, PaymentReceived
from orders.payments import contradicts
from orders.reopening import TERMINATED, is_late_message, reopened, terminated
from orders.sentences import sentence
from orders.status import Status
from orders.stray_payments import StrayPaymentInput
from orders.view import OrderView, is_finished
from workflows import ids

StoredOrder = Callable[[str], Awaitable[OrderView | None]]
"""Reads an order's recorded view, which outlives its workflow; None for an unknown order."""

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
    client: Client, order_id: str, stored: StoredOrder, message: Message
) -> LateDelivery:
    """Start a stray payment's workflow for a payment, and the order's own again for what else is said of
    its money.

    Raises NotAllowedNow for messages that are no longer accepted, UnknownOrder for any message but a payment
    to an unknown order, and Overtaken where the order's workflow runs again.
    """
    ended = await last_run(client, ids.order_workflow_id(order_id))
    # Read after it has ended: a run records before it ends.
    view = await stored(order_id)
    if view is None:
        return await deliver_to_no_order(client, order_id, message)
    if not (isinstance(message, PaymentReceived) or is_late_message(message)):
        raise _refusal(view if is_finished(view) else terminated(view), message)
    order = reopened(view, datetime.now(UTC))
    if is_repeat(order, message):
        return LateDelivery(view, None)
    if isinstance(message, PaymentReceived):
        if not (contradicts(order, message) or _has_been_taken_of(view, message.payment_id)):
            return LateDelivery(view, (await refund_late(client, view, message)).id)
        # The order has support told, or hands over what it knows of it.
    else:
        check(order, message)
    return LateDelivery(view, (await reopening.reopen_order(client, order, message, ended)).id)


async def deliver_to_no_order(client: Client, order_id: str, message: Message) -> LateDelivery:
    """R17: a payment for an order that never was goes back. Raises UnknownOrder for any other message."""
    if isinstance(message, PaymentReceived):
        return LateDelivery(None, (await refund_late(client, None, message)).id)
    raise UnknownOrder(order_id)


async def refund_late(
    client: Client, view: OrderView | None, message: PaymentReceived
) -> stray_payments.StrayPaymentHandle:
    """R17: have a payment for a finished or an unknown order refunded."""
    payment = StrayPaymentInput(
        payment_id=message.payment_id,
        money=message.money,
        method=message.method,
        reason=_why_stray(view),
        order_id=view.order_id if view else None,
        payer=view.buyer if view else None,
    )
    return await stray_payments.refund(client, payment)


def _has_been_taken_of(view: OrderView, payment_id: str) -> bool:
    known = {it.payment_id for it in view.chargebacks}
    return payment_id in known | {it.payment_id for it in view.outside_refunds}


def _why_stray(view: OrderView | None) -> str:
    if view is None:
        return UNKNOWN_ORDER
    shipped = view.status is Status.SHIPPED
    return (RefusalCode.ORDER_SHIPPED if shipped else RefusalCode.ORDER_CLOSED).value


def _refusal(view: OrderView, message: Message) -> NotAllowedNow:
    """The refusal with the reason that the order's last view gives, if any."""
    listed = (action for actions in view.actions.values() for action in actions)
    reason = next((it.reason for it in listed if it.action == message.name), None)
    if view.terminated:
        return NotAllowedNow(
            message.name, RefusalCode.NOT_IN_THIS_STATUS, view.status.value, TERMINATED
        )
    code = RefusalCode.ORDER_SHIPPED if view.status is Status.SHIPPED else RefusalCode.ORDER_CLOSED
    return NotAllowedNow(
        message.name, code, view.status.value, reason or sentence("The order is finished.")
    )
