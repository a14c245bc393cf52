"""Thousands of refunds with faults on every call and workers killed all through: `make soak-money`.

Each refund must exist exactly once at the provider, and the ledger must agree: it prints the counts, and
exits non-zero when one is wrong. All parts are real except Stripe, which the tests' stand-in replaces. One
seed determines the random choices, but not the machine's timing.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.money.soak import MoneySoakOptions, SoakCounts, soak
from bench.workplace import Keep, hushed, machine, workplace
from cli.progress import progress
from testing.postgres import postgres_server


def report(console: Console, options: MoneySoakOptions, counts: SoakCounts) -> None:
    """Print the counts, and all faults."""
    made = Table(title="Refunds among faults", title_style="bold", show_header=False)
    made.add_column("what")
    made.add_column("number", justify="right")
    for section in _sections(options, counts):
        for what, number in section:
            made.add_row(what, f"{number}")
        made.add_section()
    console.print(made)
    console.print(
        f"Seed {options.seed}, {'PostgreSQL' if options.postgres else 'SQLite'}, {machine()}."
    )
    for fault in counts.wrong:
        console.print(Text(f"WRONG: {fault}", style="red"))
    if not counts.wrong:
        console.print(
            "Each refund exists exactly once at the provider, no charge has given back more than came "
            "in, and provider, register, ledger and orders say the same of every one of them."
        )


def _sections(options: MoneySoakOptions, counts: SoakCounts) -> Iterator[list[tuple[str, object]]]:
    yield [
        ("orders", sum(counts.lives.values())),
        *_most_first(counts.lives),
    ]
    yield [
        ("refunds asked for", counts.asked),
        ("refunds made at the provider", counts.made),
        ("refunds settled", counts.settled),
        *_most_first(counts.bank),
        ("stray payments", counts.stray_payments),
        *((f"chargebacks {how}", number) for how, number in sorted(counts.chargebacks.items())),
        ("  of stray payments", sum(counts.stray_chargebacks.values())),
        *((f"    {how}", n) for how, n in sorted(counts.stray_chargebacks.items())),
    ]
    yield [
        ("requests to the provider", sum(counts.requests.values())),
        *_most_first(counts.requests),
        ("faults suffered", sum(counts.faults.values())),
        *_most_first(counts.faults),
        ("events of the provider", counts.events),
        ("  lost for good", counts.events_lost),
    ]
    yield [
        ("workers killed", counts.workers_killed),
        ("workers started", counts.workers_started),
    ]
    yield [
        ("differences", len(counts.wrong)),
        ("seconds", f"{counts.seconds:.0f}"),
        ("refunds a second", f"{counts.made / counts.seconds:.1f}"),
    ]


def _most_first(counted: Counter[str]) -> list[tuple[str, object]]:
    return [(f"  {what}", number) for what, number in counted.most_common()]


async def run(options: MoneySoakOptions, directory: Path, console: Console) -> SoakCounts:
    """The whole soak, its files in a directory; its processes end with it, also when it is stopped."""
    if running := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    with ExitStack() as stack:
        url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
        if options.postgres:
            url = stack.enter_context(postgres_server()).create("soak")
        made = stack.enter_context(progress(console, "refunds", options.refunds))

        def tell(text: str) -> None:
            console.print(text)
            made(soaking.counts.made)

        async with soak(options, directory, url, tell) as soaking:
            return await soaking.run()


_USUAL = MoneySoakOptions()


def soak_money(
    *,
    options: Annotated[MoneySoakOptions, Parameter(name="*")] = _USUAL,
    keep: Keep = None,
) -> int:
    """Make thousands of refunds with faults on every call and workers killed all through, and count each."""
    console = Console(highlight=False)
    with hushed(), workplace("soak", keep) as directory:
        counts = asyncio.run(run(options, directory, console))
    report(console, options, counts)
    return 1 if counts.wrong else 0
