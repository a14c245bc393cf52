"""How the people of the stories reach their orders; the stories do not depend on it."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from temporalio.client import Client

from client import orders
from orders.messages import Message
from orders.place_order import PlaceOrder
from orders.stored_files import StoredFile
from orders.view import OrderView


class Transport(Protocol):
    """A way to reach orders, on behalf of their parties."""

    async def place(self, placed: PlaceOrder) -> None:
        """R1: place an order."""

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """Send an order a message; a refusal may be listed in its view instead of raised.

        A stray payment's refund has begun on return (R17). Raises NotAllowedNow if the transport answers.
        """

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """Send an order a message, and return its answer. Raises NotAllowedNow with its refusal."""

    async def view(self, placed: PlaceOrder) -> OrderView:
        """The order as it is now."""


async def _has_proof(order_id: str, proof: StoredFile) -> bool:
    """The stories have no files."""
    return True


@dataclass(frozen=True)
class TemporalTransport:
    """Straight to the workflows: signals for ``tell``, updates for ``ask``."""

    client: Client

    async def place(self, placed: PlaceOrder) -> None:
        """See ``Transport``."""
        await orders.place(self.client, placed)

    async def tell(self, placed: PlaceOrder, message: Message) -> None:
        """See ``Transport``."""
        stored = partial(orders.show, self.client)
        await orders.send_signal(
            self.client, placed.order_id, message, stored, has_proof=_has_proof
        )

    async def ask(self, placed: PlaceOrder, message: Message) -> OrderView:
        """See ``Transport``."""
        return await orders.update(self.client, placed.order_id, message)

    async def view(self, placed: PlaceOrder) -> OrderView:
        """See ``Transport``."""
        return await orders.show(self.client, placed.order_id)
