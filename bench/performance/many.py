"""`make bench-many`: whether an order costs the same, and pages are as fast, among 100,000 open orders."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx
from cyclopts import Parameter
from rich.console import Console

from bench.performance.cost import order_cost, percentile
from bench.performance.page import write_many
from bench.performance.parked import each, park
from bench.performance.report import Results, report
from bench.performance.stage import Stage, stage
from bench.performance.subjects import UNBUY, Step
from bench.workplace import Keep, hushed, machine, workplace
from cli.arguments import Flag
from cli.progress import progress
from client import orders
from gateway.access import Role
from gateway.tokens import SecretTokens
from orders.messages import CancelReason, CancelRequest

_FORM_SECRET = re.compile(r'name="form_secret" value="([^"]+)"')
_DISPUTED = 100
"""One order in so many is in support's queue."""
_MIB = 1024**2
_LIFETIME = timedelta(days=2)


@dataclass(frozen=True)
class ManyOptions:
    """How much.

    Parameters
    ----------
    levels
        How many orders are open when it is measured.
    orders
        How many orders are lived through among them, four a second.
    requests
        How often each page is asked for.
    """

    levels: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative=())] = (
        100,
        10_000,
        100_000,
    )
    orders: int = 60
    requests: int = 100


@dataclass
class Growth:
    """Open orders that become more and more; ``placed`` hears how many there are."""

    options: ManyOptions
    running: Stage
    open: int = 0

    async def grow(self, level: int) -> None:
        """Place orders until so many are open."""
        order_ids = [f"O-{number}" for number in range(self.open, level)]
        self.open = level
        await park(self.running, order_ids, payment_review=timedelta(seconds=1))
        await each(self._dispute, order_ids[::_DISPUTED])

    async def _dispute(self, order_id: str) -> None:
        """A complaint about a paid order is support's to decide."""
        await self.running.orders.update(order_id, Step.PAYMENT)
        await self.running.until_checked(order_id)
        complaint = CancelRequest(reason=CancelReason.POOR_QUALITY_EXPECTED, complaint=True)
        await orders.update(self.running.client, order_id, complaint)
        await self.running.until_it_rests(order_id)

    async def measure(self) -> dict[str, float]:
        """By the names of ``METRICS``."""
        options, running = self.options, self.running
        memory, disk = running.worker_memory(), running.disk()
        cost = await order_cost(
            running,
            options.orders,
            per_second=4,
            pause=timedelta(seconds=1),
            among=self.open,
            prefix=f"P{self.open}",
        )
        async with _support(running) as http:
            return {
                **cost,
                "memory": memory / _MIB,
                "disk": disk / _MIB,
                "list_p95": await self._p95(http, "/v1/orders?status=awaiting_payment"),
                "page_p95": await self._p95(http, "/orders/O-{number}"),
                "queue_p95": await self._p95(http, "/"),
            }

    async def _p95(self, http: httpx.AsyncClient, path: str) -> float:
        """Milliseconds; every request of another order, evenly among all."""
        seconds = []
        for turn in range(self.options.requests):
            began = time.perf_counter()
            number = turn * self.open // self.options.requests
            (await http.get(path.format(number=number))).raise_for_status()
            seconds.append(time.perf_counter() - began)
        return percentile(seconds, 0.95) * 1000


@asynccontextmanager
async def _support(running: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """Support at the gateway, signed in and with a token."""
    token = SecretTokens(running.token_secret).issue(Role.SUPPORT, "support-1", _LIFETIME)
    async with httpx.AsyncClient(base_url=running.gateway, timeout=60, trust_env=False) as http:
        found = _FORM_SECRET.search((await http.get("/sign-in")).text)
        assert found
        await http.post("/sign-in", data={"token": token, "form_secret": found[1]})
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def run(
    options: ManyOptions, directory: Path, placed: Callable[[int], None] = lambda _: None
) -> Results:
    """All levels, files in a directory; ``placed`` hears how many orders are open."""
    results = Results(
        f"{options.orders} orders lived through at each number of open ones, 1 in {_DISPUTED} of them "
        f"disputed; each page {options.requests} times; {machine()}."
    )
    async with stage(UNBUY, directory) as running:
        await running.start_gateway()
        growth = Growth(options, running)
        for level in options.levels:
            await growth.grow(level)
            placed(level)
            results.add(f"{level:,} open", await growth.measure())
    return results


def bench_many(
    *,
    options: Annotated[ManyOptions, Parameter(name="*")] = ManyOptions(),
    output: Path = Path("var/bench-many.json"),
    document: Flag = False,
    keep: Keep = None,
) -> int:
    """Measure whether an order costs the same, and pages are as fast, among ever more open orders.

    Parameters
    ----------
    output
        Where the numbers go, as JSON.
    document
        Write the table into docs/performance.md, too.
    """
    console = Console(highlight=False)
    with (
        hushed(),
        workplace("bench-many", keep) as directory,
        progress(console, "open orders", max(options.levels)) as placed,
    ):
        results = asyncio.run(run(options, directory, placed))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(results.as_json())
    report(console, results, "An order among many")
    if document:
        write_many(results)
    return 0
