"""Stray money's processes (R17) are workflows: started through a Temporal client."""

from temporalio.client import Client

from orders.stray_payments import StrayPaymentInput
from workflows import calls


class TemporalStrayPayments:
    """Implements ``activities.stray_payments.StrayPaymentStarter``.

    The order's workflow does not start a child: stray money lives on when the order's life is over.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, stray: StrayPaymentInput) -> None:
        """See ``StrayPaymentStarter``."""
        await calls.send_back(self._client, stray)
