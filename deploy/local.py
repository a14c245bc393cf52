"""The whole system on this machine, until stopped: `make up`.

Temporal's server with its web UI, a worker and the gateway. Orders and the server's state survive a restart:
they lie in `var/`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from cli.app import main
from cli.connection import read_settings
from cli.failure import Failure
from deploy.embedded import EmbeddedServer, EmbeddedServerError, embedded_server, is_free
from deploy.secret import token_secret
from gateway.access import Role
from gateway.tokens import SecretTokens
from i18n.current import gettext
from runtime import program
from runtime.settings import Settings

DATA = Path("var")

# Temporal's usual ports; the web UI's and the gateway's are always so much above the server's.
DEFAULT_PORT = 7233
UI_PORT_OFFSET = 1000
GATEWAY_PORT_OFFSET = 847
PORTS_TRIED = 100

PEOPLE = (("buyer", "buyer-7"), ("seller", "seller-3"), ("support", "support-1"))
"""Whom tokens are made for: the parties of the sample orders, and a mediator."""


async def run(settings: Settings) -> int:
    """Run everything until a signal asks to stop or a part ends by itself; the exit status."""
    port = choose_port()
    secret = token_secret(settings)
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

        environment = environment_of(server) | variables
        worker = await _start(environment, "worker")
        gateway = await _start(environment | gateway_variables(port, secret), "gateway")
        address = f"http://127.0.0.1:{port + GATEWAY_PORT_OFFSET}"
        print(f"Temporal  {server.address}")
        print(f"Web UI    {server.ui_url}")
        docs = gettext("every request explained, to try out: {address}", address=f"{address}/docs")
        print(f"Gateway   {address}  ({docs})")
        for line in commands(server.address, port, variables):
            print(line)
        for line in tokens(address, secret):
            print(line)
        print(gettext("Ctrl-C stops it."), flush=True)
        return await _supervise({"gateway": gateway, "worker": worker}, stopping)


async def _start(environment: Mapping[str, str], command: str) -> asyncio.subprocess.Process:
    # In a session of its own, as the server is: Ctrl-C in the terminal must not take one from under the
    # other. This process stops them in order.
    return await asyncio.create_subprocess_exec(
        *program.argv(command),
        env=environment,
        start_new_session=True,
    )


async def _supervise(
    parts: Mapping[str, asyncio.subprocess.Process], stopping: asyncio.Event
) -> int:
    """Wait for the end of one of the parts, or to be told to stop; then end them in order."""
    ends = {name: asyncio.create_task(part.wait()) for name, part in parts.items()}
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({stop, *ends.values()}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    ended = [name for name, end in ends.items() if end.done()]
    for name in ended:
        status = ends[name].result()
        print(
            gettext("{part} ended by itself, with status {status}.", part=name, status=status),
            file=sys.stderr,
        )
    print(gettext("Stopping ..."), flush=True)
    for name, part in parts.items():
        if name not in ended:
            part.terminate()
        await ends[name]
    return 1 if ended else 0


def choose_port() -> int:
    """Temporal's usual port, or else the next that is free together with its web UI's."""
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
    yield f"Commands  {environment} {program.COMMAND} ..."
    if port != DEFAULT_PORT:
        yield gettext(
            "Port {port} was taken: commands without these variables talk to whatever is there.",
            port=DEFAULT_PORT,
        )


def gateway_variables(port: int, secret: SecretStr) -> dict[str, str]:
    """What the gateway of this machine needs beside what the worker needs."""
    return {
        "UNBUY_GATEWAY_PORT": str(port + GATEWAY_PORT_OFFSET),
        "UNBUY_TOKEN_SECRET": secret.get_secret_value(),
        # Here everybody tries things out, such as orders whose deadlines are seconds.
        "UNBUY_BUYERS_CHOOSE_POLICY": "true",
        "UNBUY_PLAYGROUND": "true",
        "UNBUY_PUBLIC_URL": f"http://127.0.0.1:{port + GATEWAY_PORT_OFFSET}",
        "UNBUY_TEMPORAL_UI_URL": (
            f"http://127.0.0.1:{port + UI_PORT_OFFSET}/namespaces/default/workflows/order-{{order_id}}"
        ),
    }


def tokens(address: str, secret: SecretStr) -> Iterator[str]:
    """A token for one of each role, with a request that it makes possible."""
    signing = SecretTokens(secret)
    for role, sub in PEOPLE:
        token = signing.issue(Role(role), sub, timedelta(days=1))
        yield f"{role} {sub}:"
        yield f"  page {address}/sign-in?token={token}"
        yield f"  curl -H 'Authorization: Bearer {token}' {address}/v1/orders"


def environment_of(server: EmbeddedServer) -> dict[str, str]:
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


async def up() -> int:
    """Run the whole system on this machine, until Ctrl-C: Temporal, a worker and the gateway."""
    try:
        return await run(read_settings())
    except EmbeddedServerError as error:
        raise Failure(str(error), status=1) from None


if __name__ == "__main__":
    sys.exit(main(["up", *sys.argv[1:]]))
