"""The soak of the gateway, with few requests; and its counts, which must see what is wrong."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.__main__ import app
from bench.http import soak
from bench.http.fuzz import FuzzCounts
from bench.http.hostile import KEPT, ONCE, HostileCounts
from bench.http.latency import Wait
from bench.http.orders import adding_up, whole
from bench.http.soak import HttpSoakCounts, HttpSoakOptions, report, run
from cli.program import run as run_program
from gateway.openapi import EXAMPLES
from orders.messages import MESSAGES
from orders.place_order import PlaceOrder
from orders.values import MAX_AMOUNT


@pytest.mark.timeout(300)  # so many requests take their time on a busy machine
async def test_the_gateway_does_what_its_description_says(tmp_path: Path) -> None:
    """Cases 51, 86: every check of schemathesis, amid hostile requests; `make soak-http` but for its length.

    What others wait is measured in both kinds of periods, and judged on quieter machines.
    """
    options = HttpSoakOptions(requests=1, hostile=200, seed=3, examples=2, brief=True)
    console = Console(record=True, width=200)

    soaked = await run(options, tmp_path)
    report(console, options, soaked, 1)

    counts, hostile = soaked.fuzz, soaked.hostile
    assert hostile.requests == 200
    assert hostile.statuses.keys() == KEPT.keys() | ONCE.keys()
    assert [it for it in hostile.failures if not it.startswith("others waited")] == []
    assert all(hostile.waited(hostile=it) for it in (True, False))
    assert counts.examples == {}
    assert not any(status >= 500 for status in counts.by_status)
    assert {label.rpartition("/")[2].replace("-", "_") for label in counts.statuses} > set(MESSAGES)
    assert counts.valid[True] > counts.valid[False]
    assert len(counts.checks) > 10
    assert "200 hostile requests." in console.export_text()


@pytest.fixture
def counts() -> HttpSoakCounts:
    """Two answers, one of them as it should be."""
    statuses = {"GET /v1/orders": Counter({200: 1, 404: 1})}
    return HttpSoakCounts(FuzzCounts(statuses=statuses, valid=Counter([True])))


@pytest.mark.parametrize("failure", ["", "GET /v1/orders: Server error"])
def test_a_failure_exits_with_a_failure_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    counts: HttpSoakCounts,
    failure: str,
) -> None:
    async def done(*_: object) -> HttpSoakCounts:
        if failure:
            counts.fuzz.fail(failure, "curl ...")
        return counts

    monkeypatch.setattr(soak, "run", done)

    assert run_program(app, ["soak-http", "--requests", "1"]) == (1 if failure else 0)
    said = capsys.readouterr().out
    assert "2 requests, 1 of them answered 2xx; of the 1 valid ones 100%" in said
    assert (f"WRONG, 1 times: {failure}" in said) is bool(failure)


def test_others_who_wait_too_long_or_are_refused_are_a_failure() -> None:
    """By the quiet periods' measure as well: a busy machine lets everybody wait."""
    quick, slow = Wait(0, 0.05, 200), Wait(100, 0.4, 200)

    def failures(*waits: Wait) -> list[str]:
        counts = HostileCounts(waits=list(waits), periods=[(99, 109)])
        counts.judge()
        return list(counts.failures)

    assert failures(quick, slow) == ["others waited 0.400 s (p99), in quiet periods 0.050 s"]
    assert failures(quick._replace(seconds=0.3), slow) == []
    assert failures(quick, slow._replace(seconds=0.2)) == []
    assert failures(quick._replace(status=429)) == ["somebody else got 429"]


@pytest.mark.parametrize(("answer", "fails"), [(b"HTTP/1.1 500 ", True), (b"HTTP/1.1 404 ", False)])
def test_a_5xx_to_somebody_hostile_is_a_failure(answer: bytes, fails: bool) -> None:
    counts = HostileCounts()

    counts.count("path trick", b"HTTP/1.1 200 OK\r\n\r\n" + answer)

    assert bool(counts.failures) is fails
    assert counts.requests == 1


def test_a_generated_order_is_made_to_add_up() -> None:
    """One currency, a total within bounds, durations within reason; all else stays."""
    placed: dict[str, Any] = EXAMPLES["PlaceOrder"] | {
        "shipping_price": {"amount": 0, "currency": "PLN"},
        "lines": [
            {
                "sku": "",
                "title": "",
                "quantity": 1_000_000,
                "unit_price": {"amount": amount, "currency": "JPY"},
            }
            for amount in (0, MAX_AMOUNT)
        ],
        "policy": {"payment_window": "P99999D", "refund_window": "P2D"},
    }

    made = PlaceOrder.model_validate(adding_up(placed))

    assert made.total.currency == "PLN"
    assert made.lines[0].quantity == 1_000_000
    assert made.policy.refund_window == timedelta(days=2)
    assert adding_up(EXAMPLES["PlaceOrder"]) == EXAMPLES["PlaceOrder"]


def test_whole_numbers_are_written_without_a_decimal_point() -> None:
    assert whole({"a": [2.0, 2.5, "2.0"]}) == {"a": [2, 2.5, "2.0"]}
