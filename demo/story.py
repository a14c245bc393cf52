"""One order's story: what people do with it, and the days that pass.

Every story is written in these verbs; its driver decides what it runs on: the rules alone, the time-skipping
test server, or a real server, by Temporal or over HTTP.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from cli import rendering
from demo.transports import Transport
from demo.waiting import PATIENCE, until
from i18n.current import gettext
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import MESSAGES, Message, PaymentReceived
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.stray_payments import StrayPaymentState
from orders.values import Money
from orders.view import OrderView
from workflows import ids

# This long after a deadline its timer has fired and what follows is under way.
_SLACK = timedelta(seconds=2)


class StoryFailed(Exception):
    """A story did not go as written; the text says where."""


class Driver(Transport, Protocol):
    """What an order and its stray payments run on. Each workflow may have its own clock."""

    async def now(self, workflow_id: str) -> datetime:
        """This workflow's time."""

    async def pass_time(self, workflow_id: str, by: timedelta) -> None:
        """Skip a workflow's time, with everything that happens automatically in it."""

    async def rest(self, workflow_id: str) -> None:
        """Wait until a workflow has nothing left to do now."""

    async def stray_payment(self, payment_id: str) -> StrayPaymentState | None:
        """A stray payment's state; None until its workflow exists."""

    async def end(self, workflow_id: str) -> None:
        """Wait until a workflow is over."""

    async def fail_refunds_of(self, payment_id: str, reason: str) -> None:
        """Have the provider fail the refunds of this payment."""

    async def settle_refund(self, refund_id: str) -> None:
        """Have the provider pay out a refund that failed."""


@dataclass(frozen=True)
class RefusedMessage:
    """A message that was refused before it left a trace in the order's history."""

    at: datetime
    name: str
    reason: str
    available_from: datetime | None


class OrderStory:
    """An order, the people who send it messages, and its clock.

    A message is one of the contract's, or its name and fields. Methods that begin with ``until_`` start
    from a placed order, and go through all earlier steps.
    """

    def __init__(self, driver: Driver, placed: PlaceOrder) -> None:
        self.driver = driver
        self.placed = placed
        self.refused: list[RefusedMessage] = []
        self.stray_payments: list[str] = []
        self._payments = 0

    @property
    def workflow_id(self) -> str:
        """The order's workflow id."""
        return ids.order_workflow_id(self.placed.order_id)

    async def place(self, **policy: Any) -> Self:
        """R1: place the order, by default with its own policy, and wait for its first task."""
        if policy:
            self.placed = PlaceOrder.model_validate(self.placed.model_dump() | {"policy": policy})
        await self.driver.place(self.placed)
        await self.driver.rest(self.workflow_id)
        await self.view()
        return self

    async def view(self) -> OrderView:
        """The order as it is now."""
        return await self.driver.view(self.placed)

    async def now(self) -> datetime:
        """The order's own time."""
        return await self.driver.now(self.workflow_id)

    async def days_pass(self, days: float) -> OrderView:
        """Skip days, with everything that happens automatically in them."""
        await self.driver.pass_time(self.workflow_id, timedelta(days=days) + _SLACK)
        return await self.view()

    async def until(self, wanted: Status | Callable[[OrderView], object]) -> OrderView:
        """Wait until the order has this status or meets this condition."""

        def right(view: OrderView) -> bool:
            return view.status is wanted if isinstance(wanted, Status) else bool(wanted(view))

        try:
            return await until(self.view, right)
        except TimeoutError as error:
            if not isinstance(wanted, Status):
                raise StoryFailed(str(error)) from None
            view = await self.view()
            raise StoryFailed(
                gettext(
                    "it is {status}, not {wanted}",
                    status=_status(view.status),
                    wanted=_status(wanted),
                )
            ) from None

    async def send(self, message: Message | str, **fields: Any) -> OrderView:
        """Send the order a message that it accepts."""
        sent = as_message(message, **fields)
        before = await self.view()
        try:
            await self.driver.tell(self.placed, sent)
        except NotAllowedNow as refusal:
            raise _refused(sent, refusal.reason) from None
        await self.driver.rest(self.workflow_id)
        after = await self.view()
        if after.refused[-1:] != before.refused[-1:]:
            raise _refused(sent, after.refused[-1].reason)
        return after

    async def signal(self, message: Message | str, **fields: Any) -> None:
        """Signal the order, whether or not it accepts the message, and whether or not a worker runs."""
        await self.driver.tell(self.placed, as_message(message, **fields))

    async def update(self, message: Message | str, **fields: Any) -> OrderView:
        """Send the order a message and wait for its answer. Raises NotAllowedNow."""
        return await self.driver.ask(self.placed, as_message(message, **fields))

    async def must_refuse(
        self, message: Message | str, code: RefusalCode, **fields: Any
    ) -> NotAllowedNow:
        """Send the order a message that it must refuse, and return the refusal."""
        sent = as_message(message, **fields)
        at = await self.now()
        try:
            await self.driver.ask(self.placed, sent)
        except NotAllowedNow as refusal:
            if refusal.code is not code:
                raise StoryFailed(
                    gettext(
                        "{name} was refused as {code}, not {wanted}",
                        name=sent.name,
                        code=refusal.code,
                        wanted=code,
                    )
                ) from None
            self.refused.append(
                RefusedMessage(at, sent.name, refusal.reason, refusal.available_from)
            )
            return refusal
        finally:
            await self.driver.rest(self.workflow_id)
        raise StoryFailed(
            gettext(
                "{name} was taken, but should have been refused as {code}",
                name=sent.name,
                code=code,
            )
        )

    async def pay(self, money: Money | None = None) -> str:
        """R5: the provider reports a payment, by default of what is due; returns its id."""
        payment = await self.payment(money)
        await self.send(payment)
        return payment.payment_id

    async def send_stray_payment(self, money: Money | None = None) -> str:
        """R17: a stray payment, whose refund has begun on return; returns its id."""
        payment = await self.payment(money)
        with suppress(NotAllowedNow):
            await self.driver.tell(self.placed, payment)
        await self.driver.rest(self.workflow_id)
        self.stray_payments.append(payment.payment_id)
        await until(lambda: self.driver.stray_payment(payment.payment_id))
        return payment.payment_id

    async def until_sent_back(self, payment_id: str) -> StrayPaymentState:
        """R17: a stray payment, three days later."""
        await self.driver.pass_time(ids.stray_workflow_id(payment_id), timedelta(days=3) + _SLACK)
        return await self.stray_payment(payment_id)

    async def stray_payment(self, payment_id: str) -> StrayPaymentState:
        """A stray payment's state."""
        stray_payment = await self.driver.stray_payment(payment_id)
        assert stray_payment, f"nobody sends {payment_id} back"
        return stray_payment

    async def payment(self, money: Money | None = None) -> PaymentReceived:
        """A payment made now, by default of what is due."""
        self._payments += 1
        return PaymentReceived(
            payment_id=f"{self.placed.order_id}-pay-{self._payments}",
            money=money or (await self.view()).amount_due,
            method="card",
            paid_at=await self.now(),
        )

    async def until_awaiting_shipment(self) -> OrderView:
        """Paid, and the check is over."""
        await self.pay()
        await self.days_pass(1)
        return await self.until(Status.AWAITING_SHIPMENT)

    async def until_cancellation_requested(self, **fields: Any) -> OrderView:
        """R7: paid, checked, and the buyer requests cancellation."""
        await self.until_awaiting_shipment()
        return await self.send("cancel_request", **({"reason": "changed_mind"} | fields))

    async def until_claimed_shipped(self, **fields: Any) -> OrderView:
        """R10: cancellation is requested, and the seller says that it has already shipped."""
        await self.until_cancellation_requested()
        return await self.send("seller_reply", decision="already_shipped", **fields)

    async def until_disputed(self) -> OrderView:
        """R13: cancellation is requested, and the seller refuses, which is a ground for a dispute."""
        await self.until_cancellation_requested()
        return await self.send("seller_reply", decision="refuse")

    async def until_accepted(self) -> OrderView:
        """R9: cancellation is requested, and the seller accepts; the refund is under way."""
        await self.until_cancellation_requested()
        return await self.send("seller_reply", decision="accept")

    async def must_end(self) -> OrderView:
        """Wait until the order and its stray payments have ended."""
        stray_workflow_ids = map(ids.stray_workflow_id, self.stray_payments)
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                for workflow_id in (*stray_workflow_ids, self.workflow_id):
                    await self.driver.end(workflow_id)
        except TimeoutError:
            view = await self.view()
            raise StoryFailed(
                gettext(
                    "it does not end; it is {status}, and next: {line}",
                    status=_status(view.status),
                    line="; ".join(rendering.coming(view)) or gettext("nothing"),
                )
            ) from None
        return await self.view()


def as_message(message: Message | str, **fields: Any) -> Message:
    """A message of the contract, which may be given by its name and fields."""
    return MESSAGES[message].model_validate(fields) if isinstance(message, str) else message


def _refused(message: Message, reason: str) -> StoryFailed:
    why = rendering.refusal(reason, None)
    return StoryFailed(gettext("{name} is refused. {why}", name=message.name, why=why))


def _status(status: Status) -> str:
    return rendering.key_and_name("status", status)
