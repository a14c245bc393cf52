"""Adding to the cart again (R3): an order closed unpaid becomes a new one, at today's prices."""

from collections.abc import Mapping

from pydantic import ValidationError

from orders.errors import InvalidInput, NotAllowedNow, RefusalCode
from orders.place_order import Line, PlaceOrder
from orders.policy import Policy
from orders.sentences import sentence
from orders.status import CloseReason
from orders.values import Money
from orders.view import OrderView


def reorder(
    closed: OrderView,
    order_id: str,
    prices: Mapping[str, Money],
    shipping_price: Money,
    policy: Policy,
) -> PlaceOrder:
    """The same lines for the same people, at the ``prices`` that the caller gives for each sku.

    The new order takes the marketplace's present policy (R22). Raises NotAllowedNow for an order that is
    not closed unpaid, InvalidInput where a price is missing or the new order would not be valid.
    """
    if closed.close_reason not in CloseReason.unpaid():
        raise NotAllowedNow(
            "reorder",
            RefusalCode.NOT_IN_THIS_STATUS,
            closed.status.value,
            sentence("Only an order that was closed unpaid can be added to the cart again."),
        )
    if missing := [line.sku for line in closed.lines if line.sku not in prices]:
        raise InvalidInput(sentence("No price is given for {skus}.", skus=", ".join(missing)))
    try:
        return PlaceOrder(
            order_id=order_id,
            buyer=closed.buyer,
            seller=closed.seller,
            lines=tuple(
                Line(
                    sku=line.sku,
                    title=line.title,
                    quantity=line.quantity,
                    unit_price=prices[line.sku],
                )
                for line in closed.lines
            ),
            shipping_price=shipping_price,
            policy=policy,
        )
    except ValidationError as error:
        raise InvalidInput.from_validation("PlaceOrder", error) from None
