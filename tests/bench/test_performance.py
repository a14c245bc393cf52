"""The bench of an order's cost, with few orders; and its table."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import app
from bench.performance import command, many
from bench.performance.command import BenchOptions, run
from bench.performance.cost import order_cost
from bench.performance.many import ManyOptions
from bench.performance.page import PAGE, write_page
from bench.performance.report import METRICS, Results, report, target_rows
from bench.performance.stage import stage
from bench.performance.subjects import BARE, SEARCHABLE, UNBUY
from cli.program import run as run_program

AMONG_MANY = {"memory", "disk", "list_p95", "page_p95", "queue_p95"}
"""What `make bench-many` alone measures."""


@pytest.mark.timeout(300)  # servers and workers start, perhaps on a busy machine
async def test_unbuy_is_measured_in_every_respect(tmp_path: Path) -> None:
    """The same as `make bench`, but for its length, and without others beside."""
    options = BenchOptions(
        subjects=(UNBUY.name,),
        rounds=1,
        orders=2,
        rate=10,
        pause=0.4,
        at_once=2,
        seconds=0.2,
        parked=4,
        deadlines=4,
    )

    results = await run(options, tmp_path)

    measured = results.samples[UNBUY.name]
    assert measured.keys() == METRICS.keys() - {"cpu_database", "saturation_cores"} - AMONG_MANY
    parts = [measured[f"cpu_{it}"][0] for it in ("server", "worker", "client")]
    assert all(parts)
    assert measured["cpu"][0] == pytest.approx(sum(parts))
    assert measured["late_p50"][0] > 0
    assert measured["saturation"][0] > 0


@pytest.mark.timeout(300)
async def test_the_skeleton_does_what_its_docstring_says(tmp_path: Path) -> None:
    async with stage(SEARCHABLE, tmp_path) as running:
        cost = await order_cost(running, 1, 10, timedelta(seconds=0.4))

    assert cost["events_by_signals"] == 50 + 8
    assert cost["tasks_by_signals"] == 9


@pytest.mark.timeout(300)
async def test_an_order_is_measured_among_open_ones(tmp_path: Path) -> None:
    """The same as `make bench-many`, with two orders instead of 100,000, of which one is disputed."""
    options = ManyOptions(levels=(1, 2), orders=1, requests=1)

    results = await many.run(options, tmp_path)

    assert list(results.samples) == ["1 open", "2 open"]
    for level in results.samples.values():
        assert level.keys() >= {"cpu"} | AMONG_MANY


@pytest.fixture
def results() -> Results:
    """Two rounds of one subject."""
    made = Results("2 orders.")
    made.add("skeleton", {"cpu": 100.4, "events": 50})
    made.add("skeleton", {"cpu": 110.4, "events": 50})
    made.add("Unbuy", {"cpu": 1200.0})
    return made


def test_the_median_of_the_rounds_is_shown(results: Results) -> None:
    assert results.rows() == [("CPU an order, ms", "105", "1,200"), ("events by updates", "50", "")]


def test_every_round_is_in_the_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: Results
) -> None:
    async def done(*_: object) -> Results:
        return results

    monkeypatch.setattr(command, "run", done)
    output = tmp_path / "new" / "bench.json"

    assert run_program(app, ["bench", "--quick", "--output", str(output)]) == 0
    assert json.loads(output.read_text())["samples"]["skeleton"]["cpu"] == [100.4, 110.4]


def test_a_target_is_a_ratio_to_the_skeleton_of_the_same_run() -> None:
    results = Results("")
    results.add(BARE.name, {"cpu_worker": 40})
    results.add(SEARCHABLE.name, {"cpu": 200, "saturation": 10})
    results.add(UNBUY.name, {"cpu": 180, "cpu_worker": 100, "saturation": 5, "events": 55})

    assert [row[1:] for row in target_rows(results)] == [
        ("≤ 1.00", "0.90", "yes"),
        ("≤ 2.00", "2.50", "no"),
        ("≥ 0.60", "0.50", "no"),
        ("≤ 55", "55", "yes"),
    ]


def test_the_page_is_written_anew_between_its_marks(tmp_path: Path, results: Results) -> None:
    page = tmp_path / PAGE.name
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")

    write_page(results, page)
    once = page.read_text(encoding="utf-8")
    write_page(results, page)

    assert page.read_text(encoding="utf-8") == once
    assert "| CPU an order, ms | 105 | 1,200 |" in once
    assert once.startswith(PAGE.read_text(encoding="utf-8").partition("<!-- bench -->")[0])
    results.add("Unbuy", {"cpu_worker": 10})
    write_page(results, page)
    assert "](images/performance-cpu.svg)" in page.read_text(encoding="utf-8")
    chart = (tmp_path / "images" / "performance-cpu.svg").read_text(encoding="utf-8")
    assert "CPU time of an order" in chart
    assert "<script" not in chart


def test_the_table_says_what_it_was_measured_on(results: Results) -> None:
    console = Console(record=True, width=80)

    report(console, results)

    assert "CPU an order, ms" in (text := console.export_text())
    assert "2 orders." in text
