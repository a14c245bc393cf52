"""The results: a table to read, and JSON to compare."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rich.console import Console

from bench.tables import narrow


class Metric(NamedTuple):
    """A row of the table."""

    title: str
    unit: str
    digits: int = 0


METRICS: Final[Mapping[str, Metric]] = {
    "cpu": Metric("CPU an order", "ms"),
    "cpu_server": Metric("  server", "ms"),
    "cpu_worker": Metric("  worker", "ms"),
    "cpu_client": Metric("  client", "ms"),
    "update_p50": Metric("update p50", "ms"),
    "update_p95": Metric("update p95", "ms"),
    "update_p99": Metric("update p99", "ms"),
    "events": Metric("events", ""),
    "tasks": Metric("workflow tasks", ""),
    "history_bytes": Metric("history", "bytes"),
    "too_early": Metric("updates sent again", "an order", 2),
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
        return json.dumps(whole, indent=1)

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


def report(console: Console, results: Results) -> None:
    """Print the table."""
    made = narrow("What an order costs")
    made.add_column("")
    for subject in results.samples:
        made.add_column(subject, justify="right")
    for row in results.rows():
        made.add_row(*row)
    console.print(made)
    console.print(results.about)
