"""The demo's stage: a real Temporal server, a worker, and lives of orders whose time can be skipped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.local.provider import LocalProvider
from cli import rendering
from database.connection import Database
from demo.transports import TemporalTransport, Transport
from demo.waiting import PATIENCE, until
from deploy.embedded import EmbeddedServer, embedded_server
from i18n.current import gettext
from orders import messages as m
from orders.errors import NotAllowedNow, RefusalCode
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView
from runtime.wiring import Adapters
from runtime.worker import build_worker
from workflows import calls, ids
from workflows.order import OrderWorkflow
from workflows.stray_payment import StrayPaymentWorkflow

# Past a deadline by this much its timer has fired and what follows is under way.
_SLACK = timedelta(seconds=2)

_SKIPPING = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
)


class StrayPaymentStory(Exception):
    """A story did not go as it is told; the text says where."""


@dataclass(frozen=True)
class Stage:
    """Everything the stories need, running; ``transport`` is how their people reach the orders."""

    server: EmbeddedServer
    database_url: str
    skipper: TimeSkipper
    transport: Transport
    database: Database
    provider: LocalProvider


@dataclass(frozen=True)
class RefusedUpdate:
    """A message that was refused before it left a trace in the order's history."""

    at: datetime
    name: str
    reason: str
    available_from: datetime | None


@dataclass(frozen=True)
class Cost:
    """What a life cost the server; the events that skipping time adds are not counted."""

    events: int
    workflow_tasks: int


@asynccontextmanager
async def set_up(directory: Path) -> AsyncIterator[Stage]:
    """Server with web UI, database and worker, their files in a directory, until the context is left."""
    async with embedded_server(database=directory / "temporal.db", ui=True) as server:
        url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
        database = await Database.open(url)
        try:
            world = Adapters.local(database, server.client)
            # Not enabled: time runs as it does for us until a story lets days pass.
            skipper = TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False))
            async with build_worker(server.client, world.activities()):
                yield Stage(
                    server=server,
                    database_url=url,
                    skipper=skipper,
                    transport=TemporalTransport(skipper.client),
                    database=database,
                    provider=LocalProvider(database),
                )
        finally:
            await database.close()


@dataclass
class Life:
    """One order on the stage: people tell it things and days pass, by its own clock."""

    stage: Stage
    placed: PlaceOrder
    handle: WorkflowHandle[OrderWorkflow, OrderView]
    refused: list[RefusedUpdate] = field(default_factory=list)
    stray_payments: list[str] = field(default_factory=list)
    _payments: int = 0

    @classmethod
    async def begin(cls, stage: Stage, placed: PlaceOrder) -> "Life":
        """R1: the order is placed."""
        await stage.transport.place(placed)
        life = cls(stage, placed, calls.order(stage.server.client, placed.order_id))
        await life._rest(life.handle)
        return life

    async def days(self, days: int) -> OrderView:
        """Let days pass, and whatever happens by itself in them happen."""
        await self._skip(self.handle, timedelta(days=days))
        return await self.view()

    async def tells(self, message: m.Message) -> OrderView:
        """Somebody tells the order something that it takes."""
        before = await self.view()
        try:
            await self.stage.transport.tell(self.placed, message)
        except NotAllowedNow as refusal:
            raise _refused(message, refusal.reason) from None
        await self._rest(self.handle)
        after = await self.view()
        if after.refused[-1:] != before.refused[-1:]:
            raise _refused(message, after.refused[-1].reason)
        return after

    async def refuses(self, message: m.Message, code: RefusalCode) -> RefusedUpdate:
        """Somebody tells the order something that it cannot take now, and hears why."""
        at = await self.now()
        try:
            await self.stage.transport.ask(self.placed, message)
        except NotAllowedNow as refusal:
            if refusal.code is not code:
                raise StrayPaymentStory(
                    gettext(
                        "{name} was refused as {code}, not {wanted}",
                        name=message.name,
                        code=refusal.code,
                        wanted=code,
                    )
                ) from None
            refused = RefusedUpdate(at, message.name, refusal.reason, refusal.available_from)
            self.refused.append(refused)
            return refused
        finally:
            await self._rest(self.handle)
        raise StrayPaymentStory(
            gettext(
                "{name} was taken, but should have been refused as {code}",
                name=message.name,
                code=code,
            )
        )

    async def is_paid(self, money: Money | None = None) -> str:
        """R5: the provider reports a payment, of what is due unless told otherwise; returns its id."""
        payment = await self._payment(money)
        await self.tells(payment)
        return payment.payment_id

    async def is_paid_in_vain(self, money: Money | None = None) -> None:
        """R17: a payment that the order cannot take; all of it is back with its payer in the end."""
        payment = await self._payment(money)
        with suppress(NotAllowedNow):
            await self.stage.transport.tell(self.placed, payment)
        await self._rest(self.handle)
        self.stray_payments.append(payment.payment_id)
        stray = self._stray(payment.payment_id)
        await until(lambda: _exists(stray))
        await self._skip(stray, timedelta(days=3))

    async def becomes(self, status: Status) -> OrderView:
        """The order is in this status now, or is about to be."""
        try:
            return await until(self.view, lambda view: view.status is status)
        except TimeoutError:
            view = await self.view()
            raise StrayPaymentStory(
                gettext(
                    "it is {status}, not {wanted}",
                    status=_status(view.status),
                    wanted=_status(status),
                )
            ) from None

    async def ends(self) -> OrderView:
        """Nothing about the order, nor about payments it could not take, is left to happen."""
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await asyncio.gather(*(self._stray(it).result() for it in self.stray_payments))
                return await self.handle.result()
        except TimeoutError:
            view = await self.view()
            raise StrayPaymentStory(
                gettext(
                    "it does not end; it is {status}, and next by itself: {line}",
                    status=_status(view.status),
                    line="; ".join(rendering.coming(view)) or gettext("nothing"),
                )
            ) from None

    async def view(self) -> OrderView:
        """The order as it is now."""
        return await self.stage.transport.view(self.placed)

    async def now(self) -> datetime:
        """What the order's own clock says."""
        return await self.stage.skipper.get_current_time(self.handle)

    async def strays(self) -> list[StrayPaymentState]:
        """What became of the payments that it could not take."""
        return [
            await self._stray(payment_id).query(StrayPaymentWorkflow.stray_payment)
            for payment_id in self.stray_payments
        ]

    async def cost(self) -> Cost:
        """What the order's own process cost so far."""
        kinds = [event.event_type async for event in self.handle.fetch_history_events()]
        return Cost(
            events=sum(kind not in _SKIPPING for kind in kinds),
            workflow_tasks=kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
        )

    async def _payment(self, money: Money | None) -> m.PaymentReceived:
        self._payments += 1
        return m.PaymentReceived(
            payment_id=f"pay-{self.placed.order_id}-{self._payments}",
            money=money or (await self.view()).amount_due,
            method="card",
            paid_at=await self.now(),
        )

    def _stray(self, payment_id: str) -> WorkflowHandle[StrayPaymentWorkflow, StrayPaymentState]:
        return self.stage.server.client.get_workflow_handle_for(
            StrayPaymentWorkflow.run, ids.stray_workflow_id(payment_id)
        )

    async def _skip(self, handle: WorkflowHandle[Any, Any], by: timedelta) -> None:
        await self._rest(handle)
        await self.stage.skipper.fast_forward(handle, by + _SLACK)
        await self._rest(handle)

    async def _rest(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Wait until the process has done all it can do now.

        What comes into the middle of a workflow task costs it another one, which the cost of an order
        that lives at its own pace should not show.
        """
        await until(handle.describe, has_nothing_to_do)


def has_nothing_to_do(execution: WorkflowExecutionDescription) -> bool:
    """Whether a workflow is over, or waits for time to pass or for a message."""
    raw = execution.raw_description
    busy = raw.HasField("pending_workflow_task") or raw.pending_activities
    return execution.status is not WorkflowExecutionStatus.RUNNING or not busy


async def _exists(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


def _refused(message: m.Message, reason: str) -> StrayPaymentStory:
    why = rendering.refusal(reason, None)
    return StrayPaymentStory(gettext("{name} is refused. {why}", name=message.name, why=why))


def _status(status: Status) -> str:
    return rendering.key_and_name("status", status)
