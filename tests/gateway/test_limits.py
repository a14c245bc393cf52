"""How much one caller may ask for (case 30): told from when again, and nobody else is held up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from limits.aio.storage import MemoryStorage

from database.connection import Database
from gateway.wiring import build_services
from i18n.sentences import localize
from runtime.health import Health
from runtime.temporal import CannotServe
from tests.gateway.browsing import sign_in
from tests.gateway.conftest import HttpStory, serving, settings
from tests.gateway.problem import must_be_problem


@asynccontextmanager
async def _limited(
    order: HttpStory, database: Database, **changes: Any
) -> AsyncIterator[HttpStory]:
    async with (
        serving(order.system.server.client, database, **changes) as address,
        httpx.AsyncClient(base_url=address, verify=False) as http,
    ):
        yield HttpStory(http, order.system)


async def test_only_the_caller_that_asks_too_often_is_limited(
    order: HttpStory, database: Database
) -> None:
    """Case 30: by party and role, however many connections it has."""
    async with _limited(order, database, rate_limit="5/minute") as limited:
        answers = await asyncio.gather(*(limited.buyer.get("/v1/orders") for _ in range(8)))

        assert sorted(it.status_code for it in answers) == [200] * 5 + [429] * 3
        for answer in answers:
            if answer.status_code == 429:
                problem = must_be_problem(answer, 429)
                assert 1 <= int(answer.headers["retry-after"]) <= 60
                assert f"in {answer.headers['retry-after']} s" in problem["detail"]
        for other in (
            limited.seller,
            limited.person("seller", limited.buyer.id),
            limited.person("buyer", "another"),
        ):
            assert (await other.get("/v1/orders")).status_code == 200
        assert (await limited.http.get("/healthz")).status_code == 200


async def test_a_caller_that_waits_for_retry_after_is_served_again(
    order: HttpStory, database: Database
) -> None:
    """Case 30: ``Retry-After`` is the truth."""
    async with _limited(order, database, rate_limit="2/2second") as limited:
        while (answer := await limited.buyer.get("/v1/orders")).status_code == 200:
            pass
        await asyncio.sleep(int(answer.headers["retry-after"]))

        assert (await limited.buyer.get("/v1/orders")).status_code == 200


async def test_callers_without_a_token_are_limited_by_address(
    order: HttpStory, database: Database
) -> None:
    """Case 30: with no token, a bad one, or a webhook that nobody signed; who has a token is not held up."""
    changes: dict[str, Any] = {
        "rate_limit": "6/minute",
        "payment_provider": "stripe",
        "stripe_api_key": "sk_test_unbuy",
        "stripe_webhook_secrets": "whsec_1",
    }
    async with _limited(order, database, **changes) as limited:
        bad = {"Authorization": "Bearer bad"}
        for _ in range(2):
            must_be_problem(await limited.http.get("/v1/orders"), 401)
            must_be_problem(await limited.http.get("/v1/orders", headers=bad), 401)
            must_be_problem(await limited.http.post("/v1/webhooks/stripe", content=b"{}"), 401)

        must_be_problem(await limited.http.get("/v1/orders"), 429)
        must_be_problem(await limited.http.get("/v1/orders", headers=bad), 429)
        must_be_problem(await limited.http.post("/v1/webhooks/stripe", content=b"{}"), 429)
        assert (await limited.buyer.get("/v1/orders")).status_code == 200
        assert (await limited.http.get("/readyz")).status_code == 200


async def _refused_from(limited: HttpStory, forwarded: str) -> int:
    headers = {"X-Forwarded-For": forwarded}
    return (await limited.http.get("/v1/orders", headers=headers)).status_code


async def test_nobody_says_where_they_come_from_but_a_trusted_proxy(
    order: HttpStory, database: Database
) -> None:
    """Case 88: without one any process of this machine could."""
    for proxies, statuses in (
        ("", [401, 401, 429, 429]),
        ("10.0.0.0/8", [401, 401, 429, 429]),
        ("127.0.0.1", [401, 401, 401, 401]),
        ("10.0.0.0/8,127.0.0.0/8", [401, 401, 401, 401]),
    ):
        changes = {"rate_limit": "2/minute", "trusted_proxies": proxies}
        async with _limited(order, database, **changes) as limited:
            seen = [await _refused_from(limited, f"203.0.113.{number}") for number in range(4)]
            assert seen == statuses, proxies


async def test_the_nearest_address_that_is_no_proxys_counts(
    order: HttpStory, database: Database
) -> None:
    """Case 88: those before it are what the caller says of itself; a port beside it is no other caller."""
    changes = {"rate_limit": "2/minute", "trusted_proxies": "127.0.0.1,10.0.0.0/8"}
    async with _limited(order, database, **changes) as limited:
        seen = [
            await _refused_from(limited, f"{it}, 203.0.113.7{port}, 10.0.0.9")
            for it, port in (("198.51.100.1", ""), ("198.51.100.2", ":4000"), ("rubbish", ":4001"))
        ]

    assert seen == [401, 401, 429]


async def test_addresses_of_one_ipv6_network_are_one_caller(
    order: HttpStory, database: Database
) -> None:
    """Case 88: whoever has a /64 has any address of it."""
    changes = {"rate_limit": "2/minute", "trusted_proxies": "127.0.0.1"}
    async with _limited(order, database, **changes) as limited:
        same = [await _refused_from(limited, f"2606:4700:0:1::{number:x}") for number in (1, 9, 15)]
        other = await _refused_from(limited, "2606:4700:0:2::1")
        mapped = [await _refused_from(limited, f"::ffff:192.0.2.{number}") for number in range(3)]

    assert (same, other, mapped) == ([401, 401, 429], 401, [401, 401, 401])


async def test_one_stranger_does_not_lock_the_sign_in_of_all(
    order: HttpStory, database: Database
) -> None:
    """Case 113: behind a proxy that no setting names everybody has one address."""
    async with _limited(order, database, rate_limit="2/minute") as limited:
        for _ in range(5):
            await limited.http.get("/sign-in")
            await limited.http.post("/sign-in", data={"token": "rubbish"})
        locked = await limited.http.post("/sign-in", data={"token": "rubbish"})

        assert locked.status_code == 429
        assert (await limited.http.get("/sign-in")).status_code == 200
        await sign_in(limited.http, "buyer", "anna")


async def test_operations_and_documentation_are_limited_by_address(
    order: HttpStory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 91: apart from all else; readiness is looked at once a second, whoever asks for it."""
    looks = 0
    look = Health._look

    async def counted(health: Health) -> list[str]:
        nonlocal looks
        looks += 1
        return await look(health)

    monkeypatch.setattr(Health, "_look", counted)
    async with _limited(order, database, rate_limit="5/minute") as limited:
        paths = ("/metrics", "/docs", "/docs/ui/swagger-ui.css", "/docs/start.js", "/openapi.json")
        for path in paths:
            assert (await limited.http.get(path)).status_code == 200
        for path in (*paths, "/docs/ui/nothing"):
            must_be_problem(await limited.http.get(path), 429)
        began = time.monotonic()
        ready = await asyncio.gather(*(limited.http.get("/readyz") for _ in range(20)))
        took = time.monotonic() - began

        assert {it.status_code for it in ready} == {200}
        assert 1 <= looks <= 1 + took
        assert (await limited.http.get("/healthz")).status_code == 200
        assert (await limited.buyer.get("/v1/orders")).status_code == 200


async def test_without_the_rate_limit_store_callers_are_told_to_retry(
    order: HttpStory, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 117: a store that is away is no error of ours, opens nothing, and its address shows nowhere."""
    async with _limited(order, database, rate_limit_storage="async+lost://:canary@db") as limited:
        must_be_problem(await limited.buyer.get("/v1/orders"), 503)

    assert "Requests cannot be counted: ConnectionError" in caplog.text
    assert "canary" not in caplog.text


class Lost(MemoryStorage):
    """A shared store that cannot be reached."""

    STORAGE_SCHEME = ["async+lost"]  # noqa: RUF012 (the library's own way)

    @property
    def base_exceptions(self) -> type[Exception]:
        return ConnectionError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        raise ConnectionError("redis://:canary@db refused it")


class Unreadable(MemoryStorage):
    """A store that repeats what is wrong with its address."""

    STORAGE_SCHEME = ["async+unreadable"]  # noqa: RUF012 (the library's own way)

    def __init__(self, uri: str, **_: Any) -> None:
        super().__init__(uri)
        raise ValueError(f"Port could not be cast to integer value as {uri!r}")


@pytest.mark.parametrize(
    "storage",
    ["async+redis://:canary@db:1", "async+redsi://:canary@db:1", "async+unreadable://:canary"],
)
def test_an_unusable_rate_limit_store_is_reported_at_startup(
    order: HttpStory, database: Database, storage: str
) -> None:
    with pytest.raises(CannotServe, match="UNBUY_RATE_LIMIT_STORAGE") as caught:
        build_services(settings(rate_limit_storage=storage), order.system.server.client, database)

    assert localize(str(caught.value), "pl").startswith("Nie można tam liczyć żądań (")
    assert "canary" not in str(caught.value)
