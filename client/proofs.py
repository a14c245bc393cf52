"""Proofs of shipment that nobody uploaded, refused before an order hears of them (R11).

An order cannot look into the proof store. It takes what names a file for evidence, which support then judges.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from client.errors import UnknownOrder
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import Message, Role, ShipmentProof
from orders.refusals import MOST
from orders.sentences import sentence
from orders.status import Status
from orders.view import OrderView

HasProof = Callable[[str, ShipmentProof], Awaitable[bool]]
"""Whether the proof store has the file that a message names, for this order and as the message has it."""

_CODES: Final = {
    Status.SHIPPED: RefusalCode.ORDER_SHIPPED,
    Status.CLOSED: RefusalCode.ORDER_CLOSED,
}


async def no_store(order_id: str, proof: ShipmentProof) -> bool:
    """Of a sender without a proof store: no proof is known."""
    return False


async def refuse_unknown_proof(
    order_id: str,
    message: Message,
    has_proof: HasProof,
    show: Callable[[], Awaitable[OrderView]],
) -> None:
    """Raise NotAllowedNow for a message whose file is not stored, with why where no proof is taken anyway.

    ``show`` gets the order's view. An unknown order is left to whoever looks for it.
    """
    if not isinstance(message, ShipmentProof) or await has_proof(order_id, message):
        return
    try:
        view = await show()
    except UnknownOrder:
        return
    raise proof_refusal(view) or NotAllowedNow(
        message.name,
        RefusalCode.UNKNOWN_PROOF,
        view.status.value,
        sentence(
            "The proof store has no such file for this order: upload the photo or scan on the order's page "
            "or to /v1/orders/{order}/proofs, which sends this message itself.",
            order=order_id,
        ),
    )


def proof_refusal(view: OrderView) -> NotAllowedNow | None:
    """Why the order takes no proof now; None where it does."""
    listed = view.actions.get(Role.SELLER, [])
    action = next((it for it in listed if it.action == ShipmentProof.name), None)
    if action is None or action.available:
        return None
    code = RefusalCode.NOT_IN_THIS_STATUS
    if view.shipment and len(view.shipment.proofs) >= MOST[ShipmentProof.name]:
        code = RefusalCode.TOO_MANY_MESSAGES
    code = _CODES.get(view.status, code)
    return NotAllowedNow(
        ShipmentProof.name, code, view.status.value, action.reason or "", action.available_from
    )
