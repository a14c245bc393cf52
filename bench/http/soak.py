"""Ten thousand requests that schemathesis makes of the gateway's own description: `make soak-http`.

Every check that it has, against the running system: Temporal's real server, a worker, SQLite. It prints what
was asked and answered, and exits non-zero when a check fails or an answer is a 5xx.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from bench.http.fuzz import Fuzz, FuzzCounts
from bench.http.orders import PARTIES, Orders
from bench.http.system import System, system
from bench.tables import narrow
from bench.workplace import Keep, machine, workplace
from cli.arguments import Flag
from cli.progress import progress
from gateway.access import Role

_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class HttpSoakOptions:
    """The size of the run, and its seed.

    Parameters
    ----------
    requests
        How many requests to make at least.
    seed
        The seed of everything random.
    examples
        Generated requests per operation and run.
    brief
        Without each currency everywhere.
    """

    requests: int = 10_000
    seed: int = 1
    examples: int = 60
    brief: Flag = False


def fuzz(running: System, options: HttpSoakOptions, counts: FuzzCounts) -> FuzzCounts:
    """Run schemathesis until it has made this many requests, each run with a new seed."""

    def token(role: Role) -> str:
        return running.token(role, PARTIES[role])

    chance = random.Random(options.seed)
    with httpx.Client(base_url=running.address, timeout=30) as http:
        fuzzing = Fuzz(running.address, Orders(http, token, chance), token, chance, counts)
        seed = options.seed
        while fuzzing.counts.requests < options.requests:
            fuzzing.run(seed, options.examples, brief=options.brief)
            seed += 1
            if fuzzing.counts.failures:
                break
    return fuzzing.counts


async def run(
    options: HttpSoakOptions, directory: Path, made: Callable[[int], None] = lambda _: None
) -> FuzzCounts:
    """The whole soak, its files in a directory; ``made`` hears how many requests have been answered."""
    async with system(directory) as running:
        counts = FuzzCounts()
        fuzzing = asyncio.create_task(asyncio.to_thread(fuzz, running, options, counts))
        while not (await asyncio.wait({fuzzing}, timeout=_LOOK_EVERY))[0]:
            with suppress(RuntimeError):  # a new count came while they were summed
                made(counts.requests)
        return await fuzzing


def report(console: Console, options: HttpSoakOptions, counts: FuzzCounts, seconds: float) -> None:
    """Print the counts, and all failures."""
    statuses = sorted(counts.by_status)
    made = narrow("Requests and answers")
    made.add_column("operation")
    for status in (*statuses, "all"):
        made.add_column(f"{status}", justify="right")
    for label, counted in sorted(counts.statuses.items()):
        numbers = [*(counted[status] for status in statuses), sum(counted.values())]
        short = label.replace("/v1/orders/{order_id}/", "…/")
        made.add_row(short, *(f"{number or ''}" for number in numbers))
    made.add_section()
    totals = [*(counts.by_status[status] for status in statuses), counts.requests]
    made.add_row("all", *(f"{number}" for number in totals))
    console.print(made)
    checks = ", ".join(f"{name} {number}" for name, number in sorted(counts.checks.items()))
    console.print(f"Checks made: {checks}.")
    valid = sum(counts.valid.values()) or 1
    console.print(
        f"{counts.requests} requests, {counts.by_status[200] + counts.by_status[201]} of them answered 2xx; "
        f"of the {valid} valid ones {counts.valid[True] / valid:.0%}. "
        f"Seed {options.seed}, {seconds:.0f} s, {machine()}."
    )
    for what, number in counts.failures.most_common():
        console.print(Text(f"WRONG, {number} times: {what}", style="red"))
        console.print(Text(counts.examples[what]))
    if not counts.failures:
        console.print("No check failed, and no answer was a 5xx.")


def soak_http(
    *,
    options: Annotated[HttpSoakOptions, Parameter(name="*")] = HttpSoakOptions(),
    keep: Keep = None,
) -> int:
    """Make ten thousand requests of the HTTP API, as schemathesis generates them, and check each answer."""
    console = Console(highlight=False)
    began = time.monotonic()
    with (
        workplace("soak", keep) as directory,
        progress(console, "requests", options.requests) as made,
    ):
        counts = asyncio.run(run(options, directory, made))
    report(console, options, counts, time.monotonic() - began)
    return 1 if counts.failures else 0
