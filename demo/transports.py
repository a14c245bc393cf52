"""How the people of the stories reach their orders: stories are the same whatever carries their words."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from temporalio.client import Client

from client import orders
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.view import OrderView


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
        await orders.place(self.client, placed)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        stored = partial(orders.show, self.client)
        await orders.send_signal(self.client, placed.order_id, message, stored)

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        return await orders.update(self.client, placed.order_id, message)

    async def view(self, placed: PlaceOrder) -> OrderView:
        """See ``Transport``."""
        return await orders.show(self.client, placed.order_id)
