"""Webhooks by a worker process, as its environment says, that is killed while it delivers."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from datetime import timedelta
from pathlib import Path

from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.webhooks import OrderWebhooks
from bench.hasty_worker import ATTEMPT
from client import orders
from deploy.embedded import embedded_server
from orders.place_order import PlaceOrder
from runtime.worker import build_worker
from testing.webhook_receiver import SECRET, Receiver, sender_to
from workflows import ids


async def test_a_webhook_of_a_killed_worker_is_delivered_by_the_next(
    tmp_path: Path, placed: PlaceOrder
) -> None:
    """Case 19: `kill -9` before the receiver's answer is known: the next tells it again, by the same id."""
    shop = Receiver(hangs=True)
    # A server of its own: the worker would serve, and tell of, what other tests have left.
    async with embedded_server() as server, shop.serving():
        client = server.client
        doomed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.hasty_worker", "--processes", "1"),
            cwd=Path(__file__).parents[2],
            env=os.environ
            | {
                ATTEMPT: "2",
                "TEMPORAL_ADDRESS": server.address,
                "UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}",
                "ORDER_WEBHOOK_URLS": shop.url,
                "ORDER_WEBHOOK_SECRETS": SECRET,
                "UNBUY_ALLOW_PRIVATE_WEBHOOKS": "true",
            },
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        try:
            await orders.place(client, placed)
            (first,) = await shop.has(1)
        finally:
            doomed.kill()
            await doomed.wait()
        shop.hangs = False
        workflow_id = ids.order_webhook_workflow_id(placed.order_id, first.id)
        process = client.get_workflow_handle(workflow_id)
        # The pause before it is tried again.
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        await skipper.fast_forward(process, timedelta(seconds=10))
        async with build_worker(client, [OrderWebhooks(sender_to(shop.url)).deliver_webhook]):
            await asyncio.wait_for(process.result(), 30)

    assert shop.ids == [first.id, first.id]
    assert shop.got[1].verified() == first.verified()
