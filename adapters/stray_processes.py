"""Stray money's processes (R17) are workflows: started through a Temporal client."""

from temporalio.client import Client

from orders.stray import StrayPayment
from workflows import calls


class TemporalStrays:
    """Implements ``activities.strays.StrayProcesses``.

    The order's workflow does not start a child: stray money lives on when the order's life is over.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, stray: StrayPayment) -> None:
        """See ``StrayProcesses``."""
        await calls.send_back(self._client, stray)
