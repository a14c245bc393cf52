"""How strongly, and how recently, support must have signed in at the issuer (ASVS 6.8.4)."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from demo.system import DemoSystem
from tests.gateway.sign_in.conftest import Shop, browser_at, must_be_refused, shop_of
from tests.gateway.sign_in_issuer import LittleIssuer, little_issuer

STRONG = "urn:example:two-factors"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(system: DemoSystem) -> AsyncIterator[tuple[LittleIssuer, str]]:
    asked = {"oidc_support_acr": f"{STRONG},phrh", "oidc_support_max_age": "PT15M"}
    async with little_issuer() as issuer, shop_of(system, issuer, **asked) as address:
        yield issuer, address


@pytest_asyncio.fixture(loop_scope="session")
async def desk(strict: tuple[LittleIssuer, str]) -> AsyncIterator[Shop]:
    """Where support signs in."""
    issuer, address = strict
    issuer.reset()
    issuer.account["role"] = "support"
    async with browser_at(address) as browser:
        yield Shop(issuer, address, browser)


def said(acr: object = STRONG, seconds_ago: float = 0) -> dict[str, Any]:
    return {"acr": acr, "auth_time": int(time.time() - seconds_ago)}


@pytest.mark.parametrize(("acr", "seconds_ago"), [(STRONG, 0), ("phrh", 890)])
async def test_support_that_has_signed_in_so_is_signed_in(
    desk: Shop, acr: str, seconds_ago: int
) -> None:
    desk.issuer.account |= said(acr, seconds_ago)

    await desk.browser.get(await desk.begin())

    assert await desk.is_in()
    assert len(desk.issuer.asked) == 1


WEAK = [{}, said("pwd"), said(None), said([STRONG]), said(seconds_ago=960), {"acr": STRONG}]
WEAK += [{"acr": STRONG, "auth_time": it} for it in ("now", None, -1e300)]


@pytest.mark.parametrize("account", WEAK)
async def test_support_is_asked_to_sign_in_more_strongly_once(
    desk: Shop, account: dict[str, Any]
) -> None:
    """The issuer is asked for it; if it then says so nobody is in need of more, else nobody is signed in."""
    desk.issuer.account |= account
    refused = await desk.browser.get(await desk.begin())
    must_be_refused(refused, 403, "more strongly or anew")
    assert not await desk.is_in()
    assert len(desk.issuer.asked) == 2

    desk.issuer.stepped_up = said()
    await desk.browser.get(await desk.begin())

    assert await desk.is_in()
    first, again = desk.issuer.asked[-2:]
    assert "acr_values" not in first
    assert (again["acr_values"], again["max_age"]) == (f"{STRONG} phrh", "900")
    assert again["state"] != first["state"]


async def test_buyers_sign_in_as_they_like(desk: Shop) -> None:
    desk.issuer.account["role"] = "buyer"

    await desk.browser.get(await desk.begin())

    assert await desk.is_in()
    assert len(desk.issuer.asked) == 1
