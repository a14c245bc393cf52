"""Whether every cent is where it belongs: the provider, the register, the ledger and the orders compared.

Pure functions; ``money_evidence`` gathers their input. Amounts are in our minor units unless noted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from adapters.stripe.money import from_stripe
from bench.money.plan import PlannedEnding
from database.ledger import AccountBalance
from orders.messages import RefundStatus
from orders.payments import PaymentStatus
from orders.refunds import Refund
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView

Json = dict[str, Any]

_WILL_NOT_BE_PAID = (RefundStatus.FAILED, RefundStatus.CANCELED)


class Asked(NamedTuple):
    """A refund in our register."""

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
    """The records of one batch, and the ledger's sums over all batches so far.

    ``refunds``, ``charges`` and ``disputes`` are the provider's own. ``balances`` go by order id, or the
    ledger id of a stray payment; ``strays`` by payment id.
    """

    endings: Mapping[str, PlannedEnding]
    refunds: Sequence[Json]
    charges: Sequence[Json]
    disputes: Sequence[Json]
    asked: Sequence[Asked]
    views: Mapping[str, OrderView]
    balances: Mapping[str, Mapping[str, int]]
    stray_payments: Mapping[str, StrayPaymentState]
    messages: Sequence[StoredMessage]
    workflows: Sequence[Ended]
    sums: Sequence[AccountBalance]


def cash(evidence: Evidence) -> Counter[str]:
    """What the provider holds of this batch, by currency: charges less refunds and chargebacks."""
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
    """All faults, as sentences; ``cash_before``: what the provider holds of earlier batches."""
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
    for stray_payment in evidence.stray_payments.values():
        yield from stray_payment.earlier_refunds
        if stray_payment.refund:
            yield stray_payment.refund


def _refunds(evidence: Evidence) -> Iterator[str]:
    """Each refund exists once at the provider, with the same amount and outcome."""
    made: defaultdict[str, list[Json]] = defaultdict(list)
    for it in evidence.refunds:
        made[it["metadata"].get("refund_id", "")].append(it)
    asked = {it.refund_id: it for it in evidence.asked}
    yield from _refunds_by_hand(evidence, made.pop("", []))
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


def _refunds_by_hand(evidence: Evidence, made: Sequence[Json]) -> Iterator[str]:
    """Each counts once, as it stands at the provider (R24)."""
    known = {
        it.provider_refund_id: it for view in evidence.views.values() for it in view.outside_refunds
    }
    for it in made:
        here = known.pop(it["id"], None)
        money = from_stripe(it["amount"], it["currency"])
        if here is None or (here.money, here.status) != (money, it["status"]):
            yield f"Refund {it['id']} by hand of {money} is {it['status']}, and here {here}."
    for provider_id in known:
        yield f"The provider does not know of refund {provider_id} by hand."


def _sums_of_charges(evidence: Evidence) -> Iterator[str]:
    """No charge is refunded by more than it captured."""
    back: Counter[str] = Counter()
    for refund in evidence.refunds:
        if refund["status"] not in _WILL_NOT_BE_PAID:
            back[refund["charge"]] += refund["amount"]
    for charge in evidence.charges:
        if back[charge["id"]] > charge["amount_captured"]:
            yield f"Of payment {charge['id']} more has gone back than came in."


def _payments(evidence: Evidence) -> Iterator[str]:
    """Each charge is an order's payment or a stray payment, and not both."""
    accepted = {view.payment.payment_id for view in evidence.views.values() if view.payment}
    for charge in _paid(evidence):
        times = (charge["id"] in accepted) + (charge["id"] in evidence.stray_payments)
        if times != 1:
            yield f"Payment {charge['id']} was taken {times} times instead of once."
    reversed_late = {
        view.payment.payment_id
        for view in evidence.views.values()
        if view.payment and view.payment.status is PaymentStatus.REVERSED
    }
    failed = {it["id"] for it in evidence.charges if it["status"] == "failed"}
    known = {it["id"] for it in _paid(evidence)} | (reversed_late & failed)
    if unheard := (accepted | evidence.stray_payments.keys()) - known:
        yield f"The provider does not know of payment {', '.join(sorted(unheard))}."


def _orders(evidence: Evidence) -> Iterator[str]:
    """Each order ended as planned, and its money adds up, in its view and in the ledger."""
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
        balances = evidence.balances.get(order_id, {})
        # What cannot be matched was taken from the cash, and from no order (R23).
        cash = balances.get("cash", 0) + balances.get("unmatched", 0)
        accounts = (cash, balances.get("held", 0) + balances.get("refunds", 0))
        if sum(balances.values()) or (*accounts, balances.get("seller", 0)) != (
            paid - refunded - back,
            -held,
            -owed,
        ):
            yield (
                f"Order {order_id}: the ledger has {dict(balances)}, but the order says paid {paid}, "
                f"refunded {refunded}, charged back {back}, held {held}, owed {owed}."
            )


def _stray_payments(evidence: Evidence) -> Iterator[str]:
    """Each stray payment is refunded or charged back in full, also by the ledger."""
    for payment_id, stray_payment in evidence.stray_payments.items():
        if not stray_payment.is_over:
            status = stray_payment.refund.status if stray_payment.refund else "missing"
            yield f"Stray payment {payment_id} is not back; its refund is {status}."
        if stray_payment.held > 0:
            yield f"Stray payment {payment_id} has {stray_payment.held} here in the end."
        balances = evidence.balances.get(stray_payment.ledger_id)
        unmatched = sum(it.amount for it in stray_payment.unmatched)
        if balances is None or (balances.get("cash", 0), balances.get("stray", 0)) != (
            stray_payment.held - unmatched,
            -stray_payment.held,
        ):
            yield f"Stray payment {payment_id} is still in the ledger: {balances}."


def _chargebacks(evidence: Evidence) -> Iterator[str]:
    """Chargebacks are recorded as at the provider; support was notified of those of stray payments."""
    known = {
        it.chargeback_id: it
        for chargebacks in (
            *(view.chargebacks for view in evidence.views.values()),
            *(stray_payment.chargebacks for stray_payment in evidence.stray_payments.values()),
        )
        for it in chargebacks
    }
    for dispute in evidence.disputes:
        here, charge = known.get(dispute["id"]), dispute["charge"]
        if here is None or here.status != dispute["status"]:
            status = here.status if here else "unknown"
            yield f"The chargeback of {charge} is {dispute['status']} at the provider, and {status} here."
        if charge in evidence.stray_payments:
            key_prefix = f"stray-{charge}:stray_chargeback_{dispute['status']}:"
            if (notified := sum(it.key.startswith(key_prefix) for it in evidence.messages)) != 1:
                yield f"Support was told {notified} times how the chargeback of {charge} ended."


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
    """Everybody was notified exactly once, of refunds above all."""
    times = Counter((it.order_id, it.to, it.what, it.at, it.details) for it in evidence.messages)
    for (order_id, to, what, *_), number in times.items():
        if number > 1:
            yield f"Order {order_id}: {to} was told {what} {number} times."
    for message in evidence.messages:
        if not message.is_delivered:
            yield f"Order {message.order_id}: {message.what} for {message.to} was never delivered."
    notified = Counter((it.order_id, it.to, it.what) for it in evidence.messages)
    for order_id, view in evidence.views.items():
        # Once more where it had come back (R15).
        back = sum(it.times_settled for it in (*view.earlier_refunds, view.refund) if it)
        wanted = {
            "order_placed": 1,
            "order_closed": int(view.closed_at is not None),
            "refund_succeeded": back,
        }
        for what, number in wanted.items():
            for to in ("buyer", "seller"):
                if notified[order_id, to, what] != number:
                    yield (
                        f"Order {order_id}: {to} was told {what} {notified[order_id, to, what]} times "
                        f"instead of {number}."
                    )


def _workflows(evidence: Evidence) -> Iterator[str]:
    """No workflow failed, was terminated, or is still running."""
    for workflow_id, status in evidence.workflows:
        if status != "COMPLETED":
            yield f"Workflow {workflow_id} is {status}."
