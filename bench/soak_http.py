"""Ten thousand requests that schemathesis makes of the gateway's own description: `make soak-http`.

Every check that it has, against the running system: Temporal's real server, a worker, SQLite. It prints what
was asked and answered, and exits non-zero when a check fails or an answer is a 5xx.
"""

import argparse
import asyncio
import os
import platform
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.text import Text

from bench.gateway_system import System, system
from bench.http_fuzz import Fuzz, FuzzCounts
from bench.http_orders import PARTIES, Orders
from bench.tables import narrow
from bench.workplace import workplace
from gateway.access import Role


class HttpSoakOptions(NamedTuple):
    """The size of the run, and its seed."""

    requests: int = 10_000
    seed: int = 1
    examples: int = 60
    """Generated requests per operation and run."""
    brief: bool = False


def fuzz(running: System, options: HttpSoakOptions) -> FuzzCounts:
    """Run schemathesis until it has made this many requests, each run with a new seed."""

    def token(role: Role) -> str:
        return running.token(role, PARTIES[role])

    chance = random.Random(options.seed)
    with httpx.Client(base_url=running.address, timeout=30) as http:
        fuzzing = Fuzz(running.address, Orders(http, token, chance), token, chance)
        seed = options.seed
        while fuzzing.counts.requests < options.requests:
            fuzzing.run(seed, options.examples, brief=options.brief)
            seed += 1
            if fuzzing.counts.failures:
                break
    return fuzzing.counts


async def run(options: HttpSoakOptions, directory: Path) -> FuzzCounts:
    """The whole soak, its files in a directory."""
    async with system(directory) as running:
        return await asyncio.to_thread(fuzz, running, options)


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
        f"Seed {options.seed}, {seconds:.0f} s, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}."
    )
    for what, number in counts.failures.most_common():
        console.print(Text(f"WRONG, {number} times: {what}", style="red"))
        console.print(Text(counts.examples[what]))
    if not counts.failures:
        console.print("No check failed, and no answer was a 5xx.")


def read(arguments: Sequence[str] | None) -> tuple[HttpSoakOptions, Path | None]:
    """Parse the options, and the directory to keep files in."""
    usual = HttpSoakOptions()
    parser = argparse.ArgumentParser(
        prog="soak_http", description=(__doc__ or "").partition("\n")[0]
    )
    for name, words in (
        ("requests", "how many there are to be at least"),
        ("seed", "what all chance comes from"),
        ("examples", "generated requests for each operation and run"),
    ):
        usual_value = getattr(usual, name)
        parser.add_argument(
            f"--{name}", type=int, default=usual_value, help=f"{words} (default: {usual_value})"
        )
    parser.add_argument("--brief", action="store_true", help="without each currency everywhere")
    parser.add_argument("--keep", type=Path, help="directory where databases and logs stay")
    read = vars(parser.parse_args(arguments))
    keep = read.pop("keep")
    return HttpSoakOptions(**read), keep


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 on any failure."""
    options, keep = read(arguments)
    console = Console(highlight=False)
    with workplace("soak", keep) as directory:
        began = time.monotonic()
        counts = asyncio.run(run(options, directory))
    report(console, options, counts, time.monotonic() - began)
    return 1 if counts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
