"""Pages where people sign in at an issuer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
from pydantic import SecretStr

from database.connection import Database
from demo.system import DemoSystem
from tests.gateway.conftest import serving
from tests.gateway.sign_in_issuer import CLIENT_ID, LittleIssuer, little_issuer

SESSION_SECRET = SecretStr("another secret of this test run, for sessions")
HOUR = timedelta(hours=1)


@dataclass
class Shop:
    """Pages where people sign in at the issuer, and somebody's browser."""

    issuer: LittleIssuer
    address: str
    browser: httpx.AsyncClient

    async def begin(self, to: str = "/", browser: httpx.AsyncClient | None = None) -> str:
        """Begin to sign in; the address at which the issuer sends them back."""
        browser = browser or self.browser
        there = await browser.get("/sign-in", params={"to": to}, follow_redirects=False)
        assert there.status_code == 303, there.text
        back = await browser.get(there.headers["location"], follow_redirects=False)
        return str(back.headers["location"])

    async def is_in(self) -> bool:
        """Whether the browser is signed in."""
        return (await self.browser.get("/", follow_redirects=False)).status_code == 200


@asynccontextmanager
async def shop_of(system: DemoSystem, issuer: LittleIssuer, **changes: Any) -> AsyncIterator[str]:
    chosen: dict[str, Any] = {
        "token_secret": None,
        "session_secret": SESSION_SECRET,
        "oidc_issuer": issuer.address,
        "oidc_client_id": CLIENT_ID,
    }
    database = await Database.open(system.database_url)
    try:
        async with serving(system.server.client, database, **(chosen | changes)) as address:
            issuer.redirect_uris.append(f"{address}/sign-in/back")
            yield address
    finally:
        await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(system: DemoSystem) -> AsyncIterator[tuple[LittleIssuer, str]]:
    async with little_issuer() as issuer, shop_of(system, issuer) as address:
        yield issuer, address


@pytest_asyncio.fixture(loop_scope="session")
async def shop(served: tuple[LittleIssuer, str]) -> AsyncIterator[Shop]:
    issuer, address = served
    issuer.reset()
    async with browser_at(address) as browser:
        yield Shop(issuer, address, browser)


def browser_at(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, follow_redirects=True, timeout=20, verify=False)


def must_be_refused(answer: httpx.Response, status: int, sentence: str) -> None:
    """A page with a sentence and a way on, that signs nobody in and gives nothing away."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert sentence in answer.text
    assert 'href="/sign-in' in answer.text
    assert "Traceback" not in answer.text
    given = [it for it in answer.headers.get_list("set-cookie") if not it.startswith("unbuy-kept=")]
    assert given == []
