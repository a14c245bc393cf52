"""The demo's stories again, told over HTTP: the same endings, refusals and books."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from database.connection import Database
from demo.lines import TemporalLine
from demo.performance import judge, play
from demo.report import Outcome
from demo.stage import set_up
from demo.stories import STORIES
from orders.errors import RefusalCode
from tests.gateway.conftest import serving
from tests.gateway.http_line import DoubtingLine

Played = tuple[list[Outcome], list[str], DoubtingLine]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """All stories played on a stage of their own, and what is wrong with what they came to."""
    directory: Path = tmp_path_factory.mktemp("stories")
    async with set_up(directory) as stage:
        database = await Database.open(stage.database_url)
        try:
            async with (
                serving(stage.server.client, database) as address,
                httpx.AsyncClient(base_url=address, timeout=20) as http,
            ):
                line = DoubtingLine(http, TemporalLine(stage.server.client))
                on_http = replace(stage, line=line)
                outcomes = await play(on_http, STORIES, lambda _: None)
                yield outcomes, await judge(on_http, outcomes), line
        finally:
            await database.close()


@pytest.mark.timeout(300)  # all the stories, on a machine that may be busy
async def test_every_story_of_the_demo_ends_as_told_over_http(played: Played) -> None:
    """R1-R23: placed, told and read over HTTP only, each ends as it must, and all the books agree."""
    outcomes, wrong, _ = played

    assert wrong == []
    assert len(outcomes) == len(STORIES)


async def test_refusals_over_http_are_those_by_update(played: Played) -> None:
    """R5, R19: code, instant and sentence, in every status of every story."""
    _, _, line = played

    assert [over_http.details() for over_http, _ in line.refusals] == [
        by_update.details() for _, by_update in line.refusals
    ]
    assert len(line.refusals) > len(STORIES)
    assert {it.code for it, _ in line.refusals} >= {
        RefusalCode.PAYMENT_REVIEW_IN_PROGRESS,
        RefusalCode.CANCELLATION_EXISTS,
        RefusalCode.NOT_IN_THIS_STATUS,
    }
    assert any(it.available_from for it, _ in line.refusals)
