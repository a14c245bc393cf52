"""The soak of the money, with few orders; and its judge, which must see what is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adapters.tracking.rules import CarrierRules
from bench.__main__ import app
from bench.money import judge
from bench.money.command import report, run
from bench.money.judge import Asked, Ended, Evidence, StoredMessage
from bench.money.plan import CURRENCIES, REFUNDS, Kind, PlannedEnding, plans, tracking_number
from bench.money.soak import MoneySoakOptions
from cli.program import run as run_program
from database.ledger import AccountBalance
from orders.lifecycle import Verdict
from orders.messages import RefundStatus
from orders.refunds import RefundReport
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from tests.orders.builders import DUE, START, Story, eur


@pytest.mark.timeout(300)  # faults take their time on a busy machine
async def test_refunds_among_faults_and_dying_workers_are_each_made_once(tmp_path: Path) -> None:
    """R14-R17, R23, cases 13-27: the same as `make soak-money`, with less patience."""
    options = MoneySoakOptions(refunds=23, seed=5, batch=16, kills=1, workers=2, slow=4, attempt=5)
    console = Console(record=True, width=100)

    counts = await run(options, tmp_path, console)
    report(console, options, counts)

    assert counts.wrong == []
    assert counts.made >= options.refunds
    assert counts.settled <= counts.made
    assert counts.workers_killed == options.kills
    assert counts.workers_started >= options.workers + options.kills
    assert sum(counts.faults.values()) > 10
    assert set(counts.lives) == set(Kind)
    assert sum(counts.stray_chargebacks.values()) >= 2
    assert "differences" in console.export_text()


def test_the_same_seed_plans_the_same_orders() -> None:
    first, again = list(plans(200, 7)), list(plans(200, 7))

    assert [(it.kind, it.total, it.part, it.placed) for it in first] == [
        (it.kind, it.total, it.part, it.placed) for it in again
    ]
    assert [it.total for it in first] != [it.total for it in plans(200, 8)]
    assert sum(REFUNDS[it.kind] for it in first) >= 200
    assert {it.total.currency for it in first} == set(CURRENCIES)
    assert all(it.total.amount % 10 == 0 for it in first if it.total.currency == "KWD")


def test_its_tracking_numbers_are_good() -> None:
    """R11."""
    rules = CarrierRules()

    verdicts = {rules.judge(tracking_number(number), None).verdict for number in range(500)}
    assert verdicts == {Verdict.TRACKING_VALID}


@pytest.fixture
def evidence() -> Evidence:
    """An order that is paid and refunded, and a payment that was sent back."""
    story = Story().until_accepted()
    view = story.send_refund_update("succeeded")
    assert view.refund
    stray_payment = StrayPaymentState.new(
        StrayPaymentInput(payment_id="ch_2", money=eur(700), method="card", reason="order_closed"),
        START,
    )
    assert stray_payment.refund
    stray_payment.update_refund(
        stray_payment.refund, RefundReport(RefundStatus.SUCCEEDED, ""), START
    )
    refunds = [
        _refund("re_1", view.refund.refund_id, "pay-1", DUE),
        _refund("re_2", stray_payment.refund.refund_id, "ch_2", 700),
    ]
    return Evidence(
        endings={
            view.order_id: PlannedEnding(Status.CLOSED, CloseReason.SELLER_ACCEPTED, DUE, DUE, 0)
        },
        refunds=refunds,
        charges=[_charge("pay-1", DUE), _charge("ch_2", 700)],
        disputes=[],
        asked=[
            Asked(view.refund.refund_id, "pay-1", eur(DUE)),
            Asked(stray_payment.refund.refund_id, "ch_2", eur(700)),
        ],
        views={view.order_id: view},
        balances={
            view.order_id: {"cash": 0, "held": 0, "refunds": 0},
            stray_payment.ledger_id: {"cash": 0, "stray": 0},
        },
        stray_payments={"ch_2": stray_payment},
        messages=[
            StoredMessage(f"{number}", view.order_id, to, what, "now", "{}", True)
            for number, what in enumerate(("order_placed", "order_closed", "refund_succeeded"))
            for to in ("buyer", "seller")
        ],
        workflows=[],
        sums=[AccountBalance("EUR", it, 0) for it in ("cash", "held", "refunds", "stray")],
    )


def test_a_correct_ledger_passes(evidence: Evidence) -> None:
    assert judge.faults(evidence, {}) == []


def _doubled(it: Evidence) -> dict[str, Any]:
    return {"refunds": [*it.refunds, it.refunds[0] | {"id": "re_3"}]}


def _unpaid(it: Evidence) -> dict[str, Any]:
    return {"refunds": [it.refunds[0] | {"status": "pending"}, it.refunds[1]]}


def _another_sum(it: Evidence) -> dict[str, Any]:
    return {"refunds": [it.refunds[0] | {"amount": DUE - 1}, it.refunds[1]]}


def _charged_back(_: Evidence) -> dict[str, Any]:
    return {
        "disputes": [
            {"id": "dp_2", "charge": "ch_2", "status": "lost", "amount": 700, "currency": "eur"}
        ]
    }


def _told_twice(it: Evidence) -> dict[str, Any]:
    return {"messages": [*it.messages, it.messages[-1]._replace(key="another")]}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (_doubled, "2 times at the provider instead of once"),
        (_doubled, "more has gone back than came in"),
        (_doubled, "The provider holds -2490 EUR, but the ledger's cash is 0"),
        (_unpaid, "is pending at the provider, and here succeeded"),
        (_unpaid, "The provider holds 2490 EUR"),
        (_another_sum, "of 24.90 EUR is of 2489 at the provider"),
        (lambda it: {"refunds": it.refunds[:1]}, "0 times at the provider instead of once"),
        (lambda it: {"asked": it.asked[:1]}, "and was never asked for"),
        (
            lambda it: {"asked": [*it.asked, it.asked[0]._replace(refund_id="x")]},
            "Refund x was asked for, and no order",
        ),
        (lambda it: {"charges": [*it.charges, _charge("ch_3", 5)]}, "ch_3 was taken 0 times"),
        (lambda it: {"charges": it.charges[:1]}, "does not know of payment ch_2"),
        (lambda it: {"balances": {}}, "is still in the ledger: None"),
        (lambda it: {"balances": {"A-1001": {"cash": 1, "held": -1}}}, "but the order says paid"),
        (
            lambda it: {"endings": {"A-1001": replace(it.endings["A-1001"], refunded=0)}},
            "A-1001 ended as",
        ),
        (lambda it: {"views": {}, "stray_payments": it.stray_payments}, "Order A-1001 is not kept"),
        (
            lambda it: {"sums": [AccountBalance("EUR", "held", 7)]},
            "in EUR sum to 7 instead of zero",
        ),
        (_told_twice, "told refund_succeeded 2 times"),
        (lambda it: {"messages": it.messages[:-1]}, "told refund_succeeded 0 times instead of 1"),
        (
            lambda it: {
                "messages": [it.messages[0]._replace(is_delivered=False), *it.messages[1:]]
            },
            "order_placed for buyer was never delivered",
        ),
        (_charged_back, "The chargeback of ch_2 is lost at the provider, and unknown here"),
        (_charged_back, "Support was told 0 times how the chargeback of ch_2 ended"),
        (_charged_back, "The provider holds -700 EUR"),
        (lambda _: {"workflows": [Ended("order-A", "FAILED")]}, "Workflow order-A is FAILED"),
    ],
)
def test_every_fault_is_found(
    evidence: Evidence, wrong: Callable[[Evidence], dict[str, Any]], sentence: str
) -> None:
    found = judge.faults(replace(evidence, **wrong(evidence)), {})

    assert sentence in "\n".join(found)


def test_the_money_of_earlier_batches_is_included(evidence: Evidence) -> None:
    sums = [AccountBalance("PLN", "cash", 5), AccountBalance("PLN", "seller", -5)]

    assert judge.faults(replace(evidence, sums=sums), {"PLN": 5}) == []
    assert judge.faults(replace(evidence, sums=sums), {"PLN": 4}) != []


def test_help_lists_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(app, ["soak-money", "--help"]) == 0

    printed = capsys.readouterr().out
    assert "Usage: python -m bench soak-money" in printed
    assert "--postgres" in printed


def _refund(made: str, refund_id: str, charge: str, amount: int) -> dict[str, Any]:
    metadata = {"refund_id": refund_id}
    return {
        "id": made,
        "charge": charge,
        "amount": amount,
        "currency": "eur",
        "status": "succeeded",
        "metadata": metadata,
    }


def _charge(charge: str, amount: int) -> dict[str, Any]:
    return {"id": charge, "amount_captured": amount, "currency": "eur", "status": "succeeded"}
