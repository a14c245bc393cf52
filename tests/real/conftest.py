"""The demo's system, once for all tests: a real Temporal server whose workflows' time can be skipped."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest
import pytest_asyncio

from activities.notifications import OutboxMessage
from demo.system import DemoSystem, ServerStory, set_up
from orders.place_order import PlaceOrder
from tests.orders.builders import place

_NUMBERS = count(1)


@dataclass
class Mail:
    """A channel that is down until it is mended."""

    down: bool = True
    taken: list[str] = field(default_factory=list)

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        if self.down:
            raise ConnectionError("Mail is down.")
        self.taken.extend(it.key for it in messages)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoSystem]:
    async with set_up(tmp_path_factory.mktemp("real")) as system:
        yield system


@pytest.fixture
def placed(request: pytest.FixtureRequest) -> PlaceOrder:
    """An order of this test's own: no other has its id, its buyer or its seller."""
    words = "".join(char if char.isalnum() else "-" for char in request.node.name)
    name = f"{words.removeprefix('test-')[-50:].strip('-')}-{next(_NUMBERS)}"
    return place(
        order_id=name,
        buyer={"id": f"b-{name}", "name": "Anna", "locale": "pl", "notify": []},
        seller={"id": f"s-{name}", "name": "Shop 3", "locale": "en", "notify": []},
    )


@pytest_asyncio.fixture(loop_scope="session")
async def order(system: DemoSystem, placed: PlaceOrder) -> ServerStory:
    return await ServerStory(system, placed).place()
