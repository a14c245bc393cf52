"""Where a payment's money is, derived from its facts (R14, R15, R17, R23, R24).

The facts are what the provider says, each by its own id and in its last state: the payment, the refunds
that we asked for, those that we did not, and the chargebacks. Nothing is booked but the difference between
where the money is by the facts and where the books have it, so the same facts end in the same books in
whatever order they arrive.

The money rule in one place: an order that is over awards the buyer ``to_buyer`` in all. What the buyer does
not have yet, and the bank has not claimed, is refunded; what is beyond the award is the seller's, who owes
what the buyer and the bank have got beyond the payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from orders import keys
from orders.accounting import Posting
from orders.messages import Role
from orders.notifications import NotificationKind
from orders.refunds import Refund, RefundOwner, refund_under_way, refunds_of, start_refund
from orders.status import CloseReason
from orders.timeline import Event
from orders.values import MAX_AMOUNT, Balance, Money

if TYPE_CHECKING:
    from orders.chargebacks import Chargeback
    from orders.order import Order
    from orders.outside_refunds import OutsideRefund
    from orders.unmatched import ResolvedAmount

_INSTANT: Final = timedelta(microseconds=1)

Books = dict[str, dict[str, int]]
"""By currency, the balance of each account in minor units, with the signs of ``orders.accounting``."""


class PaymentFacts(RefundOwner, Protocol):
    """All that the provider has said of one payment: an order's, or one that no order takes."""

    chargebacks: list[Chargeback]
    outside_refunds: list[OutsideRefund]

    @property
    def payment_id(self) -> str | None:
        """The provider's; None while nothing has come in."""

    @property
    def received(self) -> Money:
        """What came in by it; nothing while it has not, or when it was declined."""

    @property
    def was_reversed(self) -> bool:
        """R6: whether it failed after its check, which takes back all of it."""


class Gone(NamedTuple):
    """What has left a payment, in minor units of its currency; never more of a kind than was paid.

    ``decided`` is what of ``charged_back`` the bank will not give back by a decision that is due, and
    ``taken`` what the provider took by chargebacks and refunds of its own, by currency and however much it
    is, also of a payment that was declined or has not come in.
    """

    refunded: int
    outside: int
    charged_back: int
    decided: int
    under_way: int
    taken: dict[str, int]

    @property
    def total(self) -> int:
        """What is with the buyer, with the bank, or on its way by a refund."""
        return self.refunded + self.outside + self.charged_back + self.under_way


def gone(facts: PaymentFacts) -> Gone:
    """What has left the payment."""
    received = facts.received
    standing = [it for it in facts.chargebacks if not it.is_won]
    counted = [it for it in facts.outside_refunds if it.counts]
    taken = [*(it.money for it in standing), *(it.money for it in counted)]
    chargebacks = [it for it in standing if it.payment_id == facts.payment_id]
    outside = [it.money for it in counted if it.payment_id == facts.payment_id]
    claimed = [it.money for it in chargebacks]
    decided = [it.money for it in chargebacks if not it.is_open]
    if facts.was_reversed:
        for amounts in (taken, claimed, decided):
            amounts.append(received)
    refund = refund_under_way(facts)
    return Gone(
        refunded=sum(it.money.amount for it in refunds_of(facts) if it.is_settled),
        outside=_claim(outside, received),
        charged_back=_claim(claimed, received),
        decided=_claim(decided, received),
        under_way=refund.money.amount if refund else 0,
        taken=_by_currency(taken),
    )


def _claim(claims: Iterable[Money], received: Money) -> int:
    """What of a payment these take; what is in another currency takes all of it (R23)."""
    taken = sum(it.amount if it.currency == received.currency else received.amount for it in claims)
    return min(taken, received.amount)


def _by_currency(amounts: Iterable[Money]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for it in amounts:
        # What the ledger can hold.
        sums[it.currency] = min(sums.get(it.currency, 0) + it.amount, MAX_AMOUNT)
    return sums


def books(postings: Iterable[Posting]) -> Books:
    """The balances that these postings come to."""
    balances: Books = {}
    for posting in postings:
        accounts = balances.setdefault(posting.currency, {})
        for account, amount in posting.legs.items():
            accounts[account] = accounts.get(account, 0) + amount
    return balances


def unmatched(found: Gone, received: Money) -> dict[str, int]:
    """R23: what the provider took beyond what came in or in another currency, less what was booked for it."""
    amounts = {currency: amount for currency, amount in found.taken.items() if amount}
    if amounts:
        booked = found.outside + found.charged_back
        amounts[received.currency] = amounts.get(received.currency, 0) - booked
    return {currency: amount for currency, amount in amounts.items() if amount}


def differences(wanted: Books, postings: Sequence[Posting]) -> list[tuple[str, dict[str, int]]]:
    """The legs to book, by currency, so that the books come to what is wanted."""
    booked = books(postings)
    found = []
    for currency in dict.fromkeys((*wanted, *booked)):
        to, now = wanted.get(currency, {}), booked.get(currency, {})
        legs = {
            account: to.get(account, 0) - now.get(account, 0)
            for account in dict.fromkeys((*to, *now))
        }
        if legs := {account: amount for account, amount in legs.items() if amount}:
            found.append((currency, legs))
    return found


def stop_or_resume(facts: PaymentFacts, awarded: int, *, won: bool = False) -> None:
    """R23: a refund that would give the payer more than is awarded is stopped; one that would not goes on.

    One that has failed is given up when more is due, or a chargeback ``won``: a disputed payment's refund is
    refused, and by its own news alone it would never go. Its money goes by another one.
    """
    refund = refund_under_way(facts)
    if refund is None:
        return
    total = gone(facts).total
    if total > awarded or (refund.has_failed and (won or total < awarded)):
        refund.stopping = True
    elif not refund.has_failed and not refund.stop_is_being_asked:
        refund.stopping = False


def was_refused_for_a_won_chargeback(
    facts: PaymentFacts, refund: Refund, *, or_due_to_it: bool = False
) -> bool:
    """R23: whether a refund has failed although a chargeback was won since it was requested.

    A provider refuses to refund a disputed payment, and its answer may come after the bank's. The refund's
    money goes by another one, once. ``or_due_to_it``: as it was where one that is requested because the
    chargeback is won, at that instant, was taken for refused by it when it failed.
    """
    since = refund.requested_at - _INSTANT if or_due_to_it else refund.requested_at
    return refund.has_failed and any(
        it.is_won and it.ended_at and it.ended_at > since
        for it in facts.chargebacks
        if it.payment_id == facts.payment_id
    )


def where_money_is(order: Order) -> Books:
    """The books of an order by its facts."""
    found, received = gone(order), order.received
    if order.to_buyer is None:
        held, seller = max(received.amount - found.total, 0), min(received.amount - found.total, 0)
    else:
        awarded = order.to_buyer.amount
        held = max(awarded - found.total, 0)
        seller = received.amount - max(awarded, found.total)
    wanted: Books = {
        received.currency: {
            "cash": received.amount - found.refunded,
            "held": -held,
            "refunds": -found.under_way,
            "seller": -seller,
        }
    }
    add_taken(wanted, found, received)
    add_resolved(wanted, order.unmatched_resolutions)
    return wanted


def add_taken(wanted: Books, found: Gone, received: Money) -> None:
    """Take off the cash what the provider took, with what of it is unmatched (R23)."""
    for currency, amount in found.taken.items():
        _add(wanted, currency, cash=-amount)
    for currency, amount in unmatched(found, received).items():
        _add(wanted, currency, unmatched=amount)


def add_resolved(wanted: Books, resolutions: Iterable[ResolvedAmount]) -> None:
    """Move what support has said who bears it to their account (R23)."""
    for it in resolutions:
        amount = it.amount.amount
        _add(wanted, it.amount.currency, unmatched=-amount, **{it.borne_by: amount})


def unmatched_now(postings: Iterable[Posting]) -> list[Balance]:
    """R23: by currency, what no payment accounts for and nobody has said who bears it."""
    return [
        Balance.booked(accounts["unmatched"], currency)
        for currency, accounts in books(postings).items()
        if accounts.get("unmatched")
    ]


def _add(books: Books, currency: str, **legs: int) -> None:
    accounts = books.setdefault(currency, {})
    for account, amount in legs.items():
        accounts[account] = accounts.get(account, 0) + amount


def allocate(order: Order, at: datetime, step: str, *, won: bool = False) -> None:
    """Book what the facts say now, and refund what is due: at most one refund is under way.

    What is due while another is under way waits for its end. ``step`` names what has happened; ``won`` is
    whether a chargeback was.
    """
    _book(order, at, step)
    if order.to_buyer is None or order.payment is None:
        return
    stop_or_resume(order, order.to_buyer.amount, won=won)
    held = -order.books.balance("held")
    if held > 0 and refund_under_way(order) is None:
        _refund(order, at, held)


def _book(order: Order, at: datetime, step: str) -> None:
    before = order.unmatched
    for currency, legs in differences(where_money_is(order), order.all_postings):
        order.book(at, step, currency, legs)
    found = gone(order)
    borne = sum(it.amount.amount for it in order.unmatched_resolutions if it.borne_by == "seller")
    order.amount_refunded = order.received.of(found.refunded + found.outside)
    order.amount_charged_back = order.received.of(max(found.charged_back + borne, 0))
    if order.payment and order.received.amount:
        order.payment.note_charged_back(found.decided == order.received.amount)
    if order.unmatched and order.unmatched != before:
        order.notify(
            at,
            NotificationKind.UNMATCHED_MONEY,
            amounts=[it.model_dump(mode="json") for it in order.unmatched],
        )


def _refund(order: Order, at: datetime, amount: int) -> None:
    payment = order.payment
    if payment is None or order.closed_at is None:
        raise AssertionError("only a paid order that is closed refunds")
    number = order.count("refund")
    # The 2 weeks run from closing; from when it fell due where that comes later.
    refund_id = keys.order_refund_id(order.placed.order_id, number)
    money = order.amount_paid.of(amount)
    refund = start_refund(order, refund_id, payment.payment_id, payment.method, money, at)
    _book(order, at, keys.refund_decided_step(number))
    order.happened(at, Event.REFUND_STARTED, Role.SYSTEM, money=money.model_dump(mode="json"))
    order.notify(
        at,
        NotificationKind.REFUND_STARTED,
        money=money.model_dump(mode="json"),
        method=payment.method,
        due_by=refund.due_by.isoformat(),
    )


def refund_due(order: Order) -> dict[str, Any] | None:
    """The money that goes back to the buyer as the order ends, as JSON values; None where that is nothing."""
    if order.to_buyer is None:
        return None
    due = max(order.to_buyer.amount - gone(order).total, 0)
    return order.received.of(due).model_dump(mode="json") if due else None


def close_if_nothing_is_left(order: Order, trigger: str, at: datetime) -> None:
    """R6, R23, R24: an order whose money has all gone, for good, closes, unless it has shipped."""
    found, received = gone(order), order.received.amount
    if not order.is_open or received == 0 or found.outside + found.decided < received:
        return
    if order.was_reversed:
        reason = CloseReason.PAYMENT_REVERSED
    else:
        reason = CloseReason.REFUNDED_OUTSIDE if found.outside else CloseReason.CHARGED_BACK
    order.close(at, trigger, reason, Role.PROVIDER)
