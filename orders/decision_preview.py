"""What a dispute's decision means for both sides, before it is made (R16, R16a)."""

from __future__ import annotations

from typing import Literal

from orders.disputes import turns_claim_down
from orders.values import Frozen, Money
from orders.view import OrderView


class DecisionPreview(Frozen):
    """What of the money that is held a decision gives to whom, and whether the order closes by it."""

    decision: Literal["full_refund", "partial_refund", "no_refund"]
    to_buyer: Money
    to_seller: Money
    closes: bool = True


def decision_previews(view: OrderView, partial: Money | None = None) -> list[DecisionPreview]:
    """Of each decision that an open dispute may get; ``partial`` is the amount of a partial refund.

    What the bank has taken, or the provider sent back, counts towards what the buyer is awarded (R23, R24).
    ``no_refund`` of goods that have not shipped turns the claim down: nobody is paid, and the order awaits
    shipment again.
    """
    if view.dispute is None or not view.dispute.is_open:
        return []
    paid, held = view.amount_paid, view.amount_held
    gone = paid.amount - held.amount

    def closing(
        decision: Literal["full_refund", "partial_refund", "no_refund"], awarded: int
    ) -> DecisionPreview:
        to_buyer = min(max(awarded - gone, 0), held.amount)
        return DecisionPreview(
            decision=decision,
            to_buyer=held.of(to_buyer),
            to_seller=held.of(held.amount - to_buyer),
        )

    previews = [closing("full_refund", paid.amount)]
    if partial is not None and partial.amount < paid.amount:
        previews.append(closing("partial_refund", partial.amount))
    if not turns_claim_down(view):
        return [*previews, closing("no_refund", 0)]
    nothing = held.of(0)
    turned_down = DecisionPreview(
        decision="no_refund", to_buyer=nothing, to_seller=nothing, closes=False
    )
    return [*previews, turned_down]
