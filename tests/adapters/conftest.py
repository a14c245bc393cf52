from collections.abc import AsyncIterator

import pytest_asyncio

from tests.stripe.faults import Faults
from tests.stripe.peer import Peer, stripe_peer
from tests.stripe.post import Post


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _peer() -> AsyncIterator[Peer]:
    async with stripe_peer() as peer:
        yield peer


@pytest_asyncio.fixture(loop_scope="session")
async def peer(_peer: Peer) -> Peer:
    """Stripe as the test finds it: empty, and in order."""
    front = _peer.front
    await front.flush()
    front.faults, front.post, front.starts_as = Faults(), Post(), "pending"
    front.asked.clear()
    return _peer
