"""Who may do what: one table, and how callers prove who they are.

A role that may never do something is told so (403). What is another's is not there (404), and neither
touches the order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from orders.messages import MESSAGES, ShipmentProof
from orders.messages import Role as Role
from orders.view import OrderView

PEOPLE: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT})

MAY: Final[dict[str, frozenset[Role]]] = {
    "place": frozenset({Role.BUYER, Role.SUPPORT}),
    "list": PEOPLE,
    "read": PEOPLE,
    "watch": PEOPLE,
    "reorder": frozenset({Role.BUYER}),
    "upload": frozenset(ShipmentProof.senders),
    "download": PEOPLE,
    **{name: frozenset(message.senders) for name, message in MESSAGES.items()},
}
"""Which roles may do what, with the orders that are theirs; the messages by their names in the contract."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a party's id and the role in which it does; ``until`` its token counts."""

    id: str
    role: Role
    until: datetime

    def may(self, action: str) -> bool:
        """Whether this role may ever do that."""
        return self.role in MAY[action]

    def may_see(self, order: OrderView) -> bool:
        """Whether this order is the caller's; support sees all, and the provider reports on any."""
        match self.role:
            case Role.BUYER:
                return order.buyer.id == self.id
            case Role.SELLER:
                return order.seller.id == self.id
            case _:
                return True


class Tokens(Protocol):
    """Tells whom a bearer token names."""

    async def caller(self, token: str) -> Caller:
        """The caller. Raises NotSignedIn, and Away while the issuer's keys cannot be had."""


def seen_by(caller: Caller, order: OrderView) -> OrderView:
    """The order as the caller may see it: where the other party is told of things is that one's affair."""
    match caller.role:
        case Role.BUYER:
            return order.model_copy(
                update={"seller": order.seller.model_copy(update={"notify": ()})}
            )
        case Role.SELLER:
            return order.model_copy(update={"buyer": order.buyer.model_copy(update={"notify": ()})})
        case _:
            return order
