"""`make bench`: the subjects in turns, each as often as there are rounds."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from bench.performance.cost import order_cost, saturation
from bench.performance.page import write_page
from bench.performance.parked import parked
from bench.performance.report import Results, report
from bench.performance.rules import transitions_per_second
from bench.performance.stage import stage
from bench.performance.starts import starts
from bench.performance.subjects import BARE, MAIN, SEARCHABLE, SUBJECTS, UNBUY, Subject
from bench.workplace import Keep, hushed, machine, workplace
from cli.arguments import Flag
from cli.progress import progress


@dataclass(frozen=True)
class BenchOptions:
    """How much, and of what.

    Parameters
    ----------
    subjects
        What is measured.
    rounds
        How often the cost of each is, and the variants' once.
    orders
        How many orders in each round.
    rate
        Orders begun in a second; else half of what Unbuy can do at most.
    pause
        Seconds before each message of an order.
    at_once
        Orders at once, when there are always more.
    seconds
        For how long that is.
    parked
        Orders that wait when their worker is killed.
    deadlines
        Orders that expire at the same instant.
    """

    subjects: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = tuple(
        SUBJECTS
    )
    rounds: int = 2
    orders: int = 150
    rate: float | None = None
    pause: float = 2
    at_once: int = 64
    seconds: float = 15
    parked: int = 1000
    deadlines: int = 2000


QUICK = BenchOptions(
    subjects=(BARE.name, SEARCHABLE.name, UNBUY.name),
    rounds=1,
    orders=20,
    rate=4,
    pause=0.4,
    at_once=16,
    seconds=3,
    parked=60,
    deadlines=60,
)
"""What fits in two minutes."""


@dataclass
class Bench:
    """A run; ``measured`` hears of every measurement."""

    options: BenchOptions
    directory: Path
    measured: Callable[[int], None]
    results: Results = field(default_factory=lambda: Results(machine()))
    _number: int = 0

    @property
    def subjects(self) -> list[Subject]:
        """All that are measured."""
        return [SUBJECTS[name] for name in self.options.subjects]

    @property
    def main(self) -> list[Subject]:
        """Those that are measured in every respect."""
        return [it for it in self.subjects if it in MAIN]

    async def run(self) -> Results:
        """All of it."""
        options = self.options
        rate = options.rate or await self._half_of_most()
        self.results.about = (
            f"{options.rounds} times {options.orders} orders, {rate:.1f} a second, {options.pause:g} s "
            f"before each message; {options.at_once} at once at most; {options.parked} parked, "
            f"{options.deadlines} due at once; {machine()}."
        )
        for turn in range(options.rounds):
            for subject in self.main if turn else self.subjects:
                async with stage(subject, self._place()) as running:
                    pause = timedelta(seconds=options.pause)
                    cost = await order_cost(running, options.orders, rate, pause)
                    cost["saturation"] = await saturation(running, options.at_once, options.seconds)
                self._add(subject, cost)
            if UNBUY in self.subjects:
                self._add(UNBUY, await starts(self._place()))
        for subject in self.main:
            if (cores := os.cpu_count() or 1) > 1 and options.rounds > 1:
                async with stage(subject, self._place(), workers=cores) as running:
                    most = await saturation(running, options.at_once, options.seconds)
                self._add(subject, {"saturation_cores": most})
            async with stage(subject, self._place()) as running:
                self._add(subject, await parked(running, options.parked, options.deadlines))
        if UNBUY in self.subjects:
            self._add(UNBUY, {"transitions": transitions_per_second(1)})
        return self.results

    async def _half_of_most(self) -> float:
        async with stage(UNBUY, self._place()) as running:
            return await saturation(running, self.options.at_once, self.options.seconds) / 2

    def _place(self) -> Path:
        self._number += 1
        place = self.directory / f"{self._number:02}"
        place.mkdir()
        return place

    def _add(self, subject: Subject, values: Mapping[str, float]) -> None:
        self.results.add(subject.name, values)
        self.measured(self._number)


async def run(
    options: BenchOptions, directory: Path, measured: Callable[[int], None] = lambda _: None
) -> Results:
    """A whole run, its files in a directory; ``measured`` hears how many stages there were."""
    return await Bench(options, directory, measured).run()


def bench(
    *,
    options: Annotated[BenchOptions, Parameter(name="*")] = BenchOptions(),
    quick: Flag = False,
    output: Path = Path("var/bench.json"),
    document: Flag = False,
    keep: Keep = None,
) -> int:
    """Measure what an order costs, beside skeletons that do nothing.

    Parameters
    ----------
    quick
        Little of each, in two minutes.
    output
        Where the numbers go, as JSON.
    document
        Write table and charts into docs/performance.md, too.
    """
    console = Console(highlight=False)
    if quick:
        options = QUICK
    stages = len(options.subjects) * (options.rounds + 2)
    with (
        hushed(),
        workplace("bench", keep) as directory,
        progress(console, "stages", stages) as measured,
    ):
        results = asyncio.run(run(options, directory, measured))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(results.as_json())
    report(console, results)
    if document:
        write_page(results)
    return 0
