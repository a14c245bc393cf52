"""The issuer is asked again about those who are signed in: what it takes away counts within minutes."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from starlette.responses import PlainTextResponse

from database.connection import Database
from database.tables import sessions as table
from demo.system import DemoSystem
from gateway.pages import sessions
from tests.gateway.sign_in.conftest import Shop


@pytest_asyncio.fixture(loop_scope="session")
async def stored(system: DemoSystem) -> AsyncIterator[Database]:
    """The database of the shop."""
    opened = await Database.open(system.database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def inside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Somebody is signed in, at a gateway that looks at each session anew."""
    monkeypatch.setattr(sessions, "REMEMBERED", timedelta(0))
    await shop.browser.get(await shop.begin())
    assert await shop.is_in()
    return shop


async def minutes_go_by(stored: Database) -> None:
    """So long that the issuer must be asked again."""
    earlier = datetime.now(UTC) - sessions.CHECK_EVERY - timedelta(seconds=1)
    async with stored.writing() as connection:
        await connection.execute(update(table).values(checked_at=earlier))


async def test_an_account_that_stays_as_it_is_stays_signed_in(
    inside: Shop, stored: Database
) -> None:
    """Each refresh token counts once, and the next one is asked with."""
    for number in (1, 2, 3):
        await minutes_go_by(stored)
        assert await inside.is_in()
        assert inside.issuer.refreshed == number
        assert await inside.is_in()
        assert inside.issuer.refreshed == number


@pytest.mark.parametrize(
    "account", [{"role": None}, {"role": "seller"}, {"role": "provider"}, {"sub": "ben-2"}]
)
async def test_a_role_that_the_issuer_takes_away_counts_no_more(
    inside: Shop, stored: Database, account: dict[str, str | None]
) -> None:
    """Case 77: within five minutes; also for a form that is open."""
    inside.issuer.account |= account
    await minutes_go_by(stored)

    answer = await inside.browser.post("/orders/A-1/buyer-message", data={"text": "Hello"})

    assert answer.status_code == 401
    assert not await inside.is_in()


async def test_an_account_that_the_issuer_locks_out_is_signed_out(
    inside: Shop, stored: Database
) -> None:
    """Case 77: for good, whatever it says later."""
    inside.issuer.has_locked_out = True
    await minutes_go_by(stored)

    assert not await inside.is_in()
    inside.issuer.has_locked_out = False
    assert not await inside.is_in()


async def test_a_session_goes_on_while_the_issuer_is_away(inside: Shop, stored: Database) -> None:
    inside.issuer.fails = lambda: PlainTextResponse("Bad gateway", 502)
    await minutes_go_by(stored)
    assert await inside.is_in()

    inside.issuer.fails = None
    inside.issuer.account["role"] = None
    await minutes_go_by(stored)
    assert not await inside.is_in()


async def test_requests_at_once_ask_the_issuer_once(inside: Shop, stored: Database) -> None:
    """A refresh token that is used twice may end all of an account's sessions."""
    await minutes_go_by(stored)

    answers = await asyncio.gather(*(inside.browser.get("/") for _ in range(8)))

    assert [it.status_code for it in answers] == [200] * 8
    assert not any(it.history for it in answers)
    assert inside.issuer.refreshed == 1


async def test_a_session_that_cannot_be_checked_is_short(shop: Shop) -> None:
    """Case 77: the issuer signs in again whoever may, without asking them."""
    shop.issuer.gives_refresh_tokens = False

    answer = await shop.browser.get(await shop.begin(), follow_redirects=False)

    [cookie] = [it for it in answer.headers.get_list("set-cookie") if it.startswith("unbuy=")]
    assert re.search(r"Max-Age=(\d+)", cookie)[1] in ("899", "900")  # type: ignore[index]


async def test_a_session_ends_where_the_issuer_says_nothing_of_the_account(
    inside: Shop, stored: Database
) -> None:
    inside.issuer.refreshes_id_tokens = False
    await minutes_go_by(stored)

    assert not await inside.is_in()


async def test_refresh_tokens_are_encrypted_in_the_database(inside: Shop, stored: Database) -> None:
    """Case 54: whoever has one is the account."""
    async with stored.reading() as connection:
        found = (await connection.execute(select(table.c.refresh_token))).scalars().all()

    assert any(found)
    for given in inside.issuer._refresh_tokens:
        assert not any(given in (it or "") for it in found)
