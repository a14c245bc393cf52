"""Orders to test with, by hand: what was placed, and a story with a clock that reads forward in time."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any

import pytest

from adapters.notifications.render import CLAUSES, TEXTS
from orders import allocation
from orders.cancellations import Cancellation
from orders.disputes import Dispute
from orders.errors import NotAllowedNow
from orders.handlers import receive, record_refusal, send_back
from orders.messages import MESSAGES, Message, PaymentReceived, RefundStatus
from orders.notifications import Notification
from orders.order import LATEST_RULES, Order
from orders.payments import Payment
from orders.place_order import Line, Party, PlaceOrder
from orders.policy import Policy
from orders.refunds import Refund, RefundReport
from orders.schedule import let_time_pass, schedule
from orders.shipments import Shipment, TrackingEvidence, tracking_verdict
from orders.tracking_numbers import TrackingVerdict
from orders.values import Money
from orders.view import OrderView, view

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE = 2490
GOOD_NUMBER = "1Z5R89390357567127"
SHA = "0123456789abcdef" * 4


def eur(amount: int) -> Money:
    """So many cents."""
    return Money.model_validate({"amount": amount, "currency": "EUR"})


def place(**changes: Any) -> PlaceOrder:
    """The contract's example order, 24.90 EUR due; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "order_id": "A-1001",
        "buyer": Party(id="buyer-7", name="Anna", locale="pl"),
        "seller": Party(id="seller-3", name="Shop 3", locale="en"),
        "lines": (Line(sku="CAB-2", title="USB-C cable", quantity=2, unit_price=eur(1245)),),
        "shipping_price": eur(0),
    }
    return PlaceOrder(**(fields | changes))


def message(name: str, **fields: Any) -> Message:
    """A message of the contract, from plain values."""
    return MESSAGES[name].model_validate(fields)


def refund_of(order: Order) -> Refund:
    """The refund of an order that has one."""
    assert order.refund
    return order.refund


class Story:
    """One order lived through by the rules alone, in the verbs of ``demo.story.OrderStory``.

    Time runs as in the workflow: each instant that the order waits for wakes it, and so does each message.
    ``pass_until_just_before`` stops short of what is due at its very instant, so that the next message comes
    before the timer. ``provider`` is what a refund check is answered, None for no answer. What begins with
    ``until_`` starts from an order that was placed, and lives through all that comes before.
    """

    def __init__(
        self, placed: PlaceOrder | None = None, *, rules: int = LATEST_RULES, **policy: Any
    ) -> None:
        self.order = Order.new(placed or place(policy=Policy(**policy)), START, rules)
        self.now = START
        self.provider: RefundStatus | None = None

    @property
    def view(self) -> OrderView:
        """What anyone may ask."""
        notifications_must_be_valid(self.order.notifications)
        return view(self.order)

    @property
    def payment(self) -> Payment:
        """The payment, which is there."""
        assert self.order.payment
        return self.order.payment

    @property
    def cancellation(self) -> Cancellation:
        """The cancellation, which is there."""
        assert self.order.cancellation
        return self.order.cancellation

    @property
    def dispute(self) -> Dispute:
        """The dispute, which is there."""
        assert self.order.dispute
        return self.order.dispute

    @property
    def shipment(self) -> Shipment:
        """The shipment, which is there."""
        assert self.order.shipment
        return self.order.shipment

    @property
    def refund(self) -> Refund:
        """The refund, which is there."""
        assert self.order.refund
        return self.order.refund

    @property
    def notified(self) -> list[tuple[str, str]]:
        """Who was told what, in order."""
        return [(notice.to.value, notice.what) for notice in self.order.notifications]

    @property
    def happened(self) -> list[str]:
        """The timeline's keys."""
        return [entry.what for entry in self.order.timeline]

    def send(self, name: str, **fields: Any) -> OrderView:
        """A message that the order takes; whatever is due after it at this instant happens too."""
        self.take(message(name, **fields))
        self.settle()
        return self.view

    def take(self, sent: Message) -> None:
        """What sending a message does at once."""
        assert receive(self.order, sent, self.now), "taken for a repeat"

    def must_ignore(self, name: str, **fields: Any) -> None:
        """A message that changes nothing, because the order has it already."""
        before = self.order.model_dump()
        assert not receive(self.order, message(name, **fields), self.now)
        assert self.order.model_dump() == before

    def must_refuse(self, name: str, **fields: Any) -> NotAllowedNow:
        """A message that the order cannot take, which leaves it as it was."""
        before = self.order.model_dump()
        with pytest.raises(NotAllowedNow) as caught:
            receive(self.order, message(name, **fields), self.now)
        assert self.order.model_dump() == before
        assert caught.value.action == name
        assert caught.value.status == self.order.status
        assert str(caught.value).endswith(".")
        return caught.value

    def send_stray_payment(self, **fields: Any) -> NotAllowedNow:
        """R17: a payment that is refused, and therefore goes back, as the workflow sees to it."""
        refused = self.must_refuse("payment", **payment(**fields))
        received = message("payment", **payment(**fields))
        assert isinstance(received, PaymentReceived)
        send_back(self.order, received, refused, self.now)
        record_refusal(self.order, "payment", str(refused), self.now)
        return refused

    def settle(self) -> None:
        """Let what is due by now happen, and have refund checks answered."""
        let_time_pass(self.order, self.now)
        if self.order.refund_check_due:
            report = RefundReport(self.provider) if self.provider else None
            self.order.refund_checked(self.refund, report, self.now)
            let_time_pass(self.order, self.now)

    def pass_until(self, at: datetime) -> OrderView:
        """Let time pass until ``at``, with all that is due by then."""
        self.pass_until_just_before(at)
        self.settle()
        return self.view

    def pass_until_just_before(self, at: datetime) -> None:
        """Let time pass until ``at``, short of what is due at that very instant."""
        while (coming := schedule(self.order)) and coming[0].at < at:
            self.now = coming[0].at
            self.settle()
        self.now = at

    def days_pass(self, days: float) -> OrderView:
        """Let so many days pass, to the end of the last one."""
        return self.pass_until(self.now + timedelta(days=days))

    def pay(self, **changes: Any) -> OrderView:
        """The buyer pays what is due."""
        return self.send("payment", **(payment(money=self.order.amount_due) | changes))

    def until_awaiting_shipment(self) -> "Story":
        """Paid, and the check is over: it awaits shipment."""
        self.pay()
        self.pass_until(self.payment.review_ends_at)
        return self

    def until_cancellation_requested(self, **changes: Any) -> "Story":
        """Paid, and the buyer requests cancellation."""
        self.until_awaiting_shipment().send(
            "cancel_request", **({"reason": "changed_mind"} | changes)
        )
        return self

    def reply(self, decision: str, **changes: Any) -> OrderView:
        """The seller answers the request."""
        return self.send("seller_reply", decision=decision, **changes)

    def until_claimed_shipped(self, **changes: Any) -> "Story":
        """Paid, cancellation requested, and the seller says it has shipped."""
        self.until_cancellation_requested(**changes).reply("already_shipped")
        return self

    def until_disputed(self) -> "Story":
        """Paid, cancellation requested, refused: a dispute awaits its decision."""
        self.until_cancellation_requested().reply("refuse")
        return self

    def send_tracking_number(self, number: str = GOOD_NUMBER) -> TrackingEvidence:
        """The seller gives a tracking number."""
        self.send("tracking_number", number=number)
        return self.shipment.tracking[-1]

    def verdict(
        self, evidence: TrackingEvidence, *, valid: bool | None, other_order_id: str | None = None
    ) -> OrderView:
        """What verifying it came to: good, wrong or, with None, unknown."""
        reason = None if valid else "The check digit is wrong."
        found = {
            "valid": valid,
            "carrier": "UPS",
            "reason": reason,
            "other_order_id": other_order_id,
        }
        tracking_verdict(self.order, evidence, TrackingVerdict.model_validate(found), self.now)
        self.settle()
        return self.view

    def until_shipped(self) -> "Story":
        """Paid and shipped with a good number."""
        self.until_awaiting_shipment().verdict(self.send_tracking_number(), valid=True)
        return self

    def until_accepted(self) -> "Story":
        """Paid, cancelled with the seller's consent: the refund is under way."""
        self.until_cancellation_requested().reply("accept")
        return self

    def send_refund_update(
        self, status: str, refund_id: str | None = None, reason: str = "", **fields: Any
    ) -> OrderView:
        """What the provider, or support, says of the refund."""
        fields |= {"refund_id": refund_id or self.refund.refund_id, "reason": reason}
        return self.send("refund_update", status=status, **fields)

    def send_chargeback(
        self, status: str, amount: int = DUE, payment_id: str = "pay-1"
    ) -> OrderView:
        """What the provider says of a chargeback."""
        return self.send("chargeback", **chargeback(status, amount, payment_id))


def payment(
    payment_id: str = "pay-1", money: Money | None = None, method: str = "card"
) -> dict[str, Any]:
    """The fields of a payment."""
    return {
        "payment_id": payment_id,
        "money": money or eur(DUE),
        "method": method,
        "paid_at": START,
    }


def chargeback(status: str, amount: int = DUE, payment_id: str = "pay-1") -> dict[str, Any]:
    """The fields of a chargeback."""
    return {"payment_id": payment_id, "money": eur(amount), "status": status}


def outside_refund(amount: int = DUE, status: str = "succeeded") -> dict[str, Any]:
    """The fields of a refund that the provider makes without our asking."""
    return {
        "payment_id": "pay-1",
        "provider_refund_id": "re_1",
        "money": eur(amount),
        "status": status,
    }


def photo() -> dict[str, Any]:
    """The fields of a proof of shipment."""
    return {
        "kind": "photo",
        "reference": "proofs/1.jpg",
        "media_type": "image/jpeg",
        "size": 1000,
        "sha256": SHA,
    }


def evidence(note: str = "") -> dict[str, Any]:
    """The fields of a buyer's evidence."""
    return {name: it for name, it in photo().items() if name != "kind"} | {"note": note}


_DETAIL_OF_CLAUSE = {"refund": "money"} | {name: needed for name, (_, needed) in CLAUSES.items()}
_OPTIONAL = {"order", "why", "offer", "free", "awaits_shipment", "note", "number", "other_order_id"}


def notifications_must_be_valid(notifications: Iterable[Notification]) -> None:
    """R21: each goes to somebody whom it concerns, and has all that its text speaks of."""
    for it in notifications:
        named = {
            field for _, field, _, _ in Formatter().parse(TEXTS[it.what].by_role[it.to]) if field
        }
        assert "order" in named
        fields = {_DETAIL_OF_CLAUSE.get(it, it) for it in named}
        assert fields <= it.details.keys() | _OPTIONAL, it


def books_must_balance(order: Order) -> None:
    """Money is exact: paid = refunded + charged back + held + owed to the seller; entries sum to zero."""
    balances = allocation.books(order.all_postings)
    assert all(sum(posting.legs.values()) == 0 for posting in order.postings)
    assert balances.get(order.amount_due.currency, {}) == order.books.balances
    keys = [posting.key for posting in order.postings]
    assert len(keys) == len(set(keys)), "a posting's key takes effect once"
    books = order.books
    assert books.held_or_refunding >= 0
    assert books.balance("held") <= 0
    assert books.balance("refunds") <= 0
    assert order.amount_paid.amount == (
        order.amount_refunded.amount
        + order.amount_charged_back.amount
        + books.held_or_refunding
        + books.owed_to_seller
    )
    # What the provider took beyond that, or in another currency, is apart.
    at_provider = sum(books.balance(account) for account in ("cash", "unmatched", "marketplace"))
    assert at_provider == (
        order.amount_paid.amount - order.amount_refunded.amount - order.amount_charged_back.amount
    )
    assert {it.currency: it.amount for it in order.unmatched} == {
        currency: accounts["unmatched"]
        for currency, accounts in balances.items()
        if accounts.get("unmatched")
    }
