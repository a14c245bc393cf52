"""Whether every cent is where it belongs: the provider, the register, the ledger and the orders compared.

All of it is pure; ``money_evidence`` brings what is compared. Amounts are in minor units, ours unless told
otherwise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from adapters.stripe.money import from_stripe
from bench.money_plan import PlannedEnding
from database.ledger import AccountBalance
from orders.chargebacks import Charged
from orders.messages import RefundStatus
from orders.refunds import Refund
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView

Json = dict[str, Any]

_WILL_NOT_BE_PAID = (RefundStatus.FAILED, RefundStatus.CANCELED)


class Asked(NamedTuple):
    """A refund as our register has it."""

    refund_id: str
    payment_id: str
    money: Money


class StoredMessage(NamedTuple):
    """A message of the outbox."""

    key: str
    order_id: str
    to: str
    what: str
    at: str
    details: str
    is_delivered: bool


class Ended(NamedTuple):
    """A workflow and its status, as Temporal calls it."""

    workflow_id: str
    status: str


@dataclass(frozen=True)
class Evidence:
    """What there is of one batch, and the ledger's sums over all batches so far.

    ``refunds``, ``charges`` and ``disputes`` are the provider's own. ``balances`` go by order id, or the id
    of stray money's books; ``strays`` by payment id.
    """

    endings: Mapping[str, PlannedEnding]
    refunds: Sequence[Json]
    charges: Sequence[Json]
    disputes: Sequence[Json]
    asked: Sequence[Asked]
    views: Mapping[str, OrderView]
    balances: Mapping[str, Mapping[str, int]]
    strays: Mapping[str, StrayPaymentState]
    letters: Sequence[StoredMessage]
    workflows: Sequence[Ended]
    sums: Sequence[AccountBalance]


def cash(evidence: Evidence) -> Counter[str]:
    """What the provider holds of this batch, by currency: what came in, and has not gone back."""
    held: Counter[str] = Counter()
    for charge in _paid(evidence):
        money = from_stripe(charge["amount_captured"], charge["currency"])
        held[money.currency] += money.amount
    for refund in evidence.refunds:
        if refund["status"] == RefundStatus.SUCCEEDED:
            money = from_stripe(refund["amount"], refund["currency"])
            held[money.currency] -= money.amount
    for dispute in evidence.disputes:
        if dispute["status"] != "won":
            money = from_stripe(dispute["amount"], dispute["currency"])
            held[money.currency] -= money.amount
    return held


def faults(evidence: Evidence, cash_before: Mapping[str, int]) -> list[str]:
    """All that is wrong, as sentences; ``cash_before`` is what the provider holds of earlier batches."""
    return [
        *_refunds(evidence),
        *_sums_of_charges(evidence),
        *_payments(evidence),
        *_orders(evidence),
        *_stray_payments(evidence),
        *_chargebacks(evidence),
        *_ledger(evidence, cash_before),
        *_messages(evidence),
        *_workflows(evidence),
    ]


def _paid(evidence: Evidence) -> list[Json]:
    return [it for it in evidence.charges if it["status"] == "succeeded"]


def _known(evidence: Evidence) -> Iterator[Refund]:
    for view in evidence.views.values():
        yield from view.earlier_refunds
        if view.refund:
            yield view.refund
    for stray in evidence.strays.values():
        yield from stray.earlier_refunds
        if stray.refund:
            yield stray.refund


def _refunds(evidence: Evidence) -> Iterator[str]:
    """Each refund exists once at the provider, for the same money, with the same end."""
    made: defaultdict[str, list[Json]] = defaultdict(list)
    for it in evidence.refunds:
        made[it["metadata"].get("refund_id", "")].append(it)
    asked = {it.refund_id: it for it in evidence.asked}
    known = {it.refund_id: it for it in _known(evidence)}
    for refund_id in sorted(made.keys() - asked.keys()):
        yield f"Refund {refund_id} is at the provider, and was never asked for."
    for refund_id in sorted(asked.keys() - known.keys()):
        yield f"Refund {refund_id} was asked for, and no order and no stray money knows it."
    for refund_id, refund in known.items():
        there = made[refund_id]
        given_up = refund.status in _WILL_NOT_BE_PAID
        if refund_id not in asked and not given_up:
            yield f"Refund {refund_id} is {refund.status}, and was never asked for."
        if len(there) > 1 or (not there and not given_up):
            yield f"Refund {refund_id} is {len(there)} times at the provider instead of once."
        for it in there:
            if from_stripe(it["amount"], it["currency"]) != refund.money:
                yield f"Refund {refund_id} of {refund.money} is of {it['amount']} at the provider."
            if it["charge"] != refund.payment_id:
                yield f"Refund {refund_id} is of another payment at the provider."
            if it["status"] != refund.status:
                yield f"Refund {refund_id} is {it['status']} at the provider, and here {refund.status}."
        if refund_id in asked and (refund.payment_id, refund.money) != asked[refund_id][1:]:
            yield f"Refund {refund_id} is another one in the register."


def _sums_of_charges(evidence: Evidence) -> Iterator[str]:
    """No more goes back of a charge than came in."""
    back: Counter[str] = Counter()
    for refund in evidence.refunds:
        if refund["status"] not in _WILL_NOT_BE_PAID:
            back[refund["charge"]] += refund["amount"]
    for charge in evidence.charges:
        if back[charge["id"]] > charge["amount_captured"]:
            yield f"Of payment {charge['id']} more has gone back than came in."


def _payments(evidence: Evidence) -> Iterator[str]:
    """What came in is an order's payment or on its way back, and not both."""
    taken = {view.payment.payment_id for view in evidence.views.values() if view.payment}
    for charge in _paid(evidence):
        places = (charge["id"] in taken) + (charge["id"] in evidence.strays)
        if places != 1:
            yield f"Payment {charge['id']} was taken {places} times instead of once."
    if unheard := (taken | evidence.strays.keys()) - {it["id"] for it in _paid(evidence)}:
        yield f"The provider does not know of payment {', '.join(sorted(unheard))}."


def _orders(evidence: Evidence) -> Iterator[str]:
    """Each order ended as its plan says, and its money adds up, here and in the ledger."""
    for order_id, ending in evidence.endings.items():
        view = evidence.views.get(order_id)
        if view is None:
            yield f"Order {order_id} is not kept."
            continue
        paid, refunded = view.amount_paid.amount, view.amount_refunded.amount
        back, held = view.amount_charged_back.amount, view.amount_held.amount
        owed = view.amount_owed_to_seller.amount
        came_to = PlannedEnding(
            status=view.status,
            close_reason=view.close_reason,
            paid=paid,
            refunded=None if ending.refunded is None and refunded in (0, paid) else refunded,
            charged_back=back,
        )
        if came_to != ending:
            yield f"Order {order_id} ended as {came_to}, but should as {ending}."
        if held:
            yield f"Order {order_id} holds {held} in the end."
        if paid != refunded + back + held + owed:
            yield (
                f"Order {order_id}: paid {paid} is not refunded {refunded} + charged back {back} "
                f"+ held {held} + owed {owed}."
            )
        book = evidence.balances.get(order_id, {})
        accounts = (book.get("cash", 0), book.get("held", 0) + book.get("refunds", 0))
        if sum(book.values()) or (*accounts, book.get("seller", 0)) != (
            paid - refunded - back,
            -held,
            -owed,
        ):
            yield (
                f"Order {order_id}: the ledger has {dict(book)}, but the order says paid {paid}, "
                f"refunded {refunded}, charged back {back}, held {held}, owed {owed}."
            )


def _stray_payments(evidence: Evidence) -> Iterator[str]:
    """Stray money is back in full, by us or by the bank, and its accounts say so."""
    for payment_id, stray in evidence.strays.items():
        if not stray.is_over:
            status = stray.refund.status if stray.refund else "missing"
            yield f"Stray payment {payment_id} is not back; its refund is {status}."
        if stray.held > 0:
            yield f"Stray payment {payment_id} has {stray.held} here in the end."
        book = evidence.balances.get(stray.ledger_id)
        if book is None or (book.get("cash", 0), book.get("stray", 0)) != (stray.held, -stray.held):
            yield f"Stray payment {payment_id} is still in the ledger: {book}."


def _chargebacks(evidence: Evidence) -> Iterator[str]:
    """What the bank has taken is known as the provider says it, and support was told of stray money's."""
    charged: list[Charged] = [it.payment for it in evidence.views.values() if it.payment]
    charged += evidence.strays.values()
    known = {it.payment_id: it.chargeback for it in charged}
    for dispute in evidence.disputes:
        here, charge = known.get(dispute["charge"]), dispute["charge"]
        if here is None or here.status != dispute["status"]:
            status = here.status if here else "unknown"
            yield f"The chargeback of {charge} is {dispute['status']} at the provider, and {status} here."
        if charge in evidence.strays:
            news = f"stray-{charge}:stray_chargeback_{dispute['status']}:"
            if (told := sum(it.key.startswith(news) for it in evidence.letters)) != 1:
                yield f"Support was told {told} times how the chargeback of {charge} ended."


def _ledger(evidence: Evidence, cash_before: Mapping[str, int]) -> Iterator[str]:
    """Each currency sums to zero, and cash is what the provider holds."""
    held = Counter(cash_before)
    held.update(cash(evidence))
    booked: Counter[str] = Counter()
    trial: Counter[str] = Counter()
    for currency, account, amount in evidence.sums:
        trial[currency] += amount
        if account == "cash":
            booked[currency] += amount
    for currency, amount in trial.items():
        if amount:
            yield f"The ledger's accounts in {currency} sum to {amount} instead of zero."
    for currency in sorted(held.keys() | booked.keys()):
        if held[currency] != booked[currency]:
            yield (
                f"The provider holds {held[currency]} {currency}, "
                f"but the ledger's cash is {booked[currency]}."
            )


def _messages(evidence: Evidence) -> Iterator[str]:
    """Nobody is told twice, everybody is told, and of money that went back above all."""
    times = Counter((it.order_id, it.to, it.what, it.at, it.details) for it in evidence.letters)
    for (order_id, to, what, *_), number in times.items():
        if number > 1:
            yield f"Order {order_id}: {to} was told {what} {number} times."
    for letter in evidence.letters:
        if not letter.is_delivered:
            yield f"Order {letter.order_id}: {letter.what} for {letter.to} was never delivered."
    told = Counter((it.order_id, it.to, it.what) for it in evidence.letters)
    for order_id, view in evidence.views.items():
        back = sum(it.is_settled for it in (*view.earlier_refunds, view.refund) if it)
        wanted = {
            "order_placed": 1,
            "order_closed": int(view.closed_at is not None),
            "refund_succeeded": back,
        }
        for what, number in wanted.items():
            for to in ("buyer", "seller"):
                if told[order_id, to, what] != number:
                    yield (
                        f"Order {order_id}: {to} was told {what} {told[order_id, to, what]} times "
                        f"instead of {number}."
                    )


def _workflows(evidence: Evidence) -> Iterator[str]:
    """None failed, none was ended, none runs on."""
    for workflow_id, status in evidence.workflows:
        if status != "COMPLETED":
            yield f"Workflow {workflow_id} is {status}."
