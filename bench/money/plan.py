"""The plans of a soak: its orders, what happens to each, and how each must end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orders.place_order import Line, Party, PlaceOrder
from orders.policy import Policy
from orders.status import CloseReason, Status
from orders.values import Money

CURRENCIES = {"EUR": 1, "PLN": 1, "JPY": 1, "KWD": 10}
"""Currencies with two, no and three decimals; amounts are multiples of this, as Stripe requires."""

_DEAREST = 40_000
_ISSUE = 100_000_000  # the numbers that S10 has for one service and country


class Kind(StrEnum):
    """What happens to an order; ``REFUNDS`` has the least number of refunds that it brings."""

    ACCEPTED = "the seller accepts"
    SILENT = "the seller says nothing"
    PARTIAL = "a dispute, a part back"
    FULL = "a dispute, all back"
    NOTHING = "a dispute, nothing back"
    SHIPPED = "shipped"
    WRONG_AMOUNT = "a wrong amount, then accepted"
    TWICE = "paid twice, then accepted"
    LATE = "accepted, then paid again"
    UNPAID = "canceled unpaid, then paid"
    UNKNOWN = "paid for no order"
    UNKNOWN_WON = "paid for no order, a chargeback that is won"
    UNKNOWN_LOST = "paid for no order, a chargeback that is lost"
    WON = "a chargeback that is won"
    LOST = "a chargeback that is lost"
    AWARDED = "a dispute, a part back, and a chargeback of it all that is won"
    SEIZED = "a chargeback before anything else"
    PARTS = "shipped, then two chargebacks of parts, one lost and one won"
    ANEW = "shipped, then a chargeback of a part that is won, lost and won"
    UNMATCHED = "shipped, then a chargeback of more than was paid, or in another currency"
    BY_HAND = "shipped, then a part refunded by hand"
    REST = "a part refunded by hand, then accepted"
    REVERSED = "shipped, then its payment fails"
    RETURNED = "accepted, and its refund comes back and is paid again"
    UNKNOWN_PARTS = "paid for no order, two chargebacks of parts, one lost and one won"
    UNKNOWN_UNMATCHED = (
        "paid for no order, a chargeback of more than was paid, or in another currency"
    )
    UNKNOWN_RETURNED = "paid for no order, and its refund comes back and is paid again"


REFUNDS = {
    Kind.ACCEPTED: 1,
    Kind.SILENT: 1,
    Kind.PARTIAL: 1,
    Kind.FULL: 1,
    Kind.NOTHING: 0,
    Kind.SHIPPED: 0,
    Kind.WRONG_AMOUNT: 2,
    Kind.TWICE: 2,
    Kind.LATE: 2,
    Kind.UNPAID: 1,
    Kind.UNKNOWN: 1,
    Kind.UNKNOWN_WON: 1,
    Kind.UNKNOWN_LOST: 0,
    Kind.WON: 1,
    Kind.LOST: 0,
    Kind.AWARDED: 1,
    Kind.SEIZED: 0,
    Kind.PARTS: 0,
    Kind.ANEW: 0,
    Kind.UNMATCHED: 0,
    Kind.BY_HAND: 1,
    Kind.REST: 2,
    Kind.REVERSED: 0,
    Kind.RETURNED: 1,
    Kind.UNKNOWN_PARTS: 1,
    Kind.UNKNOWN_UNMATCHED: 1,
    Kind.UNKNOWN_RETURNED: 1,
}

_SHARES = {
    Kind.ACCEPTED: 48,
    Kind.SILENT: 6,
    Kind.PARTIAL: 8,
    Kind.FULL: 4,
    Kind.NOTHING: 2,
    Kind.SHIPPED: 4,
    Kind.WRONG_AMOUNT: 5,
    Kind.TWICE: 4,
    Kind.LATE: 4,
    Kind.UNPAID: 2,
    Kind.UNKNOWN: 3,
    Kind.UNKNOWN_WON: 4,
    Kind.UNKNOWN_LOST: 3,
    Kind.WON: 6,
    Kind.LOST: 5,
    Kind.AWARDED: 2,
    Kind.SEIZED: 1,
    Kind.PARTS: 2,
    Kind.ANEW: 2,
    Kind.UNMATCHED: 2,
    Kind.BY_HAND: 2,
    Kind.REST: 3,
    Kind.REVERSED: 2,
    Kind.RETURNED: 3,
    Kind.UNKNOWN_PARTS: 2,
    Kind.UNKNOWN_UNMATCHED: 2,
    Kind.UNKNOWN_RETURNED: 2,
}

SHIPPED = (
    Kind.SHIPPED,
    Kind.PARTS,
    Kind.ANEW,
    Kind.UNMATCHED,
    Kind.BY_HAND,
    Kind.REVERSED,
)
"""What happens after the goods have shipped, and the order's process has ended."""

_ENDS: dict[Kind, CloseReason | None] = {
    Kind.SILENT: CloseReason.SELLER_NO_RESPONSE,
    Kind.PARTIAL: CloseReason.DISPUTE_PARTIAL_REFUND,
    Kind.AWARDED: CloseReason.DISPUTE_PARTIAL_REFUND,
    Kind.FULL: CloseReason.DISPUTE_FULL_REFUND,
    Kind.NOTHING: CloseReason.DISPUTE_NO_REFUND,
    **dict.fromkeys(SHIPPED, None),
    Kind.UNPAID: CloseReason.BUYER_CANCELED_UNPAID,
    Kind.SEIZED: CloseReason.CHARGED_BACK,
}


FOR_NO_ORDER = (
    Kind.UNKNOWN,
    Kind.UNKNOWN_WON,
    Kind.UNKNOWN_LOST,
    Kind.UNKNOWN_PARTS,
    Kind.UNKNOWN_UNMATCHED,
    Kind.UNKNOWN_RETURNED,
)


class Moment(StrEnum):
    """When the chargeback comes: before the refund is requested, during it, or after it."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True)
class PlannedEnding:
    """How an order must end; ``None`` for an amount that may be nothing or everything (R23)."""

    status: Status
    close_reason: CloseReason | None
    paid: int
    refunded: int | None
    charged_back: int


@dataclass(frozen=True)
class Plan:
    """One order to place; ``None`` for a payment whose order never exists."""

    kind: Kind
    order_id: str
    total: Money
    part: Money
    """What support awards in a dispute, and the wrong amount that somebody pays."""
    moment: Moment
    chance: random.Random

    @property
    def placed(self) -> PlaceOrder | None:
        """The order as it is placed."""
        if self.kind in FOR_NO_ORDER:
            return None
        return PlaceOrder(
            order_id=self.order_id,
            buyer=Party(id=f"b-{self.order_id}", name="Anna", locale="pl"),
            seller=Party(id=f"s-{self.order_id}", name="Shop 3", locale="en"),
            lines=(Line(sku="CAB-2", title="USB-C cable", quantity=1, unit_price=self.total),),
            shipping_price=self.total.of(0),
            policy=self._policy(),
        )

    @property
    def ending(self) -> PlannedEnding | None:
        """How it must end."""
        if self.kind in FOR_NO_ORDER:
            return None
        all_of_it = self.total.amount
        refunded: int | None = all_of_it
        match self.kind:
            case Kind.PARTIAL | Kind.AWARDED | Kind.BY_HAND:
                refunded = self.part.amount
            case Kind.NOTHING | Kind.UNPAID | Kind.SEIZED | Kind.SHIPPED | Kind.REVERSED:
                refunded = 0
            case Kind.PARTS | Kind.ANEW | Kind.UNMATCHED:
                refunded = 0
            case Kind.LOST:
                refunded = all_of_it if self.moment is Moment.AFTER else None
            case _:
                pass
        charged_back = 0
        if self.kind in (Kind.LOST, Kind.SEIZED, Kind.REVERSED, Kind.UNMATCHED):
            charged_back = all_of_it
        elif self.kind is Kind.PARTS:
            charged_back = self.part.amount
        return PlannedEnding(
            status=Status.SHIPPED if self.kind in SHIPPED else Status.CLOSED,
            close_reason=_ENDS.get(self.kind, CloseReason.SELLER_ACCEPTED),
            paid=0 if self.kind is Kind.UNPAID else all_of_it,
            refunded=refunded,
            charged_back=charged_back,
        )

    def _policy(self) -> Policy:
        chance = self.chance
        silent = self.kind is Kind.SILENT
        return Policy(
            payment_review=timedelta(seconds=chance.uniform(1.0, 2.0)),
            seller_reply_window=timedelta(seconds=chance.uniform(1.0, 2.5) if silent else 3600),
            # Some are overdue before they can be settled (R15).
            refund_window=timedelta(seconds=2) if chance.random() < 0.2 else timedelta(days=14),
            refund_checks=tuple(
                timedelta(seconds=it + chance.random())
                for it in (3, 6, 9, 13, 18, 26, 38, 55, 75, 100)
            ),
            # Then again and again, also where a busy machine's bank takes its time.
            dispute_reminder=timedelta(minutes=1),
            dispute_window=timedelta(hours=3),
        )


def plans(refunds: int, seed: int) -> Iterator[Plan]:
    """Plans that bring at least this many refunds; the same for the same seed."""
    chance = random.Random(seed)
    kinds, shares = list(_SHARES), list(_SHARES.values())
    number = 0
    # Each kind once, so that a short soak has seen them all; then by their shares.
    first = [*kinds]
    while refunds > 0:
        kind = first.pop() if first else chance.choices(kinds, shares)[0]
        number += 1
        refunds -= REFUNDS[kind]
        currency, step = chance.choice(list(CURRENCIES.items()))
        total = chance.randint(10, _DEAREST)
        money = Money.model_validate({"amount": total * step, "currency": currency})
        yield Plan(
            kind=kind,
            order_id=f"S{number:06}",
            total=money,
            part=money.of(chance.randint(1, total - 1) * step),
            moment=chance.choice(list(Moment)),
            chance=random.Random(f"{seed}:{number}"),
        )


def tracking_number(number: int) -> str:
    """A valid tracking number by the UPU's S10, the n-th of them (R11)."""
    serial = f"{number % _ISSUE:08}"
    rest = sum(int(digit) * weight for digit, weight in zip(serial, _WEIGHTS, strict=True)) % 11
    return f"RR{serial}{ {0: 5, 1: 0}.get(rest, 11 - rest) }PL"


_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
