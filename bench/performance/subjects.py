"""What is measured: the two skeletons, and Unbuy in several set-ups."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench.performance.skeleton import (
    TASK_QUEUE,
    SkeletonMessage,
    SkeletonOrder,
    SkeletonWorkflow,
)
from client import orders
from gateway.openapi import EXAMPLES
from orders import messages as m
from orders.errors import NotAllowedNow
from orders.keys import order_refund_id
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.values import Money
from runtime import program
from workflows import ids

_DUE: Final = Money.model_validate({"amount": 2490, "currency": "EUR"})
DAYS_TO_PAY: Final = timedelta(days=20)


class Step(StrEnum):
    """The messages of a canceled and refunded order, in their order."""

    PAYMENT = "payment"
    CANCEL_REQUEST = "cancel_request"
    SELLER_REPLY = "seller_reply"
    REFUND_UPDATE = "refund_update"


class TooEarly(Exception):
    """The order does not take the message yet."""


@dataclass(frozen=True)
class SubjectOrders(ABC):
    """A subject's orders, by Temporal's client."""

    task_queue: ClassVar[str]

    client: Client

    @abstractmethod
    async def place(
        self, order_id: str, payment_review: timedelta, payment_window: timedelta = DAYS_TO_PAY
    ) -> None:
        """Place an order; without messages it waits to be paid."""

    @abstractmethod
    async def update(self, order_id: str, step: Step) -> None:
        """Send a message as an update. Raises TooEarly."""

    @abstractmethod
    async def signal(self, order_id: str, step: Step) -> None:
        """Send a message as a signal."""

    @abstractmethod
    async def is_checked(self, order_id: str) -> bool:
        """Whether a paid order's check has ended."""

    @abstractmethod
    def handle(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """The order's workflow."""


class SkeletonOrders(SubjectOrders):
    """Those of the bare skeleton."""

    task_queue = TASK_QUEUE
    is_searchable: ClassVar = False

    async def place(
        self, order_id: str, payment_review: timedelta, payment_window: timedelta = DAYS_TO_PAY
    ) -> None:
        """See base class."""
        await self.client.start_workflow(
            SkeletonWorkflow.run,
            SkeletonOrder(
                order_id,
                payment_window.total_seconds(),
                payment_review.total_seconds(),
                self.is_searchable,
            ),
            id=order_id,
            task_queue=self.task_queue,
        )

    async def update(self, order_id: str, step: Step) -> None:
        """See base class."""
        await self.handle(order_id).execute_update(SkeletonWorkflow.update, _message(step))

    async def signal(self, order_id: str, step: Step) -> None:
        """See base class."""
        await self.handle(order_id).signal(SkeletonWorkflow.signal, _message(step))

    async def is_checked(self, order_id: str) -> bool:
        """See base class."""
        events = self.handle(order_id).fetch_history_events()
        return EventType.EVENT_TYPE_TIMER_FIRED in [it.event_type async for it in events]

    def handle(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """See base class."""
        return self.client.get_workflow_handle_for(SkeletonWorkflow.run, order_id)


class SearchableOrders(SkeletonOrders):
    """Those of the searchable skeleton."""

    is_searchable: ClassVar = True


class UnbuyOrders(SubjectOrders):
    """Those of Unbuy."""

    task_queue = ids.TASK_QUEUE
    has_mail: ClassVar = False

    async def place(
        self, order_id: str, payment_review: timedelta, payment_window: timedelta = DAYS_TO_PAY
    ) -> None:
        """See base class."""
        order = placed(order_id, payment_review, payment_window, has_mail=self.has_mail)
        await orders.place(self.client, order)

    async def update(self, order_id: str, step: Step) -> None:
        """See base class."""
        try:
            await orders.update(self.client, order_id, unbuy_message(order_id, step))
        except NotAllowedNow as error:
            raise TooEarly(f"{order_id}: {error}") from None

    async def signal(self, order_id: str, step: Step) -> None:
        """See base class."""
        await orders.signal(self.client, order_id, unbuy_message(order_id, step))

    async def is_checked(self, order_id: str) -> bool:
        """See base class. Asked of the server, not of the order, which may be busy."""
        described = await self.handle(order_id).describe()
        return described.typed_search_attributes[ids.ORDER_STATUS] == Status.AWAITING_SHIPMENT

    def handle(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """See base class."""
        return orders.handle(self.client, order_id)


class MailedOrders(UnbuyOrders):
    """Those whose parties are notified by mail."""

    has_mail: ClassVar = True


def _message(step: Step) -> SkeletonMessage:
    return SkeletonMessage(step.value, "changed_mind")


def placed(
    order_id: str,
    payment_review: timedelta,
    payment_window: timedelta = DAYS_TO_PAY,
    *,
    has_mail: bool = False,
) -> PlaceOrder:
    """An order of Unbuy."""
    policy = {"payment_review": payment_review, "payment_window": payment_window}
    order = EXAMPLES["PlaceOrder"] | {"order_id": order_id, "policy": policy}
    if has_mail:
        for party in ("buyer", "seller"):
            order[party] = order[party] | {"notify": [f"mailto:{party}@example.org"]}
    return PlaceOrder.model_validate(order)


def unbuy_message(order_id: str, step: Step) -> m.Message:
    """A message of Unbuy's contract."""
    match step:
        case Step.PAYMENT:
            return m.PaymentReceived(
                payment_id=f"pay-{order_id}",
                money=_DUE,
                method="card",
                paid_at=datetime.now(UTC),
            )
        case Step.CANCEL_REQUEST:
            return m.CancelRequest(reason=m.CancelReason.CHANGED_MIND)
        case Step.SELLER_REPLY:
            return m.SellerReply(decision="accept")
        case Step.REFUND_UPDATE:
            return m.RefundUpdate(
                refund_id=order_refund_id(order_id, 1), status=m.RefundStatus.SUCCEEDED
            )


@dataclass(frozen=True)
class Subject:
    """One column of the table; ``worker`` is the command of a worker process."""

    name: str
    orders: type[SubjectOrders] = UnbuyOrders
    worker: Sequence[str] = field(
        default_factory=lambda: program.argv("worker", "--processes", "1")
    )
    on_postgres: bool = False
    sends_mail: bool = False
    sends_webhooks: bool = False
    is_encrypted: bool = False


_SKELETON_WORKER: Final = (sys.executable, "-m", "bench.performance.skeleton_worker")
BARE: Final = Subject("bare skeleton", SkeletonOrders, _SKELETON_WORKER)
SEARCHABLE: Final = Subject("searchable skeleton", SearchableOrders, _SKELETON_WORKER)
UNBUY: Final = Subject("Unbuy")
ON_POSTGRES: Final = Subject("on PostgreSQL", on_postgres=True)
MAIN: Final = (BARE, SEARCHABLE, UNBUY, ON_POSTGRES)
VARIANTS: Final = (
    Subject("with mail", MailedOrders, sends_mail=True),
    Subject("with webhooks", sends_webhooks=True),
    Subject("encrypted", is_encrypted=True),
)
"""Unbuy on SQLite, with one thing more."""
SUBJECTS: Final = {it.name: it for it in (*MAIN, *VARIANTS)}
