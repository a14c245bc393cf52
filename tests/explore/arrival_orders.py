"""The same facts in every order of arrival end in the same books (R6, R23, R24).

Facts of one payment, with when the provider said each, arrive at an order, or at a stray payment, in every
order there is. Then the provider answers what it is asked until nothing is left to happen, and the books must
be the same each time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations, product
from typing import Any, Final, NamedTuple

from orders import allocation
from orders.accounting import Posting
from orders.handlers import receive
from orders.messages import MESSAGES, Message, RefundStatus
from orders.refunds import RefundReport, refund_under_way
from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage, StrayPaymentState
from tests.explore.copies import copy_of
from tests.explore.models import ENDED, FEW_CHECKS, PAID, PAYMENT
from tests.explore.order_model import Situation, live_through
from tests.explore.small_data import DUE, IN_DOLLARS, PART, START, build
from tests.orders.builders import eur

MOST_FACTS: Final = 5

_FIRST_SAID: Final = START + timedelta(days=20)
# Of an order that some orders of arrival close and others do not: who gets the money then differs.
_OF_EVERY_END: Final = frozenset({"unmatched", "marketplace"})


class Fact(NamedTuple):
    """What the provider says, but for when."""

    name: str
    fields: dict[str, Any]


Life = tuple[Fact, ...]
"""What is said of one thing, one word after another."""


def _of_claim(claim: str, money: int, *words: str) -> Life:
    about = {"payment_id": "pay-1", "chargeback_id": claim, "money": money}
    return tuple(Fact("chargeback", {**about, "status": word}) for word in words)


def _of_sent(refund: str, *words: str) -> Life:
    about = {"payment_id": "pay-1", "provider_refund_id": refund, "money": PART}
    return tuple(Fact("outside_refund", {**about, "status": word}) for word in words)


def _of_ours(*words: str) -> Life:
    about = {"refund_id": "A-1001-refund-1"}
    return tuple(Fact("refund_update", {**about, "status": word}) for word in words)


_DECISIONS: Final = (
    ("opened",),
    ("won",),
    ("opened", "won"),
    ("opened", "lost"),
    ("opened", "lost", "won"),
    ("opened", "won", "lost"),
)
_CLAIMS: Final = [_of_claim("dp_1", it, *words) for it in (PART, DUE) for words in _DECISIONS]
_SECOND_CLAIMS: Final = [
    *(_of_claim("dp_2", PART, *words) for words in _DECISIONS[2:4]),
    _of_claim("dp_2", IN_DOLLARS, "opened", "lost"),
]
_SENT: Final = [
    _of_sent("re_1", *words)
    for words in (("succeeded",), ("pending", "succeeded"), ("pending", "succeeded", "failed"))
]
_OURS: Final = [
    _of_ours(*words) for words in (("succeeded",), ("failed",), ("pending", "succeeded", "failed"))
]
_REVERSED: Final[Life] = (
    Fact("payment_declined", {"payment_id": "pay-1", "reason": "Account closed"}),
)


@dataclass
class Arrivals:
    """What was tried, and in which orders of arrival the books come out otherwise."""

    most_facts: int = MOST_FACTS
    orders: int = 0
    """Of arrival."""
    counterexamples: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Try all."""
        not_ours = [
            one + other
            for others in (_SECOND_CLAIMS, _SENT, [_REVERSED])
            for one, other in product(_CLAIMS, others)
        ]
        with_ours = [one + other for one, other in product(_OURS, (*_CLAIMS, *_SENT))]
        for name, situation in {"awaiting shipment": PAID, **ENDED}.items():
            has_refund = live_through(FEW_CHECKS, situation)[1].order.refund is not None
            for said in (*not_ours, *(with_ours if has_refund else ())):
                self._try_order(name, situation, said)
        for said in not_ours:
            self._try_order("awaiting payment", (), (Fact(*PAYMENT), *said))
            self._try_stray_payment(said)

    def _try_order(self, name: str, situation: Situation, said: Life) -> None:
        _, start = live_through(FEW_CHECKS, situation)
        only = _OF_EVERY_END if start.order.is_open else None
        books: list[object] = []
        for arrived in self._arrivals(said):
            order = copy_of(start.order)
            for message in arrived:
                receive(order, message, start.now)
            while refund := refund_under_way(order):
                order.update_refund(refund, _answer(stopping=refund.stopping), start.now)
            self._compare(name, books, _booked(order.all_postings, only), arrived)

    def _try_stray_payment(self, said: Life) -> None:
        found = StrayPaymentInput(
            payment_id="pay-1", money=eur(DUE), method="card", reason="unknown_order"
        )
        books: list[object] = []
        for arrived in self._arrivals(said):
            stray = StrayPaymentState.new(found, START)
            for message in arrived:
                assert isinstance(message, StrayPaymentMessage)
                stray.receive(message, START)
            while refund := refund_under_way(stray):
                stray.update_refund(refund, _answer(stopping=refund.stopping), START)
            self._compare("stray payment", books, _booked(stray.postings, None), arrived)

    def _arrivals(self, said: Life) -> Iterator[tuple[Message, ...]]:
        if len(said) > self.most_facts:
            return
        messages = [_message(it, _FIRST_SAID + timedelta(hours=n)) for n, it in enumerate(said)]
        for arrived in permutations(messages):
            names = [it.name for it in arrived]
            if "payment" in names and "payment_declined" in names[: names.index("payment")]:
                continue  # it came in although it was declined: support's to find out (R17)
            self.orders += 1
            yield arrived

    def _compare(
        self, name: str, books: list[object], found: object, arrived: tuple[Message, ...]
    ) -> None:
        books.append(found)
        if found != books[0]:
            path = ", ".join(str(it.model_dump(exclude_unset=True)) for it in arrived)
            self.counterexamples.append(f"{name}: {found}, and not {books[0]}, by {path}")


def _answer(*, stopping: bool) -> RefundReport:
    return RefundReport(RefundStatus.CANCELED if stopping else RefundStatus.SUCCEEDED)


def _message(fact: Fact, said_at: datetime) -> Message:
    # Without an id: what the provider says is known by what it is about.
    fields = build(fact.name, "1", **fact.fields).model_dump(exclude={"message_id"})
    if fact.name != "payment":
        fields["said_at"] = said_at
    return MESSAGES[fact.name].model_validate(fields)


def _booked(postings: Iterable[Posting], only: frozenset[str] | None) -> list[tuple[str, str, int]]:
    return sorted(
        (currency, account, amount)
        for currency, accounts in allocation.books(postings).items()
        for account, amount in accounts.items()
        if amount and (only is None or account in only)
    )
