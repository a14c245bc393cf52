"""The part of docs/performance.md that a run makes: its tables, and its charts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.performance.charts import draw
from bench.performance.report import TARGETS_HEAD, Results, target_rows

PAGE: Final = Path("docs/performance.md")


def write_page(results: Results, page: Path = PAGE) -> None:
    """Write what `make bench` makes anew, with the charts beside the page."""
    images = page.parent / "images"
    charts = [f"![{title}]({images.name}/{name})" for name, title in draw(results, images).items()]
    targets = markdown_table(TARGETS_HEAD, target_rows(results))
    _write(page, "bench", results.about, targets, _table(results), *charts)


def write_many(results: Results, page: Path = PAGE) -> None:
    """Write what `make bench-many` makes anew."""
    _write(page, "bench-many", results.about, _table(results))


def _write(page: Path, mark: str, *parts: str) -> None:
    made = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- end of {mark} -->)", re.DOTALL)
    text = "\n\n".join(parts)
    page.write_text(made.sub(lambda _: f"\n{text}\n\n", page.read_text(encoding="utf-8")), "utf-8")


def _table(results: Results) -> str:
    return markdown_table(results.head, results.rows())


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text, and the rest numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
