from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from database.connection import Database
from deploy.embedded import embedded_server
from deploy.local import environment_of
from runtime.wiring import Adapters
from runtime.worker import build_worker
from tests.cli.terminal import Terminal


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def terminal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    directory = tmp_path_factory.mktemp("starter")
    url = f"sqlite+aiosqlite:///{directory / 'unbuy.db'}"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server())
        database = await Database.open(url)
        stack.push_async_callback(database.close)
        world = Adapters.local(database, server.client)
        await stack.enter_async_context(build_worker(server.client, world.activities()))
        yield Terminal(
            environment=environment_of(server) | {"UNBUY_DATABASE_URL": url},
            skipper=TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False)),
            database=database,
            directory=directory,
        )
