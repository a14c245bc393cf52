"""The whole system on this machine, until stopped: `make up`.

Orders and the server's state survive a restart: they lie in `var/`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.embedded import EmbeddedServer, EmbeddedServerError, embedded_server, is_free

WORKER = Path(__file__).parents[1] / "worker.py"
DATA = Path("var")

# Temporal's usual ports; the web UI's is always this much above the server's.
DEFAULT_PORT = 7233
UI_PORT_OFFSET = 1000
PORTS_TRIED = 100


async def run() -> int:
    """Run server and worker until a signal asks to stop or the worker ends; the exit status."""
    port = choose_port()
    variables = database_variables(port)
    # One database a port: two servers must never share one.
    async with embedded_server(
        database=DATA / f"temporal-{port}.db",
        port=port,
        ui=True,
        ui_port=port + UI_PORT_OFFSET,
    ) as server:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stopping.set)

        # In a session of its own, as the server is: Ctrl-C in the terminal must not take one from
        # under the other. This process stops the two in order.
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WORKER),
            env=worker_environment(server) | variables,
            start_new_session=True,
        )
        print(f"Temporal  {server.address}")
        print(f"Web UI    {server.ui_url}")
        for line in commands(server.address, port, variables):
            print(line)
        print("Ctrl-C stops it.", flush=True)
        return await _supervise(worker, stopping)


async def _supervise(worker: asyncio.subprocess.Process, stopping: asyncio.Event) -> int:
    ended = asyncio.create_task(worker.wait())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({ended, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if ended.done():
        print(f"The worker ended by itself, with status {ended.result()}.", file=sys.stderr)
        return 1
    print("Stopping ...", flush=True)
    worker.terminate()
    await ended
    return 0


def choose_port() -> int:
    """Temporal's usual port, or else the next that is free together with its web UI's."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if is_free(port) and is_free(port + UI_PORT_OFFSET):
            return port
    raise EmbeddedServerError(
        f"No port from {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TRIED - 1} is free."
    )


def database_variables(port: int) -> dict[str, str]:
    """What tells worker and commands of the database; nothing where the user's own variable does.

    One database a server: two must never share one.
    """
    if "UNBUY_DATABASE_URL" in os.environ:
        return {}
    name = "unbuy.db" if port == DEFAULT_PORT else f"unbuy-{port}.db"
    return {"UNBUY_DATABASE_URL": f"sqlite+aiosqlite:///{DATA / name}"}


def commands(address: str, port: int, variables: Mapping[str, str]) -> Iterator[str]:
    """How to reach this system from another terminal."""
    chosen = {"TEMPORAL_ADDRESS": address, **variables}
    environment = " ".join(f"{name}={value}" for name, value in chosen.items())
    yield f"Commands  {environment} .venv/bin/python starter.py ..."
    if port != DEFAULT_PORT:
        yield (
            f"Port {DEFAULT_PORT} was taken: commands without these variables talk to whatever is there."
        )


def worker_environment(server: EmbeddedServer) -> dict[str, str]:
    """This process's environment, connected to the embedded server and to no other."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")
    }
    return environment | {
        "TEMPORAL_ADDRESS": server.address,
        "TEMPORAL_NAMESPACE": server.client.namespace,
        # A profile in the user's own file could ask for TLS or an API key.
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


def main() -> int:
    """Run the system; a sentence on standard error if it cannot start."""
    try:
        return asyncio.run(run())
    except EmbeddedServerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # before there was anything to stop in order


if __name__ == "__main__":
    sys.exit(main())
