"""Ten thousand requests that schemathesis makes of the gateway's own description, and as many hostile ones.

`make soak-http`: every check that it has, against the running system: Temporal's real server, a worker,
SQLite. It prints what was asked and answered, and what others waited meanwhile, and exits non-zero when a
check fails, an answer is a 5xx, or others wait too long.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import httpx
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from bench.http.fuzz import Fuzz, FuzzCounts
from bench.http.hostile import HostileCounts, Hostility, Known, p99
from bench.http.latency import others
from bench.http.orders import PARTIES, Orders
from bench.http.system import System, system
from bench.tables import narrow
from bench.workplace import Keep, machine, workplace
from cli.arguments import Flag
from cli.progress import progress
from demo.waiting import until
from gateway.access import Role
from gateway.openapi import EXAMPLES

_LOOK_EVERY = 0.5
_NICE = 10
# What schemathesis makes in each role stays below it, on any machine that makes both.
_RATE_LIMIT = "1800/minute"


@dataclass(frozen=True)
class HttpSoakOptions:
    """The size of the run, and its seed.

    Parameters
    ----------
    requests
        How many requests to make at least.
    hostile
        How many hostile requests to make meanwhile.
    seed
        The seed of everything random.
    examples
        Generated requests per operation and run.
    brief
        Without each currency everywhere.
    """

    requests: int = 10_000
    hostile: int = 10_000
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


@dataclass(frozen=True)
class HttpSoakCounts:
    """What both parts of the soak counted."""

    fuzz: FuzzCounts = field(default_factory=FuzzCounts)
    hostile: HostileCounts = field(default_factory=HostileCounts)

    @property
    def failures(self) -> Counter[str]:
        """What went wrong; nothing must."""
        return self.fuzz.failures + self.hostile.failures


async def run(
    options: HttpSoakOptions, directory: Path, made: Callable[[int], None] = lambda _: None
) -> HttpSoakCounts:
    """The whole soak, its files in a directory; ``made`` hears how many requests have been answered."""
    counts = HttpSoakCounts()
    with ThreadPoolExecutor(1, "fuzz", _let_others_go_first) as thread:
        async with system(directory, _RATE_LIMIT) as running:
            fuzzing = asyncio.get_running_loop().run_in_executor(
                thread, fuzz, running, options, counts.fuzz
            )
            hostile = asyncio.create_task(be_hostile(running, options, counts.hostile))
            both = asyncio.gather(fuzzing, hostile)
            while not (await asyncio.wait({both}, timeout=_LOOK_EVERY))[0]:
                with suppress(RuntimeError):  # a new count came while they were summed
                    made(counts.fuzz.requests)
            await both
    return counts


def _let_others_go_first() -> None:
    """Making requests takes more than answering them: others are to wait for the gateway, not for this."""
    if sys.platform == "linux":
        os.nice(_NICE)  # this thread alone


async def be_hostile(running: System, options: HttpSoakOptions, counts: HostileCounts) -> None:
    """Make hostile requests, and measure what others wait for their own orders meanwhile."""
    if not options.hostile:
        return
    buyers = [f"other-{number}" for number in range(1, 5)]
    tokens = {buyer: running.token(Role.BUYER, buyer) for buyer in (*buyers, "hostile")}
    support = {"Authorization": f"Bearer {running.token(Role.SUPPORT, 'support-2')}"}
    async with httpx.AsyncClient(base_url=running.address, timeout=30, headers=support) as http:
        for buyer in tokens:
            placed = EXAMPLES["PlaceOrder"] | {"order_id": f"H-{buyer}"}
            placed["buyer"] = placed["buyer"] | {"id": buyer}
            placed["policy"] = {"payment_review": "PT1S"}
            await until(partial(_is_placed, http, placed))
        provider = {"Authorization": f"Bearer {running.token(Role.PROVIDER, 'provider-2')}"}
        await until(partial(_is_to_be_shipped, http, provider))
    requests = [
        (path.format(buyer), tokens[buyer])
        for path in ("/v1/orders/H-{}", "/v1/orders", "/healthz", "/sign-in")
        for buyer in buyers
    ]
    seller = running.token(Role.SELLER, EXAMPLES["PlaceOrder"]["seller"]["id"])
    known = Known(tokens["hostile"], seller, "H-hostile", f"H-{buyers[0]}")
    async with others(running.address, requests) as counts.waits:
        await Hostility(running.address, known, random.Random(options.seed), counts).run(
            options.hostile
        )
    counts.judge()


async def _is_placed(http: httpx.AsyncClient, placed: dict[str, Any]) -> bool:
    """Place an order; what is answered with 503 is to be sent again."""
    answer = await http.post("/v1/orders", json=placed)
    if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return False
    answer.raise_for_status()
    return True


async def _is_to_be_shipped(http: httpx.AsyncClient, provider: dict[str, str]) -> bool:
    """Pay the order of somebody hostile, whose seller may then upload proofs."""
    path = "/v1/orders/H-hostile"
    view = (await http.get(path)).json()
    if view.get("status") == "awaiting_payment":
        payment = EXAMPLES["payment"] | {"payment_id": "pay-hostile", "money": view["amount_due"]}
        await http.post(f"{path}/payment", json=payment, headers=provider)
    return bool(view.get("status") == "awaiting_shipment")


def report(
    console: Console, options: HttpSoakOptions, counts: HttpSoakCounts, seconds: float
) -> None:
    """Print the counts, and all failures."""
    if counts.fuzz.requests:
        _report_fuzz(console, counts.fuzz)
    if counts.hostile.requests:
        _report_hostile(console, counts.hostile)
    console.print(f"Seed {options.seed}, {seconds:.0f} s, {machine()}.")
    for what, number in counts.failures.most_common():
        console.print(Text(f"WRONG, {number} times: {what}", style="red"))
        console.print(Text(counts.fuzz.examples.get(what, "")))
    if not counts.failures:
        console.print("No check failed, and no answer was a 5xx.")


def _report_hostile(console: Console, counts: HostileCounts) -> None:
    statuses = sorted({status for it in counts.statuses.values() for status in it})
    made = narrow("Hostile requests and answers")
    made.add_column("kind")
    for status in statuses:
        made.add_column(f"{status or 'none'}", justify="right")
    for kind, counted in sorted(counts.statuses.items()):
        made.add_row(kind, *(f"{counted[status] or ''}" for status in statuses))
    console.print(made)
    waited = narrow("What others waited")
    for column in ("periods", "requests", "p50 ms", "p99 ms", "most ms"):
        waited.add_column(column, justify="left" if column == "periods" else "right")
    for name, hostile in (("quiet", False), ("hostile", True)):
        waits = counts.waited(hostile=hostile) or [0.0]
        numbers = (waits[len(waits) // 2], p99(waits), waits[-1])
        waited.add_row(name, f"{len(waits)}", *(f"{number * 1000:.1f}" for number in numbers))
    console.print(waited)
    meanwhile, otherwise = (p99(counts.waited(hostile=it)) for it in (True, False))
    console.print(
        f"{counts.requests} hostile requests. Of 100 requests of others 99 took {meanwhile * 1000:.0f} ms at "
        f"most meanwhile, {meanwhile / (otherwise or 1):.1f} times as long as in the quiet periods between."
    )


def _report_fuzz(console: Console, counts: FuzzCounts) -> None:
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
        f"of the {valid} valid ones {counts.valid[True] / valid:.0%}."
    )


def soak_http(
    *,
    options: Annotated[HttpSoakOptions, Parameter(name="*")] = HttpSoakOptions(),
    keep: Keep = None,
) -> int:
    """Make ten thousand requests of the HTTP API, as schemathesis generates them, and as many hostile ones.

    Each answer is checked, and what others wait meanwhile is measured.
    """
    console = Console(highlight=False)
    began = time.monotonic()
    with (
        workplace("soak", keep) as directory,
        progress(console, "requests", options.requests) as made,
    ):
        counts = asyncio.run(run(options, directory, made))
    report(console, options, counts, time.monotonic() - began)
    return 1 if counts.failures else 0
