"""How the people of the stories reach their orders: stories are the same whatever carries their words."""

from dataclasses import dataclass
from typing import Protocol

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from client.finished_orders import take_after_the_end
from orders.errors import NotAllowedNow
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.view import OrderView
from workflows import calls


class Transport(Protocol):
    """A way to orders, used in the name of the people whom an order was placed with."""

    async def place(self, placed: PlaceOrder) -> None:
        """R1: place an order."""

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """Tell an order something; what it cannot take it may list in its view instead of answering.

        A payment that it cannot take is on its way back then (R17). Raises NotAllowedNow where it answers.
        """

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """Tell an order something, and hear what it says. Raises NotAllowedNow with its refusal."""

    async def view(self, placed: PlaceOrder) -> OrderView:
        """The order as it is now."""


@dataclass(frozen=True)
class TemporalTransport:
    """Straight to the workflows: signals for what is told, updates for what is asked."""

    client: Client

    async def place(self, placed: PlaceOrder) -> None:
        """See ``Transport``."""
        await calls.place(self.client, placed)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        try:
            await calls.signal(self.client, placed.order_id, message)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # The order's process is over, so whoever hears of money sees to it.
            last = await self.view(placed)
            await take_after_the_end(self.client, placed.order_id, last, message)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        try:
            return await calls.update(self.client, placed.order_id, message)
        except WorkflowUpdateFailedError as error:
            match error.cause:
                case ApplicationError(type="NotAllowedNow", details=[dict() as about, *_]):
                    raise NotAllowedNow.of(about) from None
                case _:
                    raise

    async def view(self, placed: PlaceOrder) -> OrderView:
        """See ``Transport``."""
        return await calls.show(self.client, placed.order_id)
