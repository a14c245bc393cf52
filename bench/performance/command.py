"""`make bench`: the subjects in turns, each as often as there are rounds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from bench.performance.cost import order_cost
from bench.performance.report import Results, report
from bench.performance.stage import stage
from bench.performance.subjects import SUBJECTS
from bench.workplace import Keep, hushed, machine, workplace
from cli.arguments import Flag
from cli.progress import progress


@dataclass(frozen=True)
class BenchOptions:
    """How much.

    Parameters
    ----------
    orders
        How many orders in each round.
    rounds
        How often each subject is measured.
    rate
        Orders begun in a second.
    pause
        Seconds before each message of an order.
    """

    orders: int = 150
    rounds: int = 2
    rate: float = 5
    pause: float = 2

    def quick(self) -> "BenchOptions":
        """As much as fits in two minutes."""
        return replace(self, orders=40, rounds=1, pause=0.5)


async def run(
    options: BenchOptions, directory: Path, lived: Callable[[int], None] = lambda _: None
) -> Results:
    """All rounds, their files in a directory; ``lived`` hears how many orders were."""
    results = Results(
        f"{options.rounds} times {options.orders} orders, {options.rate:g} a second, {options.pause:g} s "
        f"between their messages; {machine()}."
    )
    number = 0

    def one_more() -> None:
        nonlocal number
        number += 1
        lived(number)

    for turn in range(options.rounds):
        for place, subject in enumerate(SUBJECTS):
            files = directory / f"{turn}-{place}"
            files.mkdir()
            async with stage(subject, files) as running:
                pause = timedelta(seconds=options.pause)
                cost = await order_cost(running, options.orders, options.rate, pause, one_more)
            results.add(subject.name, cost)
    return results


def bench(
    *,
    options: Annotated[BenchOptions, Parameter(name="*")] = BenchOptions(),
    quick: Flag = False,
    output: Path = Path("var/bench.json"),
    keep: Keep = None,
) -> int:
    """Measure what an order costs, beside skeletons that do nothing.

    Parameters
    ----------
    quick
        Few orders of each, in two minutes.
    output
        Where the numbers go, as JSON.
    """
    console = Console(highlight=False)
    if quick:
        options = options.quick()
    total = options.rounds * options.orders * len(SUBJECTS)
    with (
        hushed(),
        workplace("bench", keep) as directory,
        progress(console, "orders", total) as lived,
    ):
        results = asyncio.run(run(options, directory, lived))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(results.as_json())
    report(console, results)
    return 0
