"""The charts of docs/performance.md, as SVG."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pygal  # type: ignore[import-untyped]
from pygal.style import CleanStyle  # type: ignore[import-untyped]

from bench.performance.report import METRICS, Results

# pygal (3.1) makes every later import look for its maps, in a way that Python 3.11 warns of and 3.12 ignores.
sys.meta_path[:] = [it for it in sys.meta_path if not isinstance(it, pygal.PluginImportFixer)]


class Chart(NamedTuple):
    """Bars for each subject, on top of each other or side by side."""

    title: str
    metrics: Sequence[str]
    is_stacked: bool = False


CHARTS: Final[Mapping[str, Chart]] = {
    "cpu": Chart(
        "CPU time of an order, ms",
        ("cpu_server", "cpu_worker", "cpu_database", "cpu_client"),
        is_stacked=True,
    ),
    "updates": Chart("Round trip of an update, ms", ("update_p50", "update_p95", "update_p99")),
    "saturation": Chart("Most orders a second", ("saturation", "saturation_cores")),
    "parked": Chart("An order that waits: memory and disk, KiB", ("parked_memory", "parked_disk")),
    "recovery": Chart(
        "Seconds until all have gone on, and lateness of deadlines",
        ("recovery", "late_p50", "late_p99"),
    ),
}
"""By the names of their files."""

_STYLE: Final = CleanStyle(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    title_font_size=18,
    label_font_size=14,
    major_label_font_size=14,
    legend_font_size=14,
)


def draw(results: Results, directory: Path) -> dict[str, str]:
    """Draw every chart that something was measured for; returns the names of the files, with titles."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, chart in CHARTS.items():
        if svg := _svg(chart, results):
            file = directory / f"performance-{name}.svg"
            file.write_bytes(svg)
            drawn[file.name] = chart.title
    return drawn


def _svg(chart: Chart, results: Results) -> bytes | None:
    values = {
        metric: {subject: results.value(subject, metric) for subject in results.samples}
        for metric in chart.metrics
    }
    measured = {name: it for name, it in values.items() if any(v is not None for v in it.values())}
    subjects = [it for it in results.samples if any(of[it] is not None for of in measured.values())]
    if not subjects:
        return None
    kind = pygal.StackedBar if chart.is_stacked else pygal.Bar
    made = kind(
        title=chart.title,
        style=_STYLE,
        width=900,
        height=400,
        x_labels=subjects,
        include_x_axis=True,
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        js=(),
        no_prefix=True,
        truncate_legend=-1,
        max_scale=6,
    )
    made.add_xml_filter(_without_scripts)
    for name, of_subject in measured.items():
        made.add(METRICS[name].title.strip(), [of_subject[it] for it in subjects])
    svg: bytes = made.render()
    return svg


def _without_scripts(root: Any) -> Any:
    """An image runs none."""
    for parent in list(root.iter()):
        for script in parent.findall("script"):
            parent.remove(script)
    return root
