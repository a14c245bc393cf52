"""Signing in on the pages at an OpenID Connect issuer, over HTTP, and whatever could be wrong with it."""

import base64
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from database.connection import Database
from demo.stage import Stage
from gateway.access import Role
from gateway.pages import sessions
from gateway.pages.sessions import Sessions
from gateway.tokens import SecretTokens
from gateway.wiring import build_sign_in, build_tokens
from i18n.sentences import localize
from runtime.settings import Settings
from runtime.temporal import CannotServe
from tests.gateway.conftest import SECRET, Town, serving, settings, token
from tests.gateway.issuer import CLIENT_ID, KEY, Claims, Key, LittleIssuer, little_issuer

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
async def shop_of(stage: Stage, issuer: LittleIssuer, **changes: Any) -> AsyncIterator[str]:
    chosen: dict[str, Any] = {
        "token_secret": None,
        "session_secret": SESSION_SECRET,
        "oidc_issuer": issuer.address,
        "oidc_client_id": CLIENT_ID,
    }
    database = await Database.open(stage.database_url)
    try:
        async with serving(stage.server.client, database, **(chosen | changes)) as address:
            issuer.redirect_uris.append(f"{address}/sign-in/back")
            yield address
    finally:
        await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(stage: Stage) -> AsyncIterator[tuple[LittleIssuer, str]]:
    async with little_issuer() as issuer, shop_of(stage, issuer) as address:
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
    assert 'href="/sign-in"' in answer.text
    assert "Traceback" not in answer.text
    given = [it for it in answer.headers.get_list("set-cookie") if not it.startswith("unbuy-kept=")]
    assert given == []


async def test_people_sign_in_at_the_issuer_and_go_on_to_where_they_were(
    shop: Shop, town: Town
) -> None:
    await town.place()
    shop.issuer.account["sub"] = town.buyer.id

    page = await shop.browser.get(f"/orders/{town.order_id}")

    assert page.status_code == 200
    assert str(page.url) == f"{shop.address}/orders/{town.order_id}"
    assert [it.status_code for it in page.history] == [303, 303, 302, 303]
    assert town.buyer.id in page.text
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


def _unsigned(claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": KEY.id})


def _signed_with_the_public_key(claims: Claims) -> str:
    """HS256 whose secret is what everybody knows."""
    known = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return by_hand(claims, known, {"alg": "HS256", "kid": KEY.id})


def by_hand(claims: Claims, secret: bytes, header: dict[str, str]) -> str:
    signing = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    parts = [
        base64.urlsafe_b64encode(json.dumps(it).encode()).rstrip(b"=") for it in (header, claims)
    ]
    signature = base64.urlsafe_b64encode(signing.sign(b".".join(parts), secret)).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


def but(**changes: Any) -> Any:
    """An ID token like the right one, but for these claims; None leaves one out."""
    return lambda claims: KEY.sign(
        {name: it for name, it in (claims | changes).items() if it is not None}
    )


@pytest.mark.parametrize(
    "sign",
    [
        but(aud="unbuy"),
        but(aud=["unbuy", "another"]),
        but(aud=None),
        but(azp="another-client"),
        but(iss="https://another.example"),
        but(iss=None),
        but(exp=int(time.time()) - 3600),
        but(exp=None),
        but(exp=1e400),
        but(nbf=int(time.time()) + 3600),
        but(sub=None),
        but(sub={"id": 7}),
        but(nonce="another"),
        but(nonce=None),
        but(nonce=["another"]),
        _unsigned,
        _signed_with_the_public_key,
        Key(id=KEY.id).sign,
        Key().sign,
        lambda claims: KEY.sign(claims)[:-8] + "AAAAAAAA",
        lambda claims: "",
        lambda claims: "no.token",
    ],
    ids=[
        *("audience", "audiences", "no audience", "client", "issuer", "no issuer"),
        *("expired", "no expiry", "infinite", "not yet", "no sub", "odd sub"),
        *("nonce", "no nonce", "odd nonce", "none", "public key", "forged", "unknown key"),
        *("altered", "empty", "rubbish"),
    ],
)
async def test_an_id_token_of_another_sign_in_is_refused(shop: Shop, sign: Any) -> None:
    shop.issuer.sign = sign

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 401, "does not count here")
    assert not await shop.is_in()


@pytest.mark.parametrize(
    "role", ["provider", "admin", "", None, ["buyer"], {"buyer": True}, "Buyer"]
)
async def test_an_account_without_a_role_is_refused_with_a_reason(shop: Shop, role: Any) -> None:
    """Case 48: the provider's among them, which would see every order."""
    shop.issuer.account["role"] = role

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 403, "ask who runs this site for a role")
    assert not await shop.is_in()


async def test_an_account_with_an_invalid_party_id_is_refused_with_a_reason(shop: Shop) -> None:
    shop.issuer.account["sub"] = "Anna Kowalska"

    must_be_refused(await shop.browser.get(await shop.begin()), 403, "ask who runs this site")


async def test_a_sign_in_begun_in_another_browser_is_refused(shop: Shop) -> None:
    """Login CSRF: the attacker's own answer of the issuer, opened in somebody's browser."""
    async with browser_at(shop.address) as attacker:
        attackers = await shop.begin(browser=attacker)

    must_be_refused(await shop.browser.get(attackers), 401, "did not begin in this browser")
    await shop.begin()
    must_be_refused(await shop.browser.get(attackers), 401, "did not begin in this browser")
    assert not await shop.is_in()


async def test_the_code_of_another_sign_in_is_refused(shop: Shop) -> None:
    """PKCE: a code that was caught on its way, put behind the state of one's own sign-in."""
    async with browser_at(shop.address) as victim:
        caught = parse_qs(urlsplit(await shop.begin(browser=victim)).query)["code"][0]
    own = httpx.URL(await shop.begin())

    answer = await shop.browser.get(own.copy_set_param("code", caught))

    must_be_refused(answer, 401, "does not take this sign-in")
    assert not await shop.is_in()


@pytest.mark.parametrize("state", ["", "x", "żółw", "\x00"])
async def test_a_wrong_state_ends_the_sign_in(shop: Shop, state: str) -> None:
    back = httpx.URL(await shop.begin())

    wrong = await shop.browser.get(back.copy_set_param("state", state))
    right = await shop.browser.get(back)

    must_be_refused(wrong, 401, "did not begin in this browser")
    must_be_refused(right, 401, "did not begin in this browser")


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?error=access_denied", "?code=%FF"])
async def test_a_callback_without_a_sign_in_is_told_to_sign_in(shop: Shop, query: str) -> None:
    answer = await shop.browser.get(f"/sign-in/back{query}")

    must_be_refused(answer, 401, "did not begin in this browser")


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

    must_be_refused(again, 401, "did not begin in this browser")
    must_be_refused(with_cookie, 401, "does not take this sign-in")
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
        must_be_refused(await shop.browser.get(back), 401, "did not begin in this browser")


def test_a_sign_in_that_takes_too_long_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "KEPT_FOR", -HOUR)
    kept = Sessions(SECRET, secure=False)
    response = Response()
    kept.remember(response, {"state": "s"})
    cookie = response.headers["set-cookie"].partition(";")[0]

    later = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})

    assert kept.remembered(later) is None


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("access_denied", 401, "called off, or refused there"),
        ("login_required", 503, "does not answer as it should"),
        ("<script>alert(1)</script>", 503, "does not answer as it should"),
    ],
)
async def test_an_error_of_the_issuer_is_explained_in_our_words(
    shop: Shop, error: str, status: int, sentence: str
) -> None:
    """Anybody could write the issuer's into an address."""
    shop.issuer.says_no = error

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, status, sentence)
    assert "900" not in answer.text
    assert "alert(" not in answer.text


@pytest.mark.parametrize(
    "fails",
    [
        lambda: PlainTextResponse("Bad gateway", 502),
        lambda: PlainTextResponse("<html>", 200),
        lambda: JSONResponse([], 200),
        lambda: JSONResponse({"error": ["odd"]}, 400),
        lambda: JSONResponse({"error": "server_error"}, 400),
        lambda: JSONResponse({"access_token": "x", "token_type": "Bearer"}),
        lambda: JSONResponse({"id_token": {"odd": True}}),
        lambda: RedirectResponse("http://127.0.0.1:1/"),
    ],
)
async def test_a_malformed_answer_of_the_issuer_counts_as_unavailable(
    shop: Shop, fails: Any
) -> None:
    shop.issuer.fails = fails

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 503, "does not answer as it should")
    assert not await shop.is_in()


async def test_an_unreachable_issuer_is_reported_as_unavailable(shop: Shop, stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = LittleIssuer(f"http://127.0.0.1:{closed.getsockname()[1]}")
    impostor = LittleIssuer(f"{shop.issuer.address}/")
    for issuer in (nobody, impostor):
        async with shop_of(stage, issuer) as address, browser_at(address) as browser:
            answer = await browser.get("/")

        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "cannot be asked for its keys" in answer.text


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
        "",
    ],
)
async def test_signing_in_redirects_to_our_own_pages_only(shop: Shop, to: str) -> None:
    """No open redirect, no circle."""
    answer = await shop.browser.get(await shop.begin(to), follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


async def test_with_an_issuer_pages_accept_no_pasted_token(shop: Shop) -> None:
    """Neither one signed with the secret of sessions, nor one for the API."""
    own = SecretTokens(SESSION_SECRET).issue(Role.BUYER, "anna-7", HOUR)
    now = int(time.time())
    api = KEY.sign(
        {"iss": shop.issuer.address, "aud": "unbuy", "exp": now + 60, "sub": "a", "role": "buyer"}
    )
    for given in (own, api, token("buyer", "anna-7")):
        linked = await shop.browser.get("/sign-in", params={"token": given})
        posted = await shop.browser.post("/sign-in", data={"token": given})

        assert (linked.status_code, posted.status_code) == (404, 404)
        assert not await shop.is_in()
    asked = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {own}"})
    assert asked.status_code == 401
    asked = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {api}"})
    assert asked.status_code == 200


async def test_the_api_refuses_an_id_token(shop: Shop) -> None:
    claims = {"iss": shop.issuer.address, "aud": CLIENT_ID, "exp": int(time.time()) + 60}
    given = KEY.sign(claims | shop.issuer.account)

    answer = await shop.browser.get("/v1/orders", headers={"Authorization": f"Bearer {given}"})

    assert answer.status_code == 401


async def test_a_rotated_key_is_accepted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are fetched anew when one is unknown, at most every half minute: here one has gone by."""
    async with (
        little_issuer() as issuer,
        shop_of(stage, issuer) as address,
        browser_at(address) as browser,
    ):
        shop = Shop(issuer, address, browser)
        await browser.get(await shop.begin())
        assert await shop.is_in()
        browser.cookies.clear()
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 31)
        monkeypatch.setattr("gateway.issuer.time", later)
        issuer.key = Key()

        await browser.get(await shop.begin())
        assert await shop.is_in()

        browser.cookies.clear()
        issuer.sign = KEY.sign
        must_be_refused(await browser.get(await shop.begin()), 401, "does not count here")


async def test_a_confidential_client_sends_its_secret(stage: Stage) -> None:
    secret = "s:ę%+ &cret"
    async with little_issuer() as issuer:
        issuer.secret = secret
        for given, status in ((secret, 200), ("another", 503)):
            async with (
                shop_of(stage, issuer, oidc_client_secret=SecretStr(given)) as address,
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
    assert not await shop.is_in()


async def test_a_request_for_a_missing_page_does_not_disturb_a_sign_in(
    shop: Shop, town: Town
) -> None:
    """Scripts, pictures and forms of an old page get 401, and the sign-in in the next tab goes on."""
    back = await shop.begin()
    order = f"/orders/{town.order_id}"

    by_script = await shop.browser.get(f"{order}/changes", headers={"Sec-Fetch-Mode": "cors"})
    by_form = await shop.browser.post(f"{order}/buyer-message", data={"text": "Hello"})
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
    assert 'href="/sign-in"' in answer.text


async def test_sign_in_errors_are_in_polish_too(shop: Shop) -> None:
    shop.issuer.says_no = "access_denied"
    shop.browser.headers["Accept-Language"] = "pl"

    answer = await shop.browser.get(await shop.begin())

    must_be_refused(answer, 401, "Logowanie nie doszło do skutku")


COMPLETE: dict[str, Any] = {
    "token_secret": None,
    "oidc_issuer": "https://login.example.org",
    "oidc_client_id": CLIENT_ID,
    "session_secret": SESSION_SECRET,
    "public_url": "https://shop.example.org",
}


@pytest.mark.parametrize("missing", ["oidc_client_id", "session_secret", "public_url"])
def test_a_missing_sign_in_setting_is_reported_at_startup(missing: str) -> None:
    """A secret for local tokens does not stand in for the one of sessions."""
    chosen = settings(**COMPLETE | {missing: None, "token_secret": SECRET})

    with pytest.raises(CannotServe, match=rf"set .*UNBUY_{missing.upper()} to") as caught:
        build_sign_in(chosen, build_tokens(chosen))

    assert f"UNBUY_{missing.upper()} na" in localize(str(caught.value), "pl")


def test_pages_without_tls_are_refused_beyond_this_machine() -> None:
    for address in ("https://shop.example.org", "http://127.0.0.1:8080", "http://localhost"):
        chosen = settings(**COMPLETE | {"public_url": address})
        build_sign_in(chosen, build_tokens(chosen))

    chosen = settings(**COMPLETE | {"public_url": "http://shop.example.org"})
    with pytest.raises(CannotServe, match="must begin with https://") as caught:
        build_sign_in(chosen, build_tokens(chosen))

    assert "musi zaczynać się od https://" in localize(str(caught.value), "pl")


@pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "ftp://a"])
def test_an_issuer_without_tls_is_refused_beyond_this_machine(issuer: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https://"):
        Settings(oidc_issuer=issuer)


def test_the_client_secret_is_never_shown() -> None:
    """Case 54."""
    chosen = settings(**COMPLETE, oidc_client_secret=SecretStr("canary"))

    assert "canary" not in f"{chosen!r} {chosen} {chosen.model_dump_json()}"
