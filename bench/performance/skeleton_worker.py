"""``python -m bench.performance.skeleton_worker``: one worker process for the skeletons, until SIGTERM.

With the cache and the sticky timeout of Unbuy's worker, and the SDK's defaults in all else.
"""

import asyncio
import signal
from datetime import timedelta

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from bench.performance.skeleton import TASK_QUEUE, SkeletonWorkflow, notify, refund


async def main() -> None:
    """Serve the skeletons."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[SkeletonWorkflow],
        activities=[notify, refund],
        max_cached_workflows=2000,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    ):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
