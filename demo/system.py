"""The demo's system: a real Temporal server, a worker, and orders whose time can be skipped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.local.provider import LocalProvider
from client import orders, stray_payments
from database.connection import Database
from demo.story import OrderStory
from demo.transports import TemporalTransport, Transport
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentState
from orders.view import OrderView
from runtime.wiring import Adapters
from runtime.worker import build_worker
from workflows.order import OrderWorkflow

_SKIPPING = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
)


@dataclass(frozen=True)
class DemoSystem:
    """Everything the stories need, running; ``transport``: how their people reach the orders."""

    server: EmbeddedServer
    database_url: str
    skipper: TimeSkipper
    transport: Transport
    database: Database
    provider: LocalProvider

    @classmethod
    def on(
        cls,
        server: EmbeddedServer,
        database: Database,
        database_url: str,
        provider: LocalProvider | None = None,
    ) -> "DemoSystem":
        """A system on a running server that has workers already."""
        # Not enabled: time runs in real time until a story skips it.
        skipper = TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False))
        return cls(
            server=server,
            database_url=database_url,
            skipper=skipper,
            transport=TemporalTransport(skipper.client),
            database=database,
            provider=provider or LocalProvider(database),
        )


@dataclass(frozen=True)
class Cost:
    """A workflow's cost to the server, without the events that skipping time adds."""

    events: int
    workflow_tasks: int
    history_bytes: int


@asynccontextmanager
async def set_up(directory: Path) -> AsyncIterator[DemoSystem]:
    """Server with web UI, database and worker, their files in a directory, until the context is left."""
    async with embedded_server(database=directory / "temporal.db", ui=True) as server:
        url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
        database = await Database.open(url)
        try:
            adapters = Adapters.local(database, server.client)
            async with build_worker(server.client, adapters.activities(), sandboxed=False):
                yield DemoSystem.on(server, database, url)
        finally:
            await database.close()


class ServerStory(OrderStory):
    """An order on a system."""

    driver: "ServerDriver"

    def __init__(self, system: DemoSystem, placed: PlaceOrder) -> None:
        super().__init__(ServerDriver(system), placed)
        self.system = system

    @property
    def handle(self) -> WorkflowHandle[OrderWorkflow, OrderView]:
        """The order's own workflow."""
        return orders.handle(self.system.server.client, self.placed.order_id)

    async def cost(self) -> Cost:
        """The cost of the order's own workflow so far."""
        events = [
            event
            async for event in self.handle.fetch_history_events()
            if event.event_type not in _SKIPPING
        ]
        kinds = [event.event_type for event in events]
        return Cost(
            events=len(events),
            workflow_tasks=kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
            history_bytes=sum(event.ByteSize() for event in events),
        )


@dataclass(frozen=True)
class ServerDriver:
    """See ``Driver``: a real server, where each workflow's time is skipped separately."""

    system: DemoSystem

    async def place(self, placed: PlaceOrder) -> None:
        """See ``Transport``."""
        await self.system.transport.place(placed)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        await self.system.transport.tell(placed, message)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        return await self.system.transport.ask(placed, message)

    async def view(self, placed: PlaceOrder) -> OrderView:
        """See ``Transport``."""
        return await self.system.transport.view(placed)

    async def now(self, workflow_id: str) -> datetime:
        """See ``Driver``."""
        return await self.system.skipper.get_current_time(self._handle(workflow_id))

    async def pass_time(self, workflow_id: str, by: timedelta) -> None:
        """See ``Driver``."""
        await self.rest(workflow_id)
        await self.system.skipper.fast_forward(self._handle(workflow_id), by)
        await self.rest(workflow_id)

    async def rest(self, workflow_id: str) -> None:
        """See ``Driver``.

        A message during a workflow task costs another task, which an order at its natural pace would not
        need.
        """
        await until(self._handle(workflow_id).describe, has_nothing_to_do)

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        """See ``Driver``."""
        return await stray_payments.show(self.system.server.client, payment_id)

    async def end(self, workflow_id: str) -> None:
        """See ``Driver``."""
        await self._handle(workflow_id).result()

    async def fail_refunds_of(self, payment_id: str, reason: str) -> None:
        """See ``Driver``."""
        await self.system.provider.fail_refunds_of(payment_id, reason)

    async def settle_refund(self, refund_id: str) -> None:
        """See ``Driver``."""
        await self.system.provider.settle(refund_id)

    def _handle(self, workflow_id: str) -> WorkflowHandle[Any, Any]:
        return self.system.server.client.get_workflow_handle(workflow_id)


def has_nothing_to_do(execution: WorkflowExecutionDescription) -> bool:
    """Whether a workflow is over, or waits for time to pass or for a message."""
    raw = execution.raw_description
    busy = raw.HasField("pending_workflow_task") or raw.pending_activities
    return execution.status is not WorkflowExecutionStatus.RUNNING or not busy
