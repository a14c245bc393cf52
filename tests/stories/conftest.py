"""A fresh order for each story."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.stories.time_skipping import TimeSkippingStory, time_skipping_story


def order_id_of(request: pytest.FixtureRequest) -> str:
    """The test's name as an order id, short enough for ids that are made of it."""
    name = request.node.name.removeprefix("test_")
    return "".join(char if char.isalnum() else "-" for char in name)[-40:].strip("-")


@pytest_asyncio.fixture(loop_scope="session")
async def order(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> AsyncIterator[TimeSkippingStory]:
    async with time_skipping_story(environment, order_id_of(request)) as order:
        yield order
