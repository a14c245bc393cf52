"""The demo finds what is wrong: a few stories for real, and outcomes that are spoilt on purpose."""

import asyncio
import io
import logging
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from database.ledger import AccountBalance
from demo import command, report
from demo.command import find_faults, run_all
from demo.report import Outcome
from demo.scenarios import (
    SCENARIOS,
    Ending,
    Scenario,
    cancel_pressed_during_the_check,
    canceled_and_refunded,
    paid_too_late,
    unpaid_for_20_days,
)
from demo.story import OrderStory
from demo.system import set_up
from i18n.catalogues import LOCALES, Locale
from i18n.current import use_locale
from orders.errors import RefusalCode
from orders.messages import CancelReason, CancelRequest
from orders.status import CloseReason, Status

ROOT = Path(__file__).parents[2]

Outcomes = dict[str, Outcome]


async def _hoping_for_too_much(order: OrderStory) -> None:
    await order.must_refuse(
        CancelRequest(reason=CancelReason.OTHER), RefusalCode.PAYMENT_REVIEW_IN_PROGRESS
    )


GONE_ASTRAY = Scenario(
    "A refusal that does not come",
    "astray",
    _hoping_for_too_much,
    Ending(Status.CLOSED, CloseReason.BUYER_CANCELED_UNPAID, paid=0),
    "EUR",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ended(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Outcomes, str]]:
    """A few scenarios on one system, and what was printed of them."""
    printed = io.StringIO()
    console = Console(file=printed, width=180, highlight=False)
    told = [
        unpaid_for_20_days,
        cancel_pressed_during_the_check,
        canceled_and_refunded,
        paid_too_late,
        GONE_ASTRAY,
    ]
    async with set_up(tmp_path_factory.mktemp("demo")) as system:
        outcomes = await run_all(
            system, told, lambda outcome: report.print_outcome(console, outcome)
        )
        wrong = await find_faults(system, outcomes)
    report.conclude(console, outcomes, wrong)
    yield {outcome.scenario.order_id: outcome for outcome in outcomes}, printed.getvalue()


@pytest.fixture
def refunded(ended: tuple[Outcomes, str]) -> Outcome:
    return ended[0]["canceled-and-refunded"]


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", ("payment expired", "4,980")), ("pl", ("nieopłacone", "4\N{NO-BREAK SPACE}980"))],
)
async def test_the_tables_fit_a_narrow_terminal(
    ended: tuple[Outcomes, str], locale: Locale, said: tuple[str, ...]
) -> None:
    outcomes, _ = ended
    in_yen = outcomes["cancel-pressed-during-the-check"]
    yen = in_yen.view.model_copy(
        update={
            name: amount.model_copy(update={"currency": "JPY"})
            for name, amount in in_yen.view
            if name.startswith("amount_")
        }
    )
    printed = io.StringIO()
    with use_locale(locale):
        report.conclude(
            Console(file=printed, width=80),
            [*outcomes.values(), replace(in_yen, view=yen)],
            wrong=[],
        )

    lines = [line.strip() for line in printed.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80
    assert all(text in printed.getvalue() for text in said)
    assert "…" not in printed.getvalue()


# What commands, the contract and Temporal call things is the same in every language.
_NAMES = re.compile(r"Ending\(.*?charged_back=.*?\)|\S*[-_:/=]\S*|[A-Z]{3,}|python starter.py list")
_ALIKE = {"Temporal", "Web", "system", "workflow", "bank"}


def _words(printed: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", _NAMES.sub(" ", printed)))


def _everything(outcomes: Outcomes, locale: Locale) -> str:
    """All that the demo prints, also of what goes wrong, in a language."""
    printed = io.StringIO()
    console = Console(file=printed, width=10_000, highlight=False)
    spoilt = replace(
        outcomes["canceled-and-refunded"],
        balances={"cash": 1},
        stray_balances=({"cash": 5, "stray": -5},),
    )
    with use_locale(locale):
        every = [*outcomes.values(), *(replace(spoilt, scenario=it) for it in SCENARIOS)]
        for outcome in outcomes.values():
            report.print_outcome(console, replace(outcome, problem=None))
        wrong = [
            *(fault for it in every for fault in report.faults(replace(it, problem=None))),
            *report.endings_not_seen(every),
            *report.ledger_faults([]),
            *report.ledger_faults([AccountBalance("EUR", "cash", 100)]),
        ]
        report.conclude(console, every[1:], wrong)
        report.conclude(console, every[1:], wrong=[])
        for line in command.addresses("1.2.3.4:7233", "http://x", "sqlite:///x.db", Path("/x.log")):
            console.print(line)
    return printed.getvalue()


async def test_the_report_is_entirely_in_polish(ended: tuple[Outcomes, str]) -> None:
    """No word of its English is left, but for names."""
    outcomes = {name: it for name, it in ended[0].items() if it.scenario is not GONE_ASTRAY}
    english, polish = (_everything(outcomes, locale) for locale in LOCALES)

    assert len(_words(english)) > 150
    assert _words(english) & _words(polish) - _ALIKE == set()
    assert "Stan na koniec \N{EN DASH} zamknięte: nie zostało opłacone w terminie." in polish
    assert f"Wszystkie historie ({len(SCENARIOS) + 3}) zakończyły się" in polish
    assert "„Już wysłane”, z poprawnym numerem przesyłki" in polish
    assert "dispute_settled (spór: ugoda)" in polish


async def test_the_demo_stops_quietly_with_ctrl_c(tmp_path: Path) -> None:
    demo = await _begun(tmp_path)
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal sends it, to all that run in it

    out, err = await asyncio.wait_for(demo.communicate(), 30)

    assert demo.returncode == 130
    assert (out.decode().splitlines()[-1], err) == ("Stopping ...", b"")
    assert _files(tmp_path) == []


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def _begun(directory: Path) -> asyncio.subprocess.Process:
    """The whole demo in a process of its own, with its files in a directory, once it plays."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "starter.py", "demo"),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    first = await asyncio.wait_for(process.stdout.readline(), 60)
    assert b"stories happen there now" in first
    return process


async def test_the_log_of_a_story_that_went_wrong_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "SCENARIOS", [GONE_ASTRAY])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    printed = io.StringIO()

    root = logging.getLogger()
    kept = root.handlers[:], root.level
    try:
        with use_locale("pl"):
            status = await command.run(Console(file=printed, width=80), keep=False)
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = kept

    [log] = _files(tmp_path)
    said = " ".join(printed.getvalue().split())
    assert status == 1
    assert "1 historia dzieje się tam teraz" in said
    assert "cancel_request: przyjęto, a należało odmówić" in said
    assert f"Dziennik pozostaje: {log}" in printed.getvalue()


async def test_stories_end_as_they_are_told(ended: tuple[Outcomes, str]) -> None:
    outcomes, _ = ended

    as_told = [it for it in outcomes.values() if it.scenario is not GONE_ASTRAY]
    assert [fault for outcome in as_told for fault in report.faults(outcome)] == []


async def test_a_story_is_told_with_its_virtual_dates(ended: tuple[Outcomes, str]) -> None:
    outcomes, printed = ended

    view = outcomes["unpaid-for-20-days"].view
    assert view.closed_at
    assert (view.closed_at - view.placed_at).days == 20
    assert (
        f"{view.closed_at:%Y-%m-%d %H:%M} UTC  system  closed (it was not paid in time)" in printed
    )
    assert "The payment is being checked; you can ask to cancel once" in printed
    assert "Payment paid-too-late-pay-1 of €49.80, by a process and a clock of its own:" in printed


async def test_a_story_that_does_not_go_as_told_is_reported(ended: tuple[Outcomes, str]) -> None:
    outcomes, printed = ended

    assert outcomes["astray"].problem
    assert "should have been refused as payment_review_in_progress" in outcomes["astray"].problem
    assert "WRONG: A refusal that does not come: " in printed
    assert "stories ended as they must" not in printed


async def test_endings_that_no_story_reached_are_named(ended: tuple[Outcomes, str]) -> None:
    outcomes, _ = ended

    [missing] = report.endings_not_seen(list(outcomes.values()))

    assert "dispute_settled" in missing
    assert "seller_accepted" not in missing


def test_every_ending_has_a_story() -> None:
    told = {it.ends.close_reason or it.ends.status.value for it in SCENARIOS}

    assert told == {*CloseReason, Status.SHIPPED}


@pytest.mark.parametrize(
    "balances",
    [
        {"cash": 4980, "held": -4980},
        {"cash": 0, "held": 0, "refunds": 1},
        {"cash": -1, "seller": 1},
    ],
)
async def test_a_ledger_that_disagrees_is_reported(
    refunded: Outcome, balances: dict[str, int]
) -> None:
    [fault] = report.faults(replace(refunded, balances=balances))

    assert fault.startswith("Cancelled after the check, seller confirms: the ledger has")


async def test_missing_money_is_reported(refunded: Outcome) -> None:
    short = refunded.view.model_copy(
        update={"amount_refunded": refunded.view.amount_refunded.of(4979)}
    )

    faults = report.faults(replace(refunded, view=short))

    assert any("paid 4980 is not refunded 4979" in fault for fault in faults)


async def test_a_stray_payment_that_is_not_refunded_is_reported(refunded: Outcome) -> None:
    [fault] = report.faults(replace(refunded, stray_balances=({"cash": 5, "stray": -5},)))

    assert "money sent back is still in the ledger" in fault


def test_a_ledger_that_does_not_sum_to_zero_is_reported() -> None:
    entries = [
        AccountBalance("EUR", "cash", 100),
        AccountBalance("EUR", "held", -99),
        AccountBalance("PLN", "cash", 5),
        AccountBalance("PLN", "seller", -5),
    ]

    assert report.ledger_faults(entries) == [
        "The ledger's accounts in EUR sum to €0.01 instead of zero."
    ]


def test_an_empty_ledger_is_reported() -> None:
    assert report.ledger_faults([]) == ["The ledger is empty."]
