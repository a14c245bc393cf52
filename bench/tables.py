"""Tables of many numbers."""

from rich import box
from rich.table import Table


def narrow(title: str) -> Table:
    """A table that wastes no column: a pipe has 80, and what does not fit would be cut."""
    return Table(
        title=title, title_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False
    )
