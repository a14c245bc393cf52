"""The whole system on this machine, until stopped: `make up`.

Temporal's server with its web UI, a worker and the gateway. Orders and the server's state survive a restart:
they are in `var/`, which is its owner's alone. However this process ends, the others end with it.
"""

import asyncio
import os
import signal
import stat
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cli.app import main
from cli.failure import Failure
from cli.settings import read_settings
from deploy.child_process import child_process
from deploy.ports import LOOPBACK, is_free
from i18n.current import gettext
from runtime import program
from runtime.settings import Settings
from runtime.token_secret import token_secret

if TYPE_CHECKING:
    from deploy.embedded import EmbeddedServer

DATA = Path("var")

# Temporal's usual ports; the web UI's and the gateway's have a fixed offset from the server's.
DEFAULT_PORT = 7233
UI_PORT_OFFSET = 1000
GATEWAY_PORT_OFFSET = 847
PORTS_TRIED = 100

# Time for a worker to finish its tasks, and for the gateway its requests.
_PATIENCE = timedelta(seconds=60)
_ALIVE_EVERY = 1.0


def _keep_to_its_owner(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    # Earlier versions left it open, and with it what is in it.
    directory.chmod(0o700)


@dataclass(frozen=True, slots=True)
class LocalSystem:
    """One system of this directory: its ports, its files and its variables."""

    port: int
    settings: Settings
    secret: SecretStr

    @property
    def ui_port(self) -> int:
        """Of Temporal's web UI."""
        return self.port + UI_PORT_OFFSET

    @property
    def address(self) -> str:
        """The gateway's."""
        return f"http://{LOOPBACK}:{self.port + GATEWAY_PORT_OFFSET}"

    @property
    def temporal_database(self) -> Path:
        """One a port: two servers must never share one."""
        return DATA / f"temporal-{self.port}.db"

    @property
    def environment(self) -> dict[str, str]:
        """The worker's variables."""
        return environment_at(f"{LOOPBACK}:{self.port}") | database_variables(self.port)

    @property
    def logs(self) -> dict[str, Path]:
        """By part."""
        return {name: DATA / f"{name}{_suffix(self.port)}.log" for name in ("gateway", "worker")}

    @asynccontextmanager
    async def part(self, name: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
        """Run the command of this name until the context is left."""
        with self.logs[name].open("ab") as log:
            async with child_process(
                *program.argv(name),
                patience=_PATIENCE,
                stdout=log,
                stderr=log,
                environment=environment,
            ) as process:
                yield process


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


def choose_port() -> int:
    """Temporal's usual port, or the next that is free together with its web UI's. Raises Failure."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if all(is_free(port + above) for above in (0, UI_PORT_OFFSET, GATEWAY_PORT_OFFSET)):
            return port
    raise Failure(
        gettext(
            "No port from {first} to {last} is free.",
            first=DEFAULT_PORT,
            last=DEFAULT_PORT + PORTS_TRIED - 1,
        ),
        status=1,
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


def environment_of(server: "EmbeddedServer") -> dict[str, str]:
    """This process's environment, connected to the embedded server and to no other."""
    return environment_at(server.address, server.client.namespace)


def environment_at(address: str, namespace: str = "default") -> dict[str, str]:
    """This process's environment, connected to the Temporal server at this address and to no other."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")
    }
    return environment | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": namespace,
        # A profile in the user's file could require TLS or an API key.
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


async def up() -> int:
    """Run the whole system on this machine, until Ctrl-C: Temporal, a worker and the gateway."""
    try:
        await asyncio.to_thread(_keep_to_its_owner, DATA)
        settings = read_settings()
        print(gettext("Starting Temporal, a worker and the gateway ..."), flush=True)
        system = LocalSystem(choose_port(), settings, token_secret(settings))
        variables = gateway_variables(system.port, system.secret, settings)
        async with AsyncExitStack() as stack:
            part = system.part("gateway", system.environment | variables)
            gateway = await stack.enter_async_context(part)
            # Both take their time to load, and the gateway waits for the server.
            from deploy.system import run_beside

            return await run_beside(gateway, system, stack)
    except BrokenPipeError:
        # Nobody reads the output, including the interpreter's own warning of that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main(["up", *sys.argv[1:]]))
