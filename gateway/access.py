"""Authorisation: what each role may do, and whose order it is. How callers authenticate: ``gateway.tokens``.

An action that a role never has is a 403, another party's order a 404; neither touches the order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from orders.if_nothing import if_nothing
from orders.listed import ListedOrder
from orders.messages import MESSAGES, DisputeEvidence, ShipmentProof
from orders.messages import Role as Role
from orders.outside_refunds import OutsideRefund
from orders.payments import Payment, PendingPayment
from orders.place_order import Party
from orders.refunds import REFUND_EVENTS, Refund
from orders.shipments import Shipment
from orders.timeline import Event, TimelineEntry
from orders.view import OrderView

SET_BY_TOKEN: Final = frozenset({"by_id", "by"})
"""R25: fields of messages that say who sent them; a caller cannot give them."""

PEOPLE: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT})

MAY: Final[dict[str, frozenset[Role]]] = {
    "place": frozenset({Role.BUYER, Role.SUPPORT}),
    "list": PEOPLE,
    "read": PEOPLE,
    "watch": PEOPLE,
    "reorder": frozenset({Role.BUYER, Role.SUPPORT}),
    "upload": frozenset(ShipmentProof.senders),
    "upload_evidence": frozenset(DisputeEvidence.senders),
    "download": PEOPLE,
    "read_stray_payment": frozenset({Role.SUPPORT}),
    "decode": frozenset({Role.SUPPORT}),
    "read_case": frozenset({Role.SUPPORT}),
    **{name: frozenset(message.senders) for name, message in MESSAGES.items()},
}
"""The roles allowed each action on their own orders; messages by their names in the contract.

Buyers place and re-order only where the installation says so (R3).
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated party: its id, its role, and when its token expires.

    ``email`` is the address that the token says is verified.
    """

    id: str
    role: Role
    expires_at: datetime
    email: str | None = None

    def may(self, action: str) -> bool:
        """Whether this role is ever allowed this action."""
        return self.role in MAY[action]

    def may_see(self, buyer_id: str, seller_id: str) -> bool:
        """Whether an order of these is the caller's own; support's are all, the provider's to report on.

        ``MAY`` says what a role may do with it: the provider reads none.
        """
        match self.role:
            case Role.BUYER:
                return buyer_id == self.id
            case Role.SELLER:
                return seller_id == self.id
            case _:
                return True


class Tokens(Protocol):
    """Verifies bearer tokens."""

    async def caller(self, token: str) -> Caller:
        """The caller. Raises Unauthorized, and ServiceUnavailable while the issuer's keys cannot be had."""


_NEWS_OF_REFUNDS: Final = frozenset({*REFUND_EVENTS.values(), Event.REFUND_RETURNED})
_BUYERS_BANK: Final = _NEWS_OF_REFUNDS | {Event.PAYMENT_DECLINED, Event.OUTSIDE_REFUND_FAILED}
"""Events whose ``reason`` is the buyer's bank's: a stolen card, too little money. Mails tell no seller."""


def listed_for(caller: Caller, order: ListedOrder) -> ListedOrder:
    """The order in a list, without the other party's addresses and time zone."""
    match caller.role:
        case Role.BUYER:
            return order.model_copy(update={"seller": _without_contact(order.seller)})
        case Role.SELLER:
            return order.model_copy(update={"buyer": _without_contact(order.buyer)})
        case _:
            return order


def view_for(caller: Caller, order: OrderView) -> OrderView:
    """The view with what silence does; for buyer and seller without the other party's addresses and time
    zone, strangers' orders, and what support knows of money and who there said it (R25); for the seller
    without what the buyer's bank says of the buyer.
    """
    follows = if_nothing(order)
    hidden: dict[str, Any]
    match caller.role:
        case Role.BUYER:
            hidden = {"seller": _without_contact(order.seller)}
        case Role.SELLER:
            hidden = {"buyer": _without_contact(order.buyer)}
        case _:
            return order.model_copy(update={"if_nothing": follows})
    if caller.role is Role.SELLER:
        order = _without_buyers_bank(order)
    hidden["if_nothing"] = {role: it for role, it in follows.items() if role is not Role.SUPPORT}
    return order.model_copy(
        update={
            **hidden,
            "shipment": _without_strangers(order.shipment),
            "timeline": [_without_internals(it) for it in order.timeline],
            "refund": order.refund and _without_note(order.refund),
            "earlier_refunds": [_without_note(it) for it in order.earlier_refunds],
            # What the marketplace and the provider have between them.
            "unmatched": [],
            "unmatched_resolutions": [],
        }
    )


def to_hand_over(order: OrderView) -> OrderView:
    """The view for a file that leaves the house: without addresses, of which some hold secrets."""
    return order.model_copy(
        update={
            "buyer": order.buyer.model_copy(update={"notify": ()}),
            "seller": order.seller.model_copy(update={"notify": ()}),
        }
    )


def _without_contact(party: Party) -> Party:
    return party.model_copy(update={"notify": (), "time_zone": None})


def _without_internals(entry: TimelineEntry) -> TimelineEntry:
    """R25: what support knows of money is support's own, and so are the names of those who work there."""
    by_id = entry.by_id if entry.by in (Role.BUYER, Role.SELLER) else None
    details = entry.details
    if entry.what == Event.UNMATCHED_RESOLVED:
        details = {}
    elif entry.what in _NEWS_OF_REFUNDS:
        details = {name: it for name, it in details.items() if name != "note"}
    return entry.model_copy(update={"by_id": by_id, "details": details})


def _without_buyers_bank(order: OrderView) -> OrderView:
    """Why a payment was declined, or a refund does not arrive, is between the buyer and their bank."""
    return order.model_copy(
        update={
            "payment": _without_decline(order.payment),
            "refund": order.refund and _without_failure(order.refund),
            "earlier_refunds": [_without_failure(it) for it in order.earlier_refunds],
            "outside_refunds": [_without_reason(it) for it in order.outside_refunds],
            "timeline": [_without_banks_reason(it) for it in order.timeline],
        }
    )


def _without_decline(payment: Payment | PendingPayment | None) -> Payment | PendingPayment | None:
    if isinstance(payment, Payment) and payment.is_declined:
        return payment.model_copy(update={"declined_reason": None})
    return payment


def _without_failure(refund: Refund) -> Refund:
    return refund.model_copy(update={"failure_reason": None})


def _without_reason(refund: OutsideRefund) -> OutsideRefund:
    return refund if refund.counts else refund.model_copy(update={"reason": ""})


def _without_banks_reason(entry: TimelineEntry) -> TimelineEntry:
    if entry.what not in _BUYERS_BANK:
        return entry
    details = {name: it for name, it in entry.details.items() if name != "reason"}
    return entry.model_copy(update={"details": details})


def _without_note(refund: Refund) -> Refund:
    return refund.model_copy(update={"note": ""})


def _without_strangers(shipment: Shipment | None) -> Shipment | None:
    """R11: which other seller's order uses the same tracking number is for support alone."""
    if shipment is None or not any(it.other_order_id for it in shipment.tracking):
        return shipment
    tracking = [it.model_copy(update={"other_order_id": None}) for it in shipment.tracking]
    return shipment.model_copy(update={"tracking": tracking})
