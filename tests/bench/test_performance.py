"""The bench of an order's cost, with few orders; and its table."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import app
from bench.performance import command
from bench.performance.command import BenchOptions, run
from bench.performance.report import Results, report
from bench.performance.subjects import BARE, SEARCHABLE, UNBUY
from cli.program import run as run_program


@pytest.mark.timeout(300)  # servers and workers start, perhaps on a busy machine
async def test_every_subject_is_measured(tmp_path: Path) -> None:
    """The same as `make bench`, but for its length."""
    options = BenchOptions(orders=2, rounds=1, rate=10, pause=0.4)

    results = await run(options, tmp_path)

    assert list(results.samples) == [BARE.name, SEARCHABLE.name, UNBUY.name]
    for subject in results.samples:
        parts = [results.value(subject, f"cpu_{it}") for it in ("server", "worker", "client")]
        assert all(parts)
        assert results.value(subject, "cpu") == pytest.approx(sum(it or 0 for it in parts))
        assert results.value(subject, "update_p50")
    # What its name promises; a busy machine joins messages in one task.
    assert 30 < (results.value(BARE.name, "events") or 0) <= 54
    events = [results.value(it.name, "events") or 0 for it in (BARE, SEARCHABLE)]
    assert events[1] > events[0]


@pytest.fixture
def results() -> Results:
    """Two rounds of one subject."""
    made = Results("2 orders.")
    made.add("skeleton", {"cpu": 100.4, "events": 50})
    made.add("skeleton", {"cpu": 110.4, "events": 50})
    made.add("Unbuy", {"cpu": 1200.0})
    return made


def test_the_median_of_the_rounds_is_shown(results: Results) -> None:
    assert results.rows() == [("CPU an order, ms", "105", "1,200"), ("events", "50", "")]


def test_every_round_is_in_the_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: Results
) -> None:
    async def done(*_: object) -> Results:
        return results

    monkeypatch.setattr(command, "run", done)
    output = tmp_path / "new" / "bench.json"

    assert run_program(app, ["bench", "--quick", "--output", str(output)]) == 0
    assert json.loads(output.read_text())["samples"]["skeleton"]["cpu"] == [100.4, 110.4]


def test_the_table_says_what_it_was_measured_on(results: Results) -> None:
    console = Console(record=True, width=80)

    report(console, results)

    assert "CPU an order, ms" in (text := console.export_text())
    assert "2 orders." in text
