"""How much one caller may ask for (case 30): told from when again, and nobody else is held up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from limits.aio.storage import MemoryStorage

from database.connection import Database
from gateway.wiring import build_services
from i18n.sentences import localize
from runtime.temporal import CannotServe
from tests.gateway.conftest import Town, serving, settings
from tests.gateway.problem import problem_of


@asynccontextmanager
async def _limited(town: Town, database: Database, **changes: Any) -> AsyncIterator[Town]:
    async with (
        serving(town.stage.server.client, database, **changes) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        yield Town(http, town.stage)


async def test_who_asks_too_often_waits_and_nobody_else(town: Town, database: Database) -> None:
    """Case 30: by party and role, however many connections it has."""
    async with _limited(town, database, rate_limit="5/minute") as limited:
        answers = await asyncio.gather(*(limited.buyer.get("/v1/orders") for _ in range(8)))

        assert sorted(it.status_code for it in answers) == [200] * 5 + [429] * 3
        for answer in answers:
            if answer.status_code == 429:
                problem = problem_of(answer, 429)
                assert 1 <= int(answer.headers["retry-after"]) <= 60
                assert f"in {answer.headers['retry-after']} s" in problem["detail"]
        for other in (
            limited.seller,
            limited.person("seller", limited.buyer.id),
            limited.person("buyer", "another"),
        ):
            assert (await other.get("/v1/orders")).status_code == 200
        assert (await limited.http.get("/healthz")).status_code == 200


async def test_whoever_waits_as_long_as_told_is_served_again(
    town: Town, database: Database
) -> None:
    """Case 30: ``Retry-After`` is the truth."""
    async with _limited(town, database, rate_limit="2/2second") as limited:
        while (answer := await limited.buyer.get("/v1/orders")).status_code == 200:
            pass
        await asyncio.sleep(int(answer.headers["retry-after"]))

        assert (await limited.buyer.get("/v1/orders")).status_code == 200


async def test_strangers_are_counted_by_their_address(town: Town, database: Database) -> None:
    """Case 30: with no token, a bad one, or a webhook that nobody signed; who has a token is not held up."""
    changes: dict[str, Any] = {
        "rate_limit": "6/minute",
        "payment_provider": "stripe",
        "stripe_api_key": "sk_test_unbuy",
        "stripe_webhook_secrets": "whsec_1",
    }
    async with _limited(town, database, **changes) as limited:
        bad = {"Authorization": "Bearer bad"}
        for _ in range(2):
            problem_of(await limited.http.get("/v1/orders"), 401)
            problem_of(await limited.http.get("/v1/orders", headers=bad), 401)
            problem_of(await limited.http.post("/v1/webhooks/stripe", content=b"{}"), 401)

        problem_of(await limited.http.get("/v1/orders"), 429)
        problem_of(await limited.http.get("/v1/orders", headers=bad), 429)
        problem_of(await limited.http.post("/v1/webhooks/stripe", content=b"{}"), 429)
        assert (await limited.buyer.get("/v1/orders")).status_code == 200
        assert (await limited.http.get("/readyz")).status_code == 200


async def test_while_requests_cannot_be_counted_callers_are_told_to_try_again(
    town: Town, database: Database
) -> None:
    """A shared store that is away is no error of ours, and opens nothing either."""
    async with _limited(town, database, rate_limit_storage="async+lost://") as limited:
        problem_of(await limited.buyer.get("/v1/orders"), 503)


class Lost(MemoryStorage):
    """A shared store that cannot be reached."""

    STORAGE_SCHEME = ["async+lost"]  # noqa: RUF012 (the library's own way)

    @property
    def base_exceptions(self) -> type[Exception]:
        return ConnectionError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        raise ConnectionError("connection refused")


@pytest.mark.parametrize("storage", ["async+nowhere://x", "async+redis://127.0.0.1:1"])
def test_a_store_that_cannot_be_used_is_said_at_the_start(
    town: Town, database: Database, storage: str
) -> None:
    with pytest.raises(CannotServe, match="UNBUY_RATE_LIMIT_STORAGE") as caught:
        build_services(settings(rate_limit_storage=storage), town.stage.server.client, database)

    assert localize(str(caught.value), "pl").startswith("Nie można tam liczyć żądań (")
