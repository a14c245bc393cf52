"""Webhooks by ``python worker.py``, as its environment says, and killed while it delivers."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.webhooks import Webhooks
from deploy.embedded import EmbeddedServer
from orders.model import PlaceOrder
from tests.receiver import SECRET, Receiver, sender_to
from tests.test_worker import said, worker
from worker import build_worker
from workflows import calls, ids

SECOND = timedelta(seconds=1)


async def test_a_worker_killed_while_it_delivers_leaves_it_to_the_next(
    dev_server: EmbeddedServer, tmp_path: Path, placed: PlaceOrder
) -> None:
    """Case 19: `kill -9` before the receiver's answer is known: the next tells it again, by the same id."""
    shop = Receiver(hangs=True)
    subscribed = {
        "ORDER_WEBHOOK_URLS": f"http://127.0.0.1:{shop.port}/orders",
        "ORDER_WEBHOOK_SECRETS": SECRET,
        "UNBUY_ALLOW_PRIVATE_WEBHOOKS": "true",
    }
    async with shop.serving():
        async with worker(tmp_path, dev_server.address, "--processes", "1", **subscribed) as doomed:
            await said(doomed, "Serving OrderWorkflow")
            await calls.place(dev_server.client, placed)
            (first,) = await shop.has(1)
            os.kill(doomed.pid, signal.SIGKILL)
            await doomed.wait()
        shop.hangs = False
        process = dev_server.client.get_workflow_handle(
            ids.order_webhook_workflow_id(placed.order_id, first.id)
        )
        # Until the try of the killed one counts as failed, and for the pause after it.
        skipper = TimeSkipper(dev_server.client, config=TimeSkippingConfig(enabled=False))
        await skipper.fast_forward(process, 22 * SECOND)
        sender = sender_to(subscribed["ORDER_WEBHOOK_URLS"])
        async with build_worker(dev_server.client, [Webhooks(sender).deliver_webhook]):
            await asyncio.wait_for(process.result(), 30)
        await calls.order(dev_server.client, placed.order_id).terminate()

    assert shop.ids == [first.id, first.id]
    assert shop.got[1].verified() == first.verified()
