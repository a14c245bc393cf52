"""Proofs and evidence that nobody uploaded, refused before an order hears of them (R11, R16).

An order cannot look into the proof store. It takes what names a file for evidence, which support then judges.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from client.errors import UnknownOrder
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import DisputeEvidence, Message, ShipmentProof
from orders.refusals import MOST
from orders.sentences import sentence
from orders.status import Status
from orders.stored_files import StoredFile
from orders.view import OrderView

HasProof = Callable[[str, StoredFile], Awaitable[bool]]
"""Whether the proof store has the file that a message names, for this order and as the message has it."""

Upload = ShipmentProof | DisputeEvidence
"""What names a file of the store."""

PATHS: Final[dict[type[Upload], str]] = {ShipmentProof: "proofs", DisputeEvidence: "evidence"}
"""Where each is uploaded over HTTP, behind the order's address."""

_CODES: Final = {
    Status.SHIPPED: RefusalCode.ORDER_SHIPPED,
    Status.CLOSED: RefusalCode.ORDER_CLOSED,
}


async def no_store(order_id: str, file: StoredFile) -> bool:
    """Of a sender without a proof store: no file is known."""
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
    if not isinstance(message, ShipmentProof | DisputeEvidence):
        return
    if await has_proof(order_id, message):
        return
    try:
        view = await show()
    except UnknownOrder:
        return
    raise upload_refusal(view, type(message)) or NotAllowedNow(
        message.name,
        RefusalCode.UNKNOWN_PROOF,
        view.status.value,
        sentence(
            "The proof store has no such file for this order: upload the photo or scan on the order's page "
            "or to /v1/orders/{order}/{part}, which sends this message itself.",
            order=order_id,
            part=PATHS[type(message)],
        ),
    )


def upload_refusal(view: OrderView, message: type[Upload]) -> NotAllowedNow | None:
    """Why the order takes no such file now; None where it does."""
    listed = view.actions.get(message.senders[0], [])
    action = next((it for it in listed if it.action == message.name), None)
    if action is None or action.available:
        return None
    code = RefusalCode.NOT_IN_THIS_STATUS
    if len(_given(view, message)) >= MOST[message.name]:
        code = RefusalCode.TOO_MANY_MESSAGES
    code = _CODES.get(view.status, code)
    return NotAllowedNow(
        message.name, code, view.status.value, action.reason or "", action.available_from
    )


def _given(view: OrderView, message: type[Upload]) -> Sequence[object]:
    if message is DisputeEvidence:
        return view.dispute.files if view.dispute else []
    return view.shipment.proofs if view.shipment else []
