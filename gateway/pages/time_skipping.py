"""Skips the time of single orders, on a server that allows it. Never in production."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from client import orders
from client.errors import UnknownOrder, domain_errors
from gateway.orders import asking_temporal
from gateway.problems import Conflict, Invalid
from orders.sentences import sentence
from orders.view import OrderView

# This long after a deadline its timer has fired.
_SLACK: Final = timedelta(seconds=2)
_SETTLES_WITHIN: Final = timedelta(seconds=5)
_BLINK: Final = 0.05

_STEPS: Final = {"day": timedelta(days=1), "week": timedelta(days=7)}


class Clock:
    """Skips the time of single orders, on the embedded server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Not enabled: time runs in real time until it is skipped.
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))

    async def now(self, order_id: str) -> datetime:
        """The order's own time."""
        order = orders.handle(self._client, order_id)
        try:
            async with asking_temporal():
                with domain_errors(UnknownOrder(order_id)):
                    return await self._skipper.get_current_time(order)
        except UnknownOrder:
            return datetime.now().astimezone()

    async def skip(self, view: OrderView, step: str) -> None:
        """Skip a ``day``, a ``week``, or until the ``next`` automatic event."""
        order = orders.handle(self._client, view.order_id)
        if step == "next":
            if not view.next:
                raise Conflict(sentence("Nothing more will happen automatically."))
            by = view.next[0].at - await self.now(view.order_id)
        elif step in _STEPS:
            by = _STEPS[step]
        else:
            raise Invalid(sentence("Skip a day, a week, or to what comes next."))
        try:
            async with asking_temporal():
                with domain_errors(UnknownOrder(view.order_id)):
                    await self._skipper.fast_forward(order, max(by, timedelta(0)) + _SLACK)
        except UnknownOrder:
            raise Conflict(
                sentence("This order is finished; there is nothing left to skip to.")
            ) from None
        await self._let_it_settle(view.order_id)

    async def _let_it_settle(self, order_id: str) -> None:
        """Wait until the order has handled what was due, so that the page shows it."""
        order = orders.handle(self._client, order_id)
        async with asyncio.timeout(_SETTLES_WITHIN.total_seconds()), asking_temporal():
            while True:
                raw = (await order.describe()).raw_description
                if not (raw.HasField("pending_workflow_task") or raw.pending_activities):
                    return
                await asyncio.sleep(_BLINK)
