"""One order in each state, to look at in the playground: lived up to there by the orders' own clocks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import Final

from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from client import orders
from client.errors import UnknownOrder
from gateway.pages.sample_orders import EXAMPLE, SAMPLES, sample_order
from i18n.current import current_locale, gettext
from orders import messages as m
from orders.place_order import PlaceOrder
from orders.status import Status

_LOOK_EVERY: Final = 0.1
_A_DAY: Final = timedelta(days=1, seconds=3)
_ANSWER_WITHIN: Final = timedelta(seconds=20)


class Examples:
    """Places the orders that are missing."""

    def __init__(self, client: Client) -> None:
        # Not enabled: time runs in real time until it is skipped.
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._client = self._skipper.client

    async def place(self) -> None:
        """One order in each state: a new one where what was placed earlier has moved on."""
        for status, live in self._lives().items():
            order = await self._missing(status)
            if order:
                await orders.place(self._client, order)
                await live(order)

    def _lives(self) -> Mapping[Status, Callable[[PlaceOrder], Awaitable[None]]]:
        """How an order comes into each state."""
        return {
            Status.AWAITING_PAYMENT: self._talk,
            Status.PAYMENT_REVIEW: self._pay,
            Status.AWAITING_SHIPMENT: self._be_checked,
            Status.CANCELLATION_REQUESTED: self._ask_to_cancel,
            Status.PROOF_REQUESTED: self._claim,
            Status.DISPUTED: self._refuse,
            Status.SHIPPED: self._ship,
            Status.CLOSED: self._agree,
        }

    async def _missing(self, status: Status) -> PlaceOrder | None:
        """The order to place for this state; None where there is one in it."""
        sample = SAMPLES[list(Status).index(status) % 2]
        for number in count(1):
            suffix = "" if number == 1 else f"-{number}"
            order_id = f"{EXAMPLE}-{status.value.replace('_', '-')}{suffix}"
            try:
                found = await orders.show(self._client, order_id, _ANSWER_WITHIN)
            except UnknownOrder:
                return sample_order(sample, order_id, current_locale())
            if found.status is status:
                return None
        raise AssertionError("numbers do not end")

    async def _status(self, order: PlaceOrder) -> Status:
        return (await orders.show(self._client, order.order_id, _ANSWER_WITHIN)).status

    async def _tell(self, order: PlaceOrder, message: m.Message) -> None:
        await orders.update(self._client, order.order_id, message)

    async def _talk(self, order: PlaceOrder) -> None:
        text = gettext("Is something keeping you from paying?")
        await self._tell(order, m.SellerMessage(topic="payment_question", text=text))

    async def _pay(self, order: PlaceOrder) -> None:
        handle = orders.handle(self._client, order.order_id)
        paid_at = await self._skipper.get_current_time(handle)
        payment = m.PaymentReceived(
            payment_id=f"pay-{order.order_id}", money=order.total, method="card", paid_at=paid_at
        )
        await self._tell(order, payment)

    async def _be_checked(self, order: PlaceOrder) -> None:
        await self._pay(order)
        await self._skipper.fast_forward(orders.handle(self._client, order.order_id), _A_DAY)
        while await self._status(order) is not Status.AWAITING_SHIPMENT:
            await asyncio.sleep(_LOOK_EVERY)

    async def _ask_to_cancel(self, order: PlaceOrder) -> None:
        await self._be_checked(order)
        await self._tell(order, m.CancelRequest(reason=m.CancelReason.CHANGED_MIND))

    async def _claim(self, order: PlaceOrder) -> None:
        await self._ask_to_cancel(order)
        await self._tell(order, m.SellerReply(decision="already_shipped"))

    async def _refuse(self, order: PlaceOrder) -> None:
        await self._ask_to_cancel(order)
        await self._tell(order, m.SellerReply(decision="refuse"))

    async def _ship(self, order: PlaceOrder) -> None:
        await self._be_checked(order)
        await self._tell(order, m.TrackingNumber(number=f"RR{_serial(order)}PL"))

    async def _agree(self, order: PlaceOrder) -> None:
        await self._ask_to_cancel(order)
        await self._tell(order, m.SellerReply(decision="accept"))


def _serial(order: PlaceOrder) -> str:
    """A serial number of the Universal Postal Union with its check digit: no two orders have the same."""
    digits = f"{int(sha256(order.order_id.encode()).hexdigest(), 16) % 10**8:08}"
    weighed = sum(
        int(digit) * weight for digit, weight in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)
    )
    check = {10: 0, 11: 5}.get(11 - weighed % 11, 11 - weighed % 11)
    return f"{digits}{check}"
