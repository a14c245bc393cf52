"""The load of the gateway, with few operations; and its numbers."""

from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import app
from bench.http import load
from bench.http.load import LoadOptions, Measured, Row, errors, measure, report, run
from cli.program import run as run_program


@pytest.mark.timeout(300)  # a server, a worker and a gateway start, perhaps on a busy machine
async def test_both_ways_are_measured_beside_each_other(tmp_path: Path) -> None:
    """The same as `make load-http`, but for its length."""
    options = LoadOptions(operations=6, levels=(1, 2))
    console = Console(record=True, width=120)

    rows = await run(options, tmp_path)
    report(console, options, rows)

    assert errors(rows) == []
    assert [(row.over_http.what, row.over_http.at_once) for row in rows] == [
        (what, at_once) for what in ("nothing", "place", "read", "send") for at_once in (1, 2)
    ]
    assert all(len(it.latencies) == 6 for row in rows for it in row if it)
    assert "Temporal/s" in console.export_text()


def test_only_successful_requests_are_measured() -> None:
    measured = Measured("read", 4, seconds=2, latencies=[it / 1000 for it in range(1, 101)])

    assert measured.per_second == 50
    assert measured.percentile(0.5) == pytest.approx(51)
    assert measured.percentile(0.99) == pytest.approx(100)


async def test_failed_requests_are_counted_and_not_measured() -> None:
    async def fails_every_second_time(turn: int) -> None:
        if turn % 2:
            raise TimeoutError("too late")

    measured = await measure("read", fails_every_second_time, operations=10, at_once=3)

    assert len(measured.latencies) == 5
    assert measured.errors == ["read: TimeoutError: too late"] * 5


@pytest.mark.parametrize(("wrong", "status"), [([], 0), (["read: late"], 1)])
def test_an_error_exits_with_a_failure_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: list[str],
    status: int,
) -> None:
    async def done(*_: object) -> list[Row]:
        return [Row(Measured("read", 1, seconds=1, latencies=[0.1], errors=wrong), None)]

    monkeypatch.setattr(load, "run", done)

    assert run_program(app, ["load-http", "--operations", "1"]) == status
    assert ("WRONG: read: late" in capsys.readouterr().out) is bool(wrong)
