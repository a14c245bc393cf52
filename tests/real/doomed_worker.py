"""A worker that waits in the middle of a refund, for a test to kill or stop it there.

``python -m tests.real.doomed_worker MODE DIRECTORY ADDRESS DATABASE_URL ATTEMPT_SECONDS``

MODE: ``before`` waits before the provider is asked, ``after`` once it has booked the refund and not yet told
the worker, ``never`` does not wait. It leaves the file WAITS when it waits, goes on when somebody leaves
the file GO, and leaves ANSWERED once the provider has answered. READY says that it is about to serve.
"""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities.refunds import PaymentProvider, RefundQuestion, RefundRequest, RefundState
from database.connection import Database
from demo.waiting import until
from runtime.wiring import Adapters
from runtime.worker import build_worker
from workflows import ids
from workflows.options import MOVE_MONEY

READY, WAITS, GO, ANSWERED = "ready", "waits", "go", "answered"
BEFORE, AFTER, NEVER = "before", "after", "never"


class WaitingProvider:
    """Implements ``PaymentProvider``."""

    def __init__(self, provider: PaymentProvider, mode: str, directory: Path) -> None:
        self._provider = provider
        self._mode = mode
        self._directory = directory

    async def refund(self, request: RefundRequest) -> RefundState:
        await self._wait_if(BEFORE)
        state = await self._provider.refund(request)
        await self._wait_if(AFTER)
        (self._directory / ANSWERED).touch()
        return state

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        return await self._provider.refund_state(question)

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        return await self._provider.stop_refund(question)

    async def _wait_if(self, mode: str) -> None:
        if self._mode != mode:
            return
        (self._directory / WAITS).touch()
        go = self._directory / GO
        # Whoever gives up on this attempt does not stop what the provider is asked meanwhile.
        await until(lambda: asyncio.to_thread(go.exists), within=None)


async def serve(
    mode: str, directory: Path, address: str, database_url: str, attempt: timedelta
) -> None:
    MOVE_MONEY["start_to_close_timeout"] = attempt
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    database = await Database.open(database_url)
    world = Adapters.local(database, client)
    world = replace(world, provider=WaitingProvider(world.provider, mode, directory))
    if mode == BEFORE:
        # One that is stopped takes tasks and does nothing about them: it gets no more than its one.
        worker = Worker(
            client,
            task_queue=ids.TASK_QUEUE,
            activities=world.activities(),
            max_concurrent_activities=1,
        )
    else:
        worker = build_worker(client, world.activities())
    (directory / READY).touch()
    await worker.run()


if __name__ == "__main__":
    mode, directory, address, database_url, seconds = sys.argv[1:]
    attempt = timedelta(seconds=float(seconds))
    asyncio.run(serve(mode, Path(directory), address, database_url, attempt))
