"""The soak of the money: its processes, batches and results. The command is in ``bench.money.command``."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from temporalio.client import Client
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from adapters.stripe.provider import PATIENCE, StripeProvider
from bench.money import judge
from bench.money.evidence import gather
from bench.money.judge import Evidence
from bench.money.lives import Bank, EventDelivery, SoakedOrder
from bench.money.plan import FOR_NO_ORDER, REFUNDS, Kind, Plan, plans
from bench.worker_fleet import Fleet, fleet
from cli.arguments import Flag
from client import orders, stray_payments
from client.errors import ClientError, NotRunning, domain_errors
from client.provider_events import ProviderEventHandler
from database.connection import Database
from database.orders import SqlOrders
from database.stray_payments import SqlStrayPayments
from database.webhook_inbox import SqlWebhookInbox
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from orders.errors import OrderError
from orders.stray_payments import StrayPaymentState
from testing.stripe.faults import Faults, InjectedFault
from testing.stripe.front import Front
from testing.stripe.peer import API_KEY, Peer, stripe_peer
from testing.stripe.webhooks import StripeWebhooks

_PATIENCE = 1200.0
"""Seconds from the end of one order to that of the next, and from the last to the end of the batch.

However many there are and however busy the machine is: what stands still is found, and what is slow is not.
"""
_UNTIL_SENT_BACK = 600.0
"""Seconds after the last order's end within which all stray payments are being refunded."""
_AT_ONCE = 48
"""Orders that are sent messages at once."""
_REQUESTS_AN_ORDER = 6
"""At the least; workers are killed at requests up to here, so that as many are as were planned."""


@dataclass(frozen=True)
class MoneySoakOptions:
    """How much, and how much goes wrong.

    Parameters
    ----------
    refunds
        How many there are to be at least.
    seed
        The seed of everything random.
    batch
        Refunds after which the provider is checked and emptied.
    kills
        Workers that are killed in all.
    workers
        Workers at once.
    rate
        Share of making requests that suffer a fault.
    reading_rate
        Share of reading requests that do.
    slow
        Seconds for which a slow answer is held back.
    attempt
        Seconds of one attempt to move money, instead of the product's.
    postgres
        On an embedded PostgreSQL.
    """

    refunds: int = 2000
    seed: int = 1
    batch: int = 100
    kills: int = 40
    workers: int = 3
    rate: float = 0.2
    reading_rate: float = 0.1
    slow: float = float(PATIENCE.read or 0) + 1
    attempt: float | None = None
    postgres: Flag = False


@dataclass
class SoakCounts:
    """Totals, and everything that was wrong."""

    lives: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    made: int = 0
    """At the provider, which refuses refunds requested after a chargeback (R23)."""
    settled: int = 0
    stray_payments: int = 0
    chargebacks: Counter[str] = field(default_factory=Counter)
    stray_chargebacks: Counter[str] = field(default_factory=Counter)
    """Of ``chargebacks``, those of stray payments, by outcome and what the payer has then."""
    requests: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    bank: Counter[str] = field(default_factory=Counter)
    events: int = 0
    events_lost: int = 0
    workers_started: int = 0
    workers_killed: int = 0
    cash: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Trigger(Faults):
    """Random faults, and the killing of workers at the n-th request to the provider."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at: list[int] = []
        """The numbers of requests, the last first."""
        self.requests = 0
        self.pull: Callable[[], None] = lambda: None

    def next(self, makes_something: bool) -> InjectedFault | None:
        """See ``Faults``."""
        self.requests += 1
        while self.at and self.at[-1] <= self.requests:
            self.at.pop()
            self.pull()
        return super().next(makes_something)


@dataclass
class Soak:
    """Everything that runs, and its results so far."""

    options: MoneySoakOptions
    server: EmbeddedServer
    database: Database
    peer: Peer
    fleet: Fleet
    trigger: Trigger
    provider: StripeProvider
    tell: Callable[[str], None]
    counts: SoakCounts = field(default_factory=SoakCounts)

    @property
    def client(self) -> Client:
        """Temporal's client."""
        return self.server.client

    @property
    def front(self) -> Front:
        """Stripe's stand-in."""
        return self.peer.front

    async def run(self) -> SoakCounts:
        """All batches, one after the other."""
        options, counts, began = self.options, self.counts, monotonic()
        batches = list(_batches(options))
        kills = [options.kills * (n + 1) // len(batches) for n in range(len(batches))]
        for number, batch in enumerate(batches):
            before = monotonic()
            wrong = await self._batch(batch, kills[number] - (kills[number - 1] if number else 0))
            counts.wrong += wrong
            self.tell(
                f"Batch {number + 1} of {len(batches)}: {len(batch)} orders, {counts.made} refunds made "
                f"so far, {len(wrong)} differences, {monotonic() - before:.0f} s."
            )
            if wrong:
                break  # leftovers of this batch would be counted in the next one
        counts.seconds = monotonic() - began
        self._conclude()
        return counts

    async def _batch(self, batch: Sequence[Plan], kills: int) -> list[str]:
        await self.front.flush()
        trigger = self.trigger
        chance = random.Random(f"{self.options.seed}:{batch[0].order_id}")
        last = trigger.requests + _REQUESTS_AN_ORDER * len(batch)
        trigger.at = sorted(
            (chance.randint(trigger.requests + 1, last) for _ in range(kills)), reverse=True
        )
        trigger.pull = lambda: self.fleet.kill_soon(chance.uniform(0, 0.1))
        events, bank = self._people()
        wrong: list[str] = []
        living = {it.order_id: it.kind for it in batch}
        turns = asyncio.Semaphore(_AT_ONCE)
        stray_payments: dict[str, StrayPaymentState] = {}
        try:
            async with asyncio.TaskGroup() as running:
                delivering = running.create_task(events.run())
                async with asyncio.timeout(_PATIENCE) as limit:
                    lives = [self._life(it, turns, events, bank, living, limit) for it in batch]
                    for problem in await asyncio.gather(*lives):
                        wrong += problem
                    await self._until_sent_back(batch)
                    await self._until_nothing_runs(events)
                    stray_payments = await self._stray_payments(batch)
                delivering.cancel()
        except* TimeoutError:
            left = [f"{order_id} ({kind})" for order_id, kind in living.items()]
            wrong.append(f"Nothing came to its end in {_PATIENCE:.0f} s; orders left: {left}.")
        endings = {it.order_id: ending for it in batch if (ending := it.ending)}
        evidence = await gather(self.client, self.database, self.front, endings, stray_payments)
        wrong += judge.faults(evidence, self.counts.cash)
        self._count(batch, evidence, events, bank)
        return wrong

    def _people(self) -> tuple[EventDelivery, Bank]:
        handler = ProviderEventHandler(
            self.client,
            self.provider,
            SqlOrders(self.database),
            SqlStrayPayments(self.database),
            SqlWebhookInbox(self.database),
        )
        events = EventDelivery(self.front, handler, self.options.seed)
        bank = Bank(self.front, self.options.seed)
        events.on_refund = bank.decide
        return events, bank

    async def _life(
        self,
        plan: Plan,
        turns: asyncio.Semaphore,
        events: EventDelivery,
        bank: Bank,
        living: dict[str, Kind],
        limit: asyncio.Timeout,
    ) -> list[str]:
        life = SoakedOrder(plan, self.client, self.peer.checkout, events, bank)
        try:
            async with turns:
                await life.live()
            if plan.kind not in FOR_NO_ORDER:
                await orders.handle(self.client, plan.order_id).result()
        except (ClientError, OrderError, TemporalError, RPCError) as error:
            return [f"Order {plan.order_id} ({plan.kind}): {type(error).__name__}: {error}"]
        del living[plan.order_id]
        limit.reschedule(asyncio.get_running_loop().time() + _PATIENCE)
        return []

    async def _until_sent_back(self, batch: Sequence[Plan]) -> None:
        await asyncio.gather(*map(self._until_refunded, await self._accepted_by_no_order(batch)))

    async def _stray_payments(self, batch: Sequence[Plan]) -> dict[str, StrayPaymentState]:
        """The stray payments as they are stored, with chargebacks that came late."""
        stored = SqlStrayPayments(self.database)
        found = [await stored.find(it) for it in await self._accepted_by_no_order(batch)]
        return {it.payment_id: it for it in found if it}

    async def _accepted_by_no_order(self, batch: Sequence[Plan]) -> list[str]:
        stored = SqlOrders(self.database)
        views = [await stored.find(it.order_id) for it in batch]
        accepted = {it.payment.payment_id for it in views if it and it.payment}
        charges = [it["id"] for it in await self.front.charges() if it["status"] == "succeeded"]
        return [it for it in charges if it not in accepted]

    async def _until_refunded(self, payment_id: str) -> None:
        """Wait until it is refunded; the judge reports one that never is."""
        handle = stray_payments.handle(self.client, payment_id)
        give_up = monotonic() + _UNTIL_SENT_BACK
        while monotonic() < give_up:
            try:
                with domain_errors(NotRunning(handle.id)):
                    await handle.result()
                return
            except NotRunning:
                await asyncio.sleep(0.2)

    async def _until_nothing_runs(self, events: EventDelivery) -> None:
        """Nor will any start by a late event: a chargeback of a payment whose workflow has ended."""
        running = "ExecutionStatus = 'Running'"

        async def done() -> bool:
            count = self.client.count_workflows
            return events.has_delivered_all and not (await count(running)).count

        await until(done, within=None)

    def _count(
        self, batch: Sequence[Plan], evidence: Evidence, events: EventDelivery, bank: Bank
    ) -> None:
        counts = self.counts
        counts.lives.update(it.kind.value for it in batch)
        counts.asked += len(evidence.asked)
        counts.made += len(evidence.refunds)
        counts.settled += sum(it["status"] == "succeeded" for it in evidence.refunds)
        counts.stray_payments += len(evidence.stray_payments)
        counts.chargebacks.update(it["status"] for it in evidence.disputes)
        counts.stray_chargebacks.update(
            f"{chargeback.status}, {'paid twice' if it.held else 'paid once'}"
            for it in evidence.stray_payments.values()
            for chargeback in it.chargebacks
        )
        counts.bank.update(bank.did)
        counts.events += len(self.front.webhooks.sent)
        counts.events_lost += events.lost
        counts.cash.update(judge.cash(evidence))
        counts.requests.update(f"{method} {_kind(path)}" for method, path in self.front.asked)
        self.front.asked.clear()
        self.front.webhooks.sent.clear()

    def _conclude(self) -> None:
        counts, options = self.counts, self.options
        counts.faults = Counter({str(it): n for it, n in self.trigger.suffered.items()})
        counts.workers_started = self.fleet.started
        counts.workers_killed = self.fleet.killed
        if self.fleet.ended_by_themselves:
            counts.wrong.append(f"{self.fleet.ended_by_themselves} workers ended by themselves.")
        if counts.made < options.refunds:
            counts.wrong.append(f"Only {counts.made} of {options.refunds} refunds were made.")
        if counts.workers_killed < options.kills:
            counts.wrong.append(
                f"Only {counts.workers_killed} of {options.kills} workers were killed."
            )


def _kind(path: str) -> str:
    """A request's path without the ids in it."""
    return "/".join("…" if _ID.match(part) else part for part in path.split("/"))


_ID = re.compile(r"(ch|re|pi|dp)_")


def _batches(options: MoneySoakOptions) -> Iterator[list[Plan]]:
    """The plans, in batches of ``options.batch`` refunds each."""
    portion: list[Plan] = []
    expected = 0
    for plan in plans(options.refunds, options.seed):
        portion.append(plan)
        expected += REFUNDS[plan.kind]
        if expected >= options.batch:
            yield portion
            portion, expected = [], 0
    if portion:
        yield portion


@asynccontextmanager
async def soak(
    options: MoneySoakOptions, directory: Path, database_url: str, tell: Callable[[str], None]
) -> AsyncIterator[Soak]:
    """Server, database, peer and workers, their files in a directory, until the context is left."""
    trigger = Trigger(options.rate, options.reading_rate, options.seed)
    async with (
        embedded_server(database=directory / "temporal.db") as server,
        stripe_peer() as peer,
    ):
        peer.front.faults, peer.front.slow = trigger, options.slow
        peer.front.webhooks = StripeWebhooks(repeat=0.1, seed=options.seed)
        provider = StripeProvider(API_KEY, peer.url)
        database = await Database.open(database_url)
        try:
            async with fleet(
                server,
                directory,
                random.Random(options.seed),
                size=options.workers,
                attempt=options.attempt,
                database_url=database_url,
                payment_provider="stripe",
                stripe_api_key=API_KEY.get_secret_value(),
                stripe_api_base=peer.url,
                log_level="ERROR",
            ) as workers:
                yield Soak(options, server, database, peer, workers, trigger, provider, tell)
        finally:
            await database.close()
            await provider.close()
