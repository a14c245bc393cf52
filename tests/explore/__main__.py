"""Explore every state that an order can come to: `make explore`.

Prints how many states, transitions and messages that was, and for each invariant that does not hold the
shortest path to where it does not, as lines of a test. Exits non-zero if there is one.
"""

import gc
import sys
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.text import Text

from cli.program import new_app
from cli.program import run as run_program
from tests.explore.arrival_orders import Arrivals
from tests.explore.models import models
from tests.explore.search import Search

_POSITIVE = Parameter(validator=Number(gt=0))
app = new_app("python -m tests.explore")


@app.default
def explore(
    *,
    model: str = "",
    depth: Annotated[int | None, _POSITIVE] = None,
    seconds: Annotated[float | None, _POSITIVE] = None,
    first_only: bool = False,
) -> int:
    """Explore every state that an order can come to, breadth first, until there are no new ones.

    Parameters
    ----------
    model
        Only those with this in their name: people, money, stray, or more of it.
    depth
        How many moves from the beginning at most.
    seconds
        How many seconds of CPU for each at most.
    first_only
        Stop each at its first counterexample.
    """
    console = Console(highlight=False)
    explored = models(model)
    # Nothing here is in a cycle, and looking for some among all states takes a quarter of the time.
    gc.disable()
    searches: list[Search[Any, Any]] = []
    for it in explored:
        search = Search(it, most_depth=depth, most_seconds=seconds, first_only=first_only)
        searches.append(search)
        search.run()
        _report(console, search)
    arrivals = Arrivals()
    if not model:
        arrivals.run()
    for counterexample in arrivals.counterexamples:
        console.print(Text(counterexample, style="red"), soft_wrap=True)
    violations = sum(it.found.total() for it in searches) + len(arrivals.counterexamples)
    console.print(
        f"{sum(it.states for it in searches):,} states, "
        f"{sum(it.model.tried['messages'] for it in searches):,} messages tried, "
        f"{arrivals.orders:,} orders of arrival; {violations:,} violations.",
        soft_wrap=True,
    )
    return 1 if violations else 0


def _report(console: Console, search: Search[Any, Any]) -> None:
    tried, end = search.model.tried, "all of them" if search.is_complete else "cut off"
    console.print(
        f"{search.model.name}: {search.states:,} states ({end}), {tried['messages']:,} messages "
        f"tried, {tried['refused']:,} of them refused, {tried['repeats']:,} sent again, "
        f"{tried['ties']:,} compared at a deadline; {search.seconds:.0f} s",
        soft_wrap=True,
    )
    for violation, code in search.counterexamples.items():
        console.print(Text(f"{violation.invariant}: {violation.how}", style="red"), soft_wrap=True)
        console.print(Text(code), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(run_program(app, sys.argv[1:]))
