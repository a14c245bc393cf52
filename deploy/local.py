"""The whole system on this machine, until stopped: `make up`.

Temporal's server with its web UI, a worker and the gateway. Orders and the server's state survive a restart:
they are in `var/`, which is its owner's alone. However this process ends, the others end with it.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from cli.app import main
from cli.connection import read_settings
from cli.failure import Failure
from deploy.child_process import child_process
from deploy.directions import directions, header_files
from deploy.embedded import EmbeddedServer, EmbeddedServerError, embedded_server, is_free
from deploy.examples import Examples
from i18n.current import gettext
from runtime import program
from runtime.settings import Settings
from runtime.temporal import first_line
from runtime.token_secret import token_secret
from workflows.ids import TASK_QUEUE

DATA = Path("var")

# Temporal's usual ports; the web UI's and the gateway's have a fixed offset from the server's.
DEFAULT_PORT = 7233
UI_PORT_OFFSET = 1000
GATEWAY_PORT_OFFSET = 847
PORTS_TRIED = 100

# Time for a worker to finish its tasks, and for the gateway its requests.
_PATIENCE = timedelta(seconds=60)
_LOOK_EVERY = 0.2
_ALIVE_EVERY = 1.0
_LAST_LINES = 10


async def run(settings: Settings) -> int:
    """Run everything until a signal or until a part exits; returns the exit status."""
    print(gettext("Starting Temporal, a worker and the gateway ..."), flush=True)
    port = choose_port()
    secret = token_secret(settings)
    # One database a port: two servers must never share one.
    database = DATA / f"temporal-{port}.db"
    async with (
        embedded_server(
            database=database, port=port, ui=True, ui_port=port + UI_PORT_OFFSET
        ) as server,
        AsyncExitStack() as stack,
    ):
        stops = {asyncio.create_task(_asked_to_stop()), asyncio.create_task(abandoned())}
        environment = environment_of(server) | database_variables(port)
        logs = {name: DATA / f"{name}{_suffix(port)}.log" for name in ("gateway", "worker")}
        ends = {}
        for name, its_environment in (
            ("worker", environment),
            ("gateway", environment | gateway_variables(port, secret, settings)),
        ):
            part = await stack.enter_async_context(_part(name, its_environment, logs[name]))
            ends[asyncio.create_task(part.wait())] = name
        gateway = f"http://127.0.0.1:{port + GATEWAY_PORT_OFFSET}"
        ready = asyncio.create_task(_answers(server, gateway))
        await asyncio.wait({ready, *stops, *ends}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            headers = header_files(secret, DATA)
            for line in directions(
                server, gateway, headers, command_variables(server.address, port), logs
            ):
                print(line, flush=True)
            if settings.is_for_trying_out:
                examples = asyncio.create_task(_place_examples(server))
                stack.callback(examples.cancel)
            await asyncio.wait({*stops, *ends}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ready, *stops):
            task.cancel()
        ended = {name: end.result() for end, name in ends.items() if end.done()}
        for name, status in ended.items():
            for line in _why(name, status, logs[name]):
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


def _keep_to_its_owner(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    # Earlier versions left it open, and with it what is in it.
    directory.chmod(0o700)


@asynccontextmanager
async def _part(
    command: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as file:
        async with child_process(
            *program.argv(command),
            patience=_PATIENCE,
            stdout=file,
            stderr=file,
            environment=environment,
        ) as process:
            yield process


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


async def abandoned() -> None:
    """Wait until the reader of the output has gone, or the make that started this process."""
    output, closed = sys.stdout.fileno(), asyncio.Event()
    if stat.S_ISFIFO(os.fstat(output).st_mode):
        # The write end becomes readable when the read end is closed.
        asyncio.get_running_loop().add_reader(output, closed.set)
    parent = os.getppid()
    try:
        while not closed.is_set():
            # A killed make cannot notify this process. Any other parent may exit first.
            if "MAKELEVEL" in os.environ and os.getppid() != parent:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(closed.wait(), _ALIVE_EVERY)
    finally:
        asyncio.get_running_loop().remove_reader(output)


def _why(part: str, status: int, log: Path) -> Iterator[str]:
    """Why a part exited, with its last output."""
    yield gettext("{part} stopped unexpectedly, with status {status}.", part=part, status=status)
    yield from log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    yield gettext("All of it is in {log}.", log=log)


def choose_port() -> int:
    """Temporal's usual port, or the next that is free together with its web UI's."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if all(is_free(port + above) for above in (0, UI_PORT_OFFSET, GATEWAY_PORT_OFFSET)):
            return port
    raise EmbeddedServerError(
        gettext(
            "No port from {first} to {last} is free.",
            first=DEFAULT_PORT,
            last=DEFAULT_PORT + PORTS_TRIED - 1,
        )
    )


def _suffix(port: int) -> str:
    return "" if port == DEFAULT_PORT else f"-{port}"


def database_variables(port: int) -> dict[str, str]:
    """The database's variable for worker and commands; empty if the user has set it.

    One database a server: two must never share one.
    """
    if "UNBUY_DATABASE_URL" in os.environ:
        return {}
    return {"UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{DATA / f'unbuy{_suffix(port)}.db'}"}


def command_variables(address: str, port: int) -> dict[str, str]:
    """The variables that commands need to find this system; empty for the defaults."""
    if port == DEFAULT_PORT and not any(name.startswith("TEMPORAL_") for name in os.environ):
        return {}
    return {"TEMPORAL_ADDRESS": address, **database_variables(port)}


def gateway_variables(port: int, secret: SecretStr, settings: Settings) -> dict[str, str]:
    """The gateway's variables beyond the worker's.

    Beside an issuer or a real payment provider there is nothing to try out without them.
    """
    trying_out = dict.fromkeys(
        ("UNBUY_BUYERS_PLACE_ORDERS", "UNBUY_BUYERS_CHOOSE_POLICY", "UNBUY_PLAYGROUND"), "true"
    )
    return {
        "UNBUY_GATEWAY_PORT": str(port + GATEWAY_PORT_OFFSET),
        "UNBUY_TOKEN_SECRET": secret.get_secret_value(),
        "UNBUY_PUBLIC_URL": f"http://127.0.0.1:{port + GATEWAY_PORT_OFFSET}",
        "UNBUY_TEMPORAL_UI_URL": (
            f"http://127.0.0.1:{port + UI_PORT_OFFSET}/namespaces/default/workflows/order-{{order_id}}"
        ),
        **(trying_out if settings.is_for_trying_out else {}),
    }


def environment_of(server: EmbeddedServer) -> dict[str, str]:
    """This process's environment, connected to the embedded server and to no other."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")
    }
    return environment | {
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_NAMESPACE": server.client.namespace,
        # A profile in the user's file could require TLS or an API key.
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


async def up() -> int:
    """Run the whole system on this machine, until Ctrl-C: Temporal, a worker and the gateway."""
    try:
        await asyncio.to_thread(_keep_to_its_owner, DATA)
        return await run(read_settings())
    except EmbeddedServerError as error:
        raise Failure(str(error), status=1) from None
    except BrokenPipeError:
        # Nobody reads the output, including the interpreter's own warning of that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main(["up", *sys.argv[1:]]))
