"""The part of docs/performance.md that a run makes: its tables, and its charts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.performance.charts import draw
from bench.performance.report import TARGETS_HEAD, Results, target_rows

PAGE: Final = Path("docs/performance.md")
_MADE: Final = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- end of bench -->)", re.DOTALL)


def write_page(results: Results, page: Path = PAGE) -> None:
    """Write it anew, with the charts beside the page."""
    images = page.parent / "images"
    charts = "\n\n".join(
        f"![{title}]({images.name}/{name})" for name, title in draw(results, images).items()
    )
    made = "\n\n".join(
        (
            results.about,
            markdown_table(TARGETS_HEAD, target_rows(results)),
            markdown_table(results.head, results.rows()),
            charts,
        )
    )
    page.write_text(_MADE.sub(lambda _: f"\n{made}\n\n", page.read_text(encoding="utf-8")), "utf-8")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text, and the rest numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
