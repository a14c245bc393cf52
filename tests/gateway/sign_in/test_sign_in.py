"""Signing in on the pages at an OpenID Connect issuer, over HTTP."""

import base64
import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from database.connection import Database
from database.sessions import SqlSessions
from demo.system import DemoSystem
from gateway.access import Role
from gateway.pages import sessions
from gateway.pages.sessions import Sessions
from gateway.tokens import SecretTokens
from tests.gateway.conftest import SECRET, HttpStory
from tests.gateway.sign_in.conftest import (
    HOUR,
    SESSION_SECRET,
    Shop,
    browser_at,
    must_be_refused,
    shop_of,
)
from tests.gateway.sign_in_issuer import little_issuer


async def test_people_sign_in_at_the_issuer_and_go_on_to_where_they_were(
    shop: Shop, order: HttpStory
) -> None:
    await order.place()
    shop.issuer.account["sub"] = order.buyer.id

    page = await shop.browser.get(f"/orders/{order.order_id}")

    assert page.status_code == 200
    assert str(page.url) == f"{shop.address}/orders/{order.order_id}"
    assert [it.status_code for it in page.history] == [303, 303, 302, 303]
    assert order.buyer.id in page.text
    assert "unbuy-kept" not in shop.browser.cookies


async def test_each_sign_in_has_a_state_a_nonce_and_a_challenge_of_its_own(shop: Shop) -> None:
    for _ in range(2):
        await shop.begin()

    one, other = shop.issuer.asked
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name]) >= 43
        assert one[name] != other[name]
    assert one["redirect_uri"] == f"{shop.address}/sign-in/back"


async def test_a_session_outlasts_its_id_token(shop: Shop) -> None:
    """It counts for a minute; who works here stays for half a day."""
    answer = await shop.browser.get(await shop.begin(), follow_redirects=False)

    [cookie] = [it for it in answer.headers.get_list("set-cookie") if it.startswith("unbuy=")]
    assert re.search(r"Max-Age=(\d+)", cookie)[1] in ("43199", "43200")  # type: ignore[index]


async def test_a_sign_in_begun_in_another_browser_is_refused(shop: Shop) -> None:
    """Login CSRF: the attacker's own answer of the issuer, opened in somebody's browser."""
    async with browser_at(shop.address) as attacker:
        attackers = await shop.begin(browser=attacker)

    must_be_refused(await shop.browser.get(attackers), 401, "was not started in this browser")
    await shop.begin()
    must_be_refused(await shop.browser.get(attackers), 401, "was not started in this browser")
    assert not await shop.is_in()


async def test_the_code_of_another_sign_in_is_refused(shop: Shop) -> None:
    """PKCE: a code that was caught on its way, put behind the state of one's own sign-in."""
    async with browser_at(shop.address) as victim:
        caught = parse_qs(urlsplit(await shop.begin(browser=victim)).query)["code"][0]
    own = httpx.URL(await shop.begin())

    answer = await shop.browser.get(own.copy_set_param("code", caught))

    must_be_refused(answer, 401, "did not accept this sign-in")
    assert not await shop.is_in()


@pytest.mark.parametrize("state", ["", "x", "żółw", "\x00"])
async def test_a_wrong_state_ends_the_sign_in(shop: Shop, state: str) -> None:
    back = httpx.URL(await shop.begin())

    wrong = await shop.browser.get(back.copy_set_param("state", state))
    right = await shop.browser.get(back)

    must_be_refused(wrong, 401, "was not started in this browser")
    must_be_refused(right, 401, "was not started in this browser")


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?error=access_denied", "?code=%FF"])
async def test_a_callback_without_a_sign_in_is_told_to_sign_in(shop: Shop, query: str) -> None:
    answer = await shop.browser.get(f"/sign-in/back{query}")

    must_be_refused(answer, 401, "was not started in this browser")


async def test_a_repeated_callback_signs_in_once(shop: Shop) -> None:
    """Neither with the address alone, nor with a cookie that somebody has kept, too."""
    back = await shop.begin()
    kept = dict(shop.browser.cookies)
    await shop.browser.get(back)
    assert await shop.is_in()

    shop.browser.cookies.clear()
    again = await shop.browser.get(back)
    shop.browser.cookies.update(kept)
    with_cookie = await shop.browser.get(back)

    must_be_refused(again, 401, "was not started in this browser")
    must_be_refused(with_cookie, 401, "did not accept this sign-in")
    assert not await shop.is_in()


async def test_an_altered_sign_in_cookie_is_refused(shop: Shop) -> None:
    back = await shop.begin()
    kept = shop.browser.cookies["unbuy-kept"]
    header, payload, signature = kept.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["kept"]["to"] = "//elsewhere.example"
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    for cookie in (
        f"{header}.{altered}.{signature}",
        SecretTokens(SESSION_SECRET).issue(Role.BUYER, "anna-7", HOUR),
        "rubbish",
    ):
        shop.browser.cookies.clear()
        shop.browser.cookies.set("unbuy-kept", cookie)
        must_be_refused(await shop.browser.get(back), 401, "was not started in this browser")


def test_a_sign_in_that_takes_too_long_expires(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(sessions, "KEPT_FOR", -HOUR)
    kept = Sessions(SECRET, SqlSessions(database), secure=False)
    response = Response()
    kept.remember(response, {"state": "s"})
    cookie = response.headers["set-cookie"].partition(";")[0]

    later = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})

    assert kept.remembered(later) is None


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/\t/elsewhere.example",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "orders",
        "/sign-in",
        "/sign-in/back?state=x",
        "/" + "a" * 3000,
        "/" + "ą" * 900,
        "",
    ],
)
async def test_signing_in_redirects_to_our_own_pages_only(shop: Shop, to: str) -> None:
    """No open redirect, no circle."""
    answer = await shop.browser.get(await shop.begin(to), follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


async def test_the_issuer_is_asked_for_the_scopes_of_the_settings(system: DemoSystem) -> None:
    """Case 95."""
    async with (
        little_issuer() as issuer,
        shop_of(system, issuer, oidc_scopes="openid roles offline_access") as address,
        browser_at(address) as browser,
    ):
        assert (await browser.get("/")).status_code == 200

    assert issuer.asked[0]["scope"] == "openid roles offline_access"


async def test_a_confidential_client_sends_its_secret(system: DemoSystem) -> None:
    secret = "s:ę%+ &cret"
    async with little_issuer() as issuer:
        issuer.secret = secret
        for given, status in ((secret, 200), ("another", 503)):
            async with (
                shop_of(system, issuer, oidc_client_secret=SecretStr(given)) as address,
                browser_at(address) as browser,
            ):
                assert (await browser.get("/")).status_code == status


async def test_signing_out_does_not_sign_in_again_at_once(shop: Shop) -> None:
    page = await shop.browser.get("/")
    form_secret = re.search(r'name="form_secret" value="(\w+)"', page.text)
    assert form_secret

    answer = await shop.browser.post("/sign-out", data={"form_secret": form_secret[1]})

    assert answer.url.path == "/signed-out"
    assert "Signed out" in answer.text
    assert "sign out there as well" in answer.text
    assert not await shop.is_in()


async def test_a_request_for_a_missing_page_does_not_disturb_a_sign_in(
    shop: Shop, order: HttpStory
) -> None:
    """Scripts, pictures and forms of an old page get 401, and the sign-in in the next tab goes on."""
    back = await shop.begin()
    path = f"/orders/{order.order_id}"

    by_script = await shop.browser.get(f"{path}/changes", headers={"Sec-Fetch-Mode": "cors"})
    by_form = await shop.browser.post(f"{path}/buyer-message", data={"text": "Hello"})
    signed_in = await shop.browser.get(back)

    must_be_refused(by_script, 401, "Your session has expired. Please sign in again.")
    must_be_refused(by_form, 401, "Your session has expired. Please sign in again.")
    assert signed_in.status_code == 200


@pytest.mark.parametrize(
    ("path", "entered"),
    [
        ("/language", {"locale": "pl", "to": "/orders/A-1"}),
        ("/language", {"locale": "pl", "to": "/"}),
        ("/sign-out", {}),
        ("/orders/A-1/buyer-message", {"text": "Hello"}),
    ],
)
async def test_a_form_is_never_answered_with_a_redirect_to_the_issuer(
    shop: Shop, path: str, entered: dict[str, str]
) -> None:
    """Chromium would show nothing at all (CSP ``form-action``): seen on a page whose session was over."""
    answer = await shop.browser.post(path, data=entered)

    for step in (*answer.history, answer):
        assert str(step.url).startswith(f"{shop.address}/")
    assert 'href="/sign-in' in answer.text


async def test_sign_in_errors_are_in_polish_too(shop: Shop) -> None:
    shop.issuer.says_no = "access_denied"
    shop.browser.headers["Accept-Language"] = "pl"

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 401, "Logowanie nie doszło do skutku")
