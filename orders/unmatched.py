"""Money that cannot be matched with what was paid, and who bears it (R23).

The provider took more than was paid, or took it in another currency: an exchange rate, a fee, a mistake. It
lies on an account of its own until support says who bears it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orders import keys
from orders import messages as m
from orders.errors import Refusal, RefusalCode
from orders.messages import Role
from orders.sentences import sentence
from orders.timeline import Event
from orders.values import Balance, Frozen, Instant

if TYPE_CHECKING:
    from orders.order import Order


class ResolvedAmount(Frozen):
    """R23, R25: who bears an amount that could not be matched, by whose word, and why.

    ``borne_by`` is an account of ``orders.accounting``; the amount is negative for what was booked in its
    stead.
    """

    at: Instant
    by_id: str | None
    note: str
    borne_by: str
    amount: Balance


def on_unmatched_resolution(order: Order, message: m.UnmatchedResolution, at: datetime) -> None:
    """R23: support says who bears all that is unmatched now."""
    amounts = order.unmatched
    order.unmatched_resolutions += resolved_amounts(message, amounts, at)
    order.allocate(at, keys.unmatched_step(order.count("unmatched resolution")))
    order.happened(
        at, Event.UNMATCHED_RESOLVED, Role.SUPPORT, **resolution_details(message, amounts)
    )


def resolved_amounts(
    message: m.UnmatchedResolution, amounts: Iterable[Balance], at: datetime
) -> list[ResolvedAmount]:
    """What support has said who bears it."""
    return [
        ResolvedAmount(
            at=at, by_id=message.by_id, note=message.note, borne_by=message.borne_by, amount=amount
        )
        for amount in amounts
    ]


def resolution_details(
    message: m.UnmatchedResolution, amounts: Iterable[Balance]
) -> dict[str, Any]:
    """What a timeline says of it, as JSON values."""
    return {
        "borne_by": message.borne_by,
        "note": message.note,
        "amounts": [it.model_dump(mode="json") for it in amounts],
    }


def unmatched_resolution_problem(order: Order, message: m.UnmatchedResolution) -> Refusal | None:
    """The seller's account is in the order's currency: a difference of currencies is the marketplace's."""
    if message.borne_by == "marketplace" or seller_can_bear(order):
        return None
    return Refusal(
        RefusalCode.WRONG_AMOUNT,
        sentence(
            "The seller can bear only money in {currency}, the order's currency; what was taken in "
            "another one is the marketplace's to bear.",
            currency=order.amount_paid.currency,
        ),
    )


def seller_can_bear(order: Order) -> bool:
    """Whether all that is unmatched now was taken in the order's currency, or the seller has borne it before.

    What a chargeback took that is won gives the seller back what it was (R23).
    """
    currency = order.amount_paid.currency
    borne = sum(it.amount.amount for it in order.unmatched_resolutions if it.borne_by == "seller")
    return all(
        it.currency == currency and (it.amount > 0 or -it.amount <= borne) for it in order.unmatched
    )
