"""Orders that outlive a history, and a server that is killed: nothing that was said is lost or doubled."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from client import orders
from database.outbox import SqlOutbox
from demo.system import ServerStory
from demo.waiting import PATIENCE, until
from deploy.embedded import EmbeddedServer, temporal_executable
from deploy.ports import LOOPBACK, free_port
from orders import messages as m
from orders.place_order import PlaceOrder
from orders.view import OrderView
from tests.real.conftest import Mail
from tests.real.site import connect, open_site
from workflows import ids, options
from workflows.order import OrderWorkflow

# Each is said by the buyer, and by the seller.
SAYINGS = 30


@asynccontextmanager
async def _forgetful_server() -> AsyncIterator[EmbeddedServer]:
    """It wants a history to end after 40 events."""
    port = free_port()
    async with await WorkflowEnvironment.start_local(
        ip=LOOPBACK,
        port=port,
        data_converter=pydantic_data_converter,
        search_attributes=ids.SEARCH_ATTRIBUTES,
        dev_server_existing_path=str(temporal_executable()),
        dev_server_log_level="error",
        dev_server_extra_args=[
            *("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40"),
            *("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"),
        ],
    ) as environment:
        yield EmbeddedServer(environment.client, f"{LOOPBACK}:{port}", ui_url=None)


@dataclass
class MortalServer:
    """A server that keeps its state in a file, for `kill -9`."""

    directory: Path
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def starts(self) -> None:
        attributes = [
            part
            for key in ids.SEARCH_ATTRIBUTES
            for part in ("--search-attribute", f"{key.name}={_kind(key.indexed_value_type)}")
        ]
        self._process = await asyncio.create_subprocess_exec(
            str(temporal_executable()),
            *("server", "start-dev", "--headless", "--log-level", "never"),
            *("--ip", LOOPBACK, "--port", str(self.port)),
            *("--db-filename", str(self.directory / "temporal.db")),
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
            *attributes,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=sys.stderr,
        )

    async def is_killed(self) -> None:
        if self._process:
            self._process.kill()
            await self._process.wait()
            self._process = None


def _kind(number: int) -> str:
    return {2: "Keyword", 6: "Datetime"}[number]


def _sayings() -> list[m.Message]:
    """By turns of buyer and seller; each has an id of its own."""
    said: list[m.Message] = []
    for number in range(SAYINGS):
        said.append(m.BuyerMessage(text=f"buyer {number}", message_id=f"b-{number}"))
        said.append(
            m.SellerMessage(topic="other", text=f"seller {number}", message_id=f"s-{number}")
        )
    return said


def _texts(view: OrderView) -> list[str]:
    return sorted(message.text for message in view.messages)


EVERYTHING = sorted(f"{who} {n}" for who in ("buyer", "seller") for n in range(SAYINGS))


async def _asks_until_answered(
    server: EmbeddedServer, order_id: str, message: m.Message
) -> OrderView:
    """The server turns updates away, and says so, while a run that a message came into ends anew."""
    while True:
        try:
            return await orders.update(server.client, order_id, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
        await asyncio.sleep(0.05)


async def test_messages_during_continue_as_new_are_neither_lost_nor_doubled(
    tmp_path: Path, placed: PlaceOrder
) -> None:
    """R21, case 38: over many runs, each message is said twice, by signal and by update."""
    async with _forgetful_server() as server, open_site(tmp_path, server) as site, site.worker():
        order = await ServerStory(site.system, placed).place()
        begun = await order.view()
        sayings = _sayings()
        for start in range(0, len(sayings), 6):
            batch = sayings[start : start + 6]
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await asyncio.gather(
                    *(orders.signal(server.client, placed.order_id, it) for it in batch),
                    *(_asks_until_answered(server, placed.order_id, it) for it in batch),
                )
        # The first, long ago and some runs before, is still known.
        view = await _asks_until_answered(server, placed.order_id, sayings[0])

        assert _texts(view) == EVERYTHING
        assert view.refused == []
        assert view.placed_at == begun.placed_at
        assert view.next[-1] == begun.next[-1]
        told = [entry.what for entry in view.timeline]
        assert told[0] == begun.timeline[0].what
        assert told.count("buyer_message") == told.count("seller_message") == SAYINGS
        await order.days_pass(20)
        await order.must_end()

        async def runs() -> int:
            return (await server.client.count_workflows(f"WorkflowId = '{order.handle.id}'")).count

        await until(runs, lambda count: count > 3)
        letters = [
            it.message.what for it in await SqlOutbox(site.system.database).entries(placed.order_id)
        ]
        assert letters.count("buyer_message") == letters.count("seller_message") == SAYINGS


async def test_repeats_do_not_fill_the_history_for_ever(tmp_path: Path, placed: PlaceOrder) -> None:
    """Case 38: what changes nothing still costs events; the order continues as new all the same."""
    said = m.BuyerMessage(text="Still there?", message_id="b-1")
    async with _forgetful_server() as server, open_site(tmp_path, server) as site, site.worker():
        await orders.place(server.client, placed)
        await orders.update(server.client, placed.order_id, said)
        run = (await _latest(server, placed).describe()).run_id

        async def continued() -> bool:
            await orders.signal(server.client, placed.order_id, said)
            return (await _latest(server, placed).describe()).run_id != run

        await until(continued)
        assert _texts(await orders.show(server.client, placed.order_id)) == ["Still there?"]


async def test_undelivered_notifications_survive_continue_as_new(
    tmp_path: Path, placed: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21, cases 38 and 46: mail is down, the order goes on in another run, mail comes back."""
    at_once = RetryPolicy(initial_interval=timedelta(seconds=0.2), backoff_coefficient=1)
    monkeypatch.setitem(options.NOTIFY, "retry_policy", at_once)
    mail = Mail()
    async with _forgetful_server() as server, open_site(tmp_path, server) as site:  # noqa: SIM117
        async with site.worker(channel=mail):
            await orders.place(server.client, placed)
            await orders.update(server.client, placed.order_id, m.BuyerMessage(text="Still there?"))
            run = (await _latest(server, placed).describe()).run_id

            async def continued() -> bool:
                await _latest(server, placed).signal("nothing that is known")
                return (await _latest(server, placed).describe()).run_id != run

            await until(continued)
            mail.down = False
            await until(
                lambda: SqlOutbox(site.system.database).entries(placed.order_id),
                lambda entries: bool(entries) and all(entry.delivered_at for entry in entries),
            )
            assert len(mail.taken) == len(set(mail.taken))


def _latest(server: EmbeddedServer, placed: PlaceOrder) -> WorkflowHandle[OrderWorkflow, OrderView]:
    return orders.handle(server.client, placed.order_id)


async def _says_until_taken(server: EmbeddedServer, order_id: str, message: m.Message) -> None:
    """As a caller does whose server goes away: again, with the same message id."""
    while True:
        try:
            async with asyncio.timeout(2):
                await orders.signal(server.client, order_id, message)
                return
        except (RPCError, TimeoutError):
            await asyncio.sleep(0.05)


async def test_a_server_killed_under_load_loses_and_repeats_nothing(
    tmp_path: Path, placed: PlaceOrder
) -> None:
    """Case 28, in small: `kill -9` three times while buyer and seller write."""
    mortal = MortalServer(tmp_path)
    await mortal.starts()

    async def connected() -> EmbeddedServer | None:
        try:
            return EmbeddedServer(await connect(mortal.address), mortal.address, ui_url=None)
        except RuntimeError:
            return None

    try:
        server = await until(connected)
        assert server
        async with open_site(tmp_path, server) as site, site.worker():
            await server.client.start_workflow(
                "OrderWorkflow",
                placed,
                id=ids.order_workflow_id(placed.order_id),
                task_queue=ids.TASK_QUEUE,
                task_timeout=timedelta(seconds=2),
            )
            saying = [
                asyncio.create_task(_says_one_by_one(server, placed.order_id, who))
                for who in (m.BuyerMessage, m.SellerMessage)
            ]
            for _ in range(3):
                await asyncio.sleep(0.7)
                await mortal.is_killed()
                await mortal.starts()
            async with asyncio.timeout(60):
                await asyncio.gather(*saying)
            view = await until(
                lambda: orders.show(server.client, placed.order_id),
                lambda view: len(view.messages) >= 2 * SAYINGS,
            )
            assert _texts(view) == EVERYTHING
            assert view.refused == []
    finally:
        await mortal.is_killed()


async def _says_one_by_one(
    server: EmbeddedServer, order_id: str, who: type[m.BuyerMessage] | type[m.SellerMessage]
) -> None:
    for message in _sayings():
        if isinstance(message, who):
            await _says_until_taken(server, order_id, message)
            await asyncio.sleep(0.05)
