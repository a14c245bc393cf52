"""The whole system as `make up` runs it, in a given directory: server, worker, gateway."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from bench.workplace import environment_for
from demo.waiting import until
from deploy.child_process import child_process
from deploy.embedded import EmbeddedServer, embedded_server
from deploy.ports import free_port
from gateway.access import Role
from gateway.tokens import SecretTokens
from runtime import program

_PATIENCE = 60.0
_BLINK = 0.1
_LIFETIME = timedelta(days=1)


class DoesNotStart(Exception):
    """A part of the system has exited; the text has its name and its last output."""


@dataclass(frozen=True)
class System:
    """A running system; ``address`` is its gateway's."""

    server: EmbeddedServer
    address: str
    secret: SecretStr

    def token(self, role: Role, sub: str) -> str:
        """A bearer token for a party."""
        return SecretTokens(self.secret).issue(role, sub, _LIFETIME)


@asynccontextmanager
async def system(directory: Path, rate_limit: str = "1000000/second") -> AsyncIterator[System]:
    """Run the system until the context is left, its files in a directory. Raises DoesNotStart.

    ``rate_limit``: of each caller; by default none, since one makes all requests.
    """
    port, secret = free_port(), SecretStr(secrets.token_hex(32))
    async with (
        embedded_server(database=directory / "temporal.db") as server,
        AsyncExitStack() as stack,
    ):
        environment = environment_for(
            server,
            database_url=f"sqlite+aiosqlite:///{directory / 'unbuy.db'}",
            proof_store=str(directory / "proofs"),
            gateway_port=str(port),
            token_secret=secret.get_secret_value(),
            buyers_place_orders="true",
            buyer_orders_limit="1000000/day",
            buyers_choose_policy="true",
            rate_limit=rate_limit,
        )
        for name, command in (
            ("worker", program.argv("worker", "--processes", "1")),
            ("gateway", program.argv("gateway")),
        ):
            part = _part(directory / f"{name}.log", environment, *command)
            process = await stack.enter_async_context(part)
            stack.push_async_callback(_must_run, process, name, directory / f"{name}.log")
        address = f"http://127.0.0.1:{port}"
        await _is_ready(address, process, directory / "gateway.log")
        yield System(server, address, secret)


@asynccontextmanager
async def _part(
    log: Path, environment: Mapping[str, str], *command: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    # Ctrl-C must reach the bench only, which ends its parts in order.
    with log.open("ab") as output:
        async with child_process(
            *command,
            patience=timedelta(seconds=_PATIENCE),
            stdout=output,
            stderr=output,
            environment=environment,
        ) as process:
            yield process


async def _must_run(process: asyncio.subprocess.Process, name: str, log: Path) -> None:
    if process.returncode is not None:
        raise DoesNotStart(
            f"The {name} ended by itself, status {process.returncode}:\n{_last(log)}"
        )


async def _is_ready(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient() as http:

        async def ready() -> bool:
            if process.returncode is not None:
                raise DoesNotStart(f"The gateway has ended:\n{_last(log)}")
            with suppress(httpx.TransportError):  # not listening yet
                return (await http.get(f"{address}/readyz")).is_success
            return False

        try:
            await until(ready, within=timedelta(seconds=_PATIENCE))
        except TimeoutError:
            raise DoesNotStart(
                f"The gateway is not ready within {_PATIENCE:.0f} s:\n{_last(log)}"
            ) from None


def _last(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
