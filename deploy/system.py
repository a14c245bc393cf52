"""What runs beside the gateway of `make up`: Temporal's server with its web UI, and a worker.

It takes about as long to load as the gateway, which has been started before.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from cli.failure import Failure
from deploy.directions import directions, header_files
from deploy.embedded import EmbeddedServer, EmbeddedServerError, embedded_server
from deploy.examples import Examples
from deploy.local import DATA, LocalSystem, abandoned, command_variables
from i18n.current import gettext
from runtime.temporal import first_line
from workflows.ids import TASK_QUEUE

_LOOK_EVERY = 0.1
_LAST_LINES = 10


async def run_beside(gateway: Process, system: LocalSystem, stack: AsyncExitStack) -> int:
    """Run everything until a signal or until a part exits; returns the exit status.

    The gateway, which is on the ``stack``, is the first to stop. Raises Failure.
    """
    try:
        async with (
            embedded_server(
                database=system.temporal_database, port=system.port, ui=True, ui_port=system.ui_port
            ) as server,
            system.part("worker", system.environment) as worker,
            aclosing(stack),
        ):
            return await _until_stopped(server, {"worker": worker, "gateway": gateway}, system)
    except EmbeddedServerError as error:
        raise Failure(str(error), status=1) from None


async def _until_stopped(
    server: EmbeddedServer, parts: dict[str, Process], system: LocalSystem
) -> int:
    stops = {asyncio.create_task(_asked_to_stop()), asyncio.create_task(abandoned())}
    ends = {asyncio.create_task(part.wait()): name for name, part in parts.items()}
    others = [asyncio.create_task(_answers(server, system.address))]
    [ready] = others
    await asyncio.wait({ready, *stops, *ends}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        ready.result()
        headers = header_files(system.secret, DATA)
        variables = command_variables(server.address, system.port)
        for line in directions(server, system.address, headers, variables, system.logs):
            print(line, flush=True)
        if system.settings.is_for_trying_out:
            others.append(asyncio.create_task(_place_examples(server)))
        await asyncio.wait({*stops, *ends}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*others, *stops):
        task.cancel()
    ended = {name: end.result() for end, name in ends.items() if end.done()}
    for name, status in ended.items():
        for line in _why(name, status, system.logs[name]):
            print(line, file=sys.stderr)
    print(gettext("Stopping ..."), flush=True)
    return 1 if ended else 0


async def _place_examples(server: EmbeddedServer) -> None:
    """Place the orders to look at. Without them there is less to see, and that is all."""
    try:
        await Examples(server.client).place()
    except Exception as error:
        why = first_line(error)
        print(gettext("The example orders are not complete: {why}", why=why), file=sys.stderr)


async def _answers(server: EmbeddedServer, gateway: str) -> None:
    """Wait until the worker polls, and the gateway and the web UI respond."""
    request = DescribeTaskQueueRequest(
        namespace=server.client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with httpx.AsyncClient() as http:
        while True:
            try:
                queue = await server.client.workflow_service.describe_task_queue(request)
                answers = [
                    await http.get(url) for url in (f"{gateway}/readyz", server.ui_url or "")
                ]
                if queue.pollers and all(it.is_success for it in answers):
                    return
            except (RPCError, httpx.TransportError):
                pass  # not listening yet
            await asyncio.sleep(_LOOK_EVERY)


async def _asked_to_stop() -> None:
    """Wait for a signal."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()


def _why(part: str, status: int, log: Path) -> Iterator[str]:
    """Why a part exited, with its last output."""
    yield gettext("{part} stopped unexpectedly, with status {status}.", part=part, status=status)
    yield from log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    yield gettext("All of it is in {log}.", log=log)
