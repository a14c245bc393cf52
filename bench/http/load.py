"""What HTTP costs: placing, reading and sending over it, and straight to Temporal: `make load-http`.

Both ways make the same requests of the same orders on the same machine: Temporal's real server on a file, a
worker, a gateway and this client, one process each. Exits non-zero on any error.
"""

import asyncio
import itertools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Annotated, NamedTuple

import httpx
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from bench.http.orders import PARTIES
from bench.http.system import System, system
from bench.tables import narrow
from bench.workplace import Keep, hushed, machine, workplace
from cli.progress import progress
from client import orders
from client.errors import ClientError
from gateway.access import Role
from gateway.openapi import EXAMPLES
from orders.errors import OrderError
from orders.messages import BuyerMessage
from orders.place_order import PlaceOrder

Operation = Callable[[int], Awaitable[None]]
OPERATIONS = ("nothing", "place", "read", "send")

_ERRORS = (httpx.HTTPError, RPCError, TemporalError, ClientError, OrderError, TimeoutError)


@dataclass(frozen=True)
class LoadOptions:
    """How much.

    Parameters
    ----------
    operations
        How many of each kind.
    levels
        How many at once.
    """

    operations: int = 200
    levels: Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative=())] = (1, 4, 8)


@dataclass
class Measured:
    """A measurement; ``latencies`` of the successful operations, in seconds."""

    what: str
    at_once: int
    seconds: float = 0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Throughput."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of all stays under, in milliseconds."""
        ordered = sorted(self.latencies) or [math.nan]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


class Row(NamedTuple):
    """One operation over HTTP and by Temporal's client, which has none without an order."""

    over_http: Measured
    straight: Measured | None


@dataclass(frozen=True)
class Load:
    """Both ways to the orders of a system."""

    running: System
    http: httpx.AsyncClient
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _orders: list[str] = field(default_factory=list)

    async def row(self, what: str, operations: int, at_once: int) -> Row:
        """Measure one operation, both ways."""
        over_http, straight = {
            "nothing": (self.asks_nothing, None),
            "place": (self.places, self.places_straight),
            "read": (self.reads, self.reads_straight),
            "send": (self.sends, self.sends_straight),
        }[what]
        return Row(
            await measure(what, over_http, operations, at_once),
            straight and await measure(what, straight, operations, at_once),
        )

    async def asks_nothing(self, _: int) -> None:
        """The cost of HTTP alone."""
        (await self.http.get("/healthz")).raise_for_status()

    async def places(self, _: int) -> None:
        """R1: place an order, and get its view."""
        placed = self._new()
        answer = await self._post("/v1/orders", placed.model_dump(mode="json"))
        assert answer.status_code == 201
        self._orders.append(placed.order_id)

    async def places_straight(self, _: int) -> None:
        """The same: start the workflow, then ask it."""
        placed = self._new()
        await orders.place(self.running.server.client, placed)
        await orders.show(self.running.server.client, placed.order_id)

    async def reads(self, turn: int) -> None:
        """Read an order that waits."""
        await self._get(f"/v1/orders/{self._order(turn)}")

    async def reads_straight(self, turn: int) -> None:
        """The same: a query."""
        await orders.show(self.running.server.client, self._order(turn))

    async def sends(self, turn: int) -> None:
        """R4: send an order a message with a new id, and get its view."""
        message = self._message().model_dump(exclude_unset=True)
        await self._post(f"/v1/orders/{self._order(turn)}/buyer-message", message)

    async def sends_straight(self, turn: int) -> None:
        """The same: an update."""
        await orders.update(self.running.server.client, self._order(turn), self._message())

    def _new(self) -> PlaceOrder:
        return PlaceOrder.model_validate(
            EXAMPLES["PlaceOrder"] | {"order_id": f"L-{next(self._numbers)}"}
        )

    def _message(self) -> BuyerMessage:
        return BuyerMessage(text="Does it charge a laptop?", message_id=f"m-{next(self._numbers)}")

    def _order(self, turn: int) -> str:
        return self._orders[turn % len(self._orders)]

    async def _post(self, path: str, body: object) -> httpx.Response:
        return (await self.http.post(path, json=body)).raise_for_status()

    async def _get(self, path: str) -> httpx.Response:
        return (await self.http.get(path)).raise_for_status()


async def measure(what: str, operation: Operation, operations: int, at_once: int) -> Measured:
    """Run an operation this many times, at this concurrency."""
    measured = Measured(what, at_once)
    turns = iter(range(operations))

    async def one_after_the_other() -> None:
        for turn in turns:
            began = time.perf_counter()
            try:
                await operation(turn)
            except _ERRORS as error:
                measured.errors.append(f"{what}: {type(error).__name__}: {error}")
            else:
                measured.latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    measured.seconds = time.perf_counter() - began
    return measured


async def run(
    options: LoadOptions, directory: Path, measured: Callable[[int], None] = lambda _: None
) -> list[Row]:
    """The whole load, its files in a directory; ``measured`` hears how many rows there are."""
    async with system(directory) as running, _client(running, max(options.levels)) as http:
        load = Load(running, http)
        # Warm up.
        for what in OPERATIONS:
            await load.row(what, min(options.operations, 20), 4)
        rows: list[Row] = []
        for what, at_once in itertools.product(OPERATIONS, options.levels):
            rows.append(await load.row(what, options.operations, at_once))
            measured(len(rows))
        return rows


@asynccontextmanager
async def _client(running: System, at_once: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client with as many connections as concurrent requests."""
    token = running.token(Role.BUYER, PARTIES[Role.BUYER])
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(
        base_url=running.address,
        headers={"Authorization": f"Bearer {token}"},
        limits=limits,
        timeout=60,
        trust_env=False,
    ) as http:
        yield http


def report(console: Console, options: LoadOptions, rows: Sequence[Row]) -> None:
    """Print both ways side by side, and every error."""
    made = narrow("Over HTTP, and by Temporal's client")
    for name in ("operation", "at once", "HTTP/s", "p50 ms", "p99 ms"):
        made.add_column(name, justify="left" if name == "operation" else "right")
    for name in ("Temporal/s", "p50 ms", "p99 ms", "ratio"):
        made.add_column(name, justify="right")
    for over_http, straight in rows:
        ratio = f"{over_http.per_second / straight.per_second:.2f}" if straight else ""
        made.add_row(
            over_http.what,
            f"{over_http.at_once}",
            *_numbers(over_http),
            *(_numbers(straight) if straight else ("", "", "")),
            ratio,
        )
    console.print(made)
    console.print(f"{options.operations} of each; {machine()}.")
    for error in errors(rows):
        console.print(Text(f"WRONG: {error}", style="red"))


def _numbers(measured: Measured) -> tuple[str, str, str]:
    return (
        f"{measured.per_second:.0f}",
        f"{measured.percentile(0.5):.1f}",
        f"{measured.percentile(0.99):.1f}",
    )


def errors(rows: Sequence[Row]) -> list[str]:
    """All errors."""
    return [error for row in rows for measured in row if measured for error in measured.errors]


def load_http(
    *,
    options: Annotated[LoadOptions, Parameter(name="*")] = LoadOptions(),
    keep: Keep = None,
) -> int:
    """Measure what HTTP costs: placing, reading and sending over it, and straight to Temporal."""
    console = Console(highlight=False)
    with (
        hushed(),
        workplace("load", keep) as directory,
        progress(console, "rows", len(OPERATIONS) * len(options.levels)) as measured,
    ):
        rows = asyncio.run(run(options, directory, measured))
    report(console, options, rows)
    return 1 if errors(rows) else 0
