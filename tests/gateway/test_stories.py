"""The demo's stories again, told over HTTP: the same endings, refusals and books."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from database.connection import Database
from demo.command import find_faults, run_all
from demo.report import Outcome
from demo.scenarios import SCENARIOS
from demo.system import set_up
from demo.transports import TemporalTransport
from orders.errors import RefusalCode
from tests.gateway.conftest import serving
from tests.gateway.http_transport import DoubtingTransport

Ended = tuple[list[Outcome], list[str], DoubtingTransport]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ended(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ended]:
    """All scenarios on a system of their own, and what is wrong with how they ended."""
    directory: Path = tmp_path_factory.mktemp("stories")
    async with set_up(directory) as system:
        database = await Database.open(system.database_url)
        try:
            async with (
                serving(
                    system.server.client, database, proof_store=str(directory / "proofs")
                ) as address,
                httpx.AsyncClient(base_url=address, timeout=20) as http,
            ):
                transport = DoubtingTransport(http, TemporalTransport(system.server.client))
                on_http = replace(system, transport=transport)
                outcomes = await run_all(on_http, SCENARIOS, lambda _: None)
                yield outcomes, await find_faults(on_http, outcomes), transport
        finally:
            await database.close()


@pytest.mark.timeout(300)  # all the stories, on a machine that may be busy
async def test_every_story_of_the_demo_ends_as_told_over_http(ended: Ended) -> None:
    """R1-R23: placed, told and read over HTTP only, each ends as it must, and all the books agree."""
    outcomes, wrong, _ = ended

    assert wrong == []
    assert len(outcomes) == len(SCENARIOS)


async def test_refusals_over_http_are_those_by_update(ended: Ended) -> None:
    """R5, R19: code, instant and sentence, in every status of every story."""
    _, _, transport = ended

    assert [over_http.details() for over_http, _ in transport.refusals] == [
        by_update.details() for _, by_update in transport.refusals
    ]
    assert len(transport.refusals) > len(SCENARIOS)
    assert {it.code for it, _ in transport.refusals} >= {
        RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
        RefusalCode.CANCELLATION_EXISTS,
        RefusalCode.NOT_IN_THIS_STATUS,
    }
    assert any(it.available_from for it, _ in transport.refusals)
