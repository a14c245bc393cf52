"""Tables of many numbers."""

from rich import box
from rich.table import Table


def narrow(title: str) -> Table:
    """A narrow table: output to a pipe is cut at 80 columns."""
    return Table(
        title=title, title_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )
