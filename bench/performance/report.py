"""The results: a table to read, and JSON to compare."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rich.console import Console

from bench.performance.subjects import BARE, SEARCHABLE, UNBUY
from bench.tables import narrow


class Metric(NamedTuple):
    """A row of the table."""

    title: str
    unit: str = ""
    digits: int = 0


METRICS: Final[Mapping[str, Metric]] = {
    "cpu": Metric("CPU an order", "ms"),
    "cpu_server": Metric("  Temporal's server", "ms"),
    "cpu_worker": Metric("  worker", "ms"),
    "cpu_database": Metric("  PostgreSQL", "ms"),
    "cpu_client": Metric("  client", "ms"),
    "update_p50": Metric("update p50", "ms"),
    "update_p95": Metric("update p95", "ms"),
    "update_p99": Metric("update p99", "ms"),
    "too_early": Metric("too early, of an order", "", 2),
    "saturation": Metric("most orders, 1 worker", "per second", 1),
    "saturation_cores": Metric("most orders, 1 a core", "per second", 1),
    "events": Metric("events by updates"),
    "events_by_signals": Metric("events by signals"),
    "tasks": Metric("tasks by updates"),
    "tasks_by_signals": Metric("tasks by signals"),
    "history_bytes": Metric("history by updates", "bytes"),
    "history_bytes_by_signals": Metric("history by signals", "bytes"),
    "parked_memory": Metric("memory of a cached order", "KiB", 1),
    "parked_disk": Metric("disk of a parked order", "KiB", 1),
    "recovery": Metric("all on after kill -9", "s", 1),
    "deadlines": Metric("deadlines at once", "per second", 1),
    "late_p50": Metric("  late p50", "s", 1),
    "late_p99": Metric("  late p99", "s", 1),
    "memory": Metric("worker's memory", "MiB"),
    "disk": Metric("disk", "MiB"),
    "list_p95": Metric("p95 of a list", "ms"),
    "page_p95": Metric("p95 of an order's page", "ms"),
    "queue_p95": Metric("p95 of support's queue", "ms"),
    "transitions": Metric("transitions of the rules", "per second"),
    "start_help": Metric("`unbuy --help`", "s", 2),
    "start_page": Metric("`make up` to the first page", "s", 1),
    "start_demo": Metric("`make demo`", "s", 1),
}
"""Every metric by its name in the JSON."""


@dataclass
class Results:
    """``samples``: by subject and metric, a value for each round."""

    about: str
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, subject: str, values: Mapping[str, float]) -> None:
        """Add a round's values."""
        of_subject = self.samples.setdefault(subject, {})
        for name, value in values.items():
            of_subject.setdefault(name, []).append(value)

    def value(self, subject: str, metric: str) -> float | None:
        """The median of all rounds; None where it was not measured."""
        samples = self.samples[subject].get(metric)
        return statistics.median(samples) if samples else None

    def as_json(self) -> str:
        """All of it."""
        metrics = {name: it._asdict() for name, it in METRICS.items()}
        whole = {"about": self.about, "metrics": metrics, "samples": self.samples}
        return json.dumps(whole, indent=1) + "\n"

    @property
    def head(self) -> Sequence[str]:
        """The table's head."""
        return ("", *self.samples)

    def rows(self) -> list[Sequence[str]]:
        """The table, a row for each metric that was measured."""
        found: list[Sequence[str]] = []
        for name, metric in METRICS.items():
            values = [self.value(subject, name) for subject in self.samples]
            if any(value is not None for value in values):
                title = f"{metric.title}, {metric.unit}" if metric.unit else metric.title
                cells = ("" if it is None else f"{it:,.{metric.digits}f}" for it in values)
                found.append((title, *cells))
        return found


class Target(NamedTuple):
    """What Unbuy is to keep to: a metric, or its ratio to a skeleton's in the same run."""

    title: str
    metric: str
    limit: float
    beside: str | None = None
    is_least: bool = False

    def value(self, results: Results) -> float | None:
        """What it is; None where it was not measured."""
        if not {UNBUY.name, self.beside or UNBUY.name} <= set(results.samples):
            return None
        found = results.value(UNBUY.name, self.metric)
        if self.beside is None or found is None:
            return found
        other = results.value(self.beside, self.metric)
        return found / other if other else None


TARGETS: Final = (
    Target("all CPU beside the searchable skeleton's", "cpu", 1.0, SEARCHABLE.name),
    Target("the worker's CPU beside the bare skeleton's", "cpu_worker", 2.0, BARE.name),
    Target("p95 of an update beside the searchable's", "update_p95", 3.0, SEARCHABLE.name),
    Target("most orders beside the searchable's", "saturation", 0.6, SEARCHABLE.name, True),
    Target("all on after kill -9 beside the searchable's", "recovery", 1.0, SEARCHABLE.name),
    Target("events by signals", "events_by_signals", 50),
    Target("events by updates", "events", 55),
    Target("history by signals, bytes", "history_bytes_by_signals", 20_000),
    Target("history by updates, bytes", "history_bytes", 20_000),
    Target("`unbuy --help`, seconds", "start_help", 0.4),
    Target("`make up` to the first page, seconds", "start_page", 3),
    Target("`make demo`, seconds", "start_demo", 10),
)
TARGETS_HEAD: Final = ("target", "limit", "measured", "met")


def target_rows(results: Results) -> list[Sequence[str]]:
    """Each target that was measured, and whether it is met."""
    rows: list[Sequence[str]] = []
    for target in TARGETS:
        if (value := target.value(results)) is None:
            continue
        is_met = value >= target.limit if target.is_least else value <= target.limit
        digits = 2 if target.beside else METRICS[target.metric].digits
        rows.append(
            (
                target.title,
                f"{'≥' if target.is_least else '≤'} {target.limit:,.{digits}f}",
                f"{value:,.{digits}f}",
                "yes" if is_met else "no",
            )
        )
    return rows


def report(console: Console, results: Results, title: str = "What an order costs") -> None:
    """Print the table, and how the targets are met."""
    made = narrow(title)
    for name in results.head:
        made.add_column(name, justify="right" if name else "left")
    for row in results.rows():
        made.add_row(*row)
    console.print(made)
    met = narrow("Targets")
    for name in TARGETS_HEAD:
        met.add_column(name)
    for row in target_rows(results):
        met.add_row(*row)
    if met.rows:
        console.print(met)
    console.print(results.about)
