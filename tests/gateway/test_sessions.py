"""Who is signed in on the pages, and that nothing is done in their name (CSRF)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import jwt
import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from database.connection import Database
from database.sessions import SqlSessions
from demo.system import DemoSystem
from demo.waiting import until
from gateway import order_stream
from gateway.access import Caller, Role
from gateway.pages import done, sessions
from gateway.pages.forms import FORMS
from gateway.pages.session_pages import browser_of
from gateway.pages.sessions import LONGEST, Sessions
from gateway.wiring import build_pages, build_services
from testing.pictures import PHOTO
from tests.gateway.browsing import HOSTILE, Browser, browser_at, enter, everybody, sign_in
from tests.gateway.conftest import SECRET, HttpStory, serving, settings, token

HOUR = timedelta(hours=1)
BEFORE_SESSIONS = {"/sign-in", "/language", "/reminders/off"}
"""Forms that need no session: signing in has a secret of its own, a language harms nobody, and a mail's link
that turns reminders off is signed.
"""


async def began(
    database: Database, secure: bool = False, until: timedelta = 2 * HOUR
) -> tuple[Sessions, str]:
    """Somebody's sign-in, and the cookie as it is set."""
    signed_in, response = Sessions(SECRET, SqlSessions(database), secure=secure), Response()
    await signed_in.begin(response, Caller("anna", Role.BUYER, datetime.now(UTC) + until))
    return signed_in, response.headers["set-cookie"]


def asking(cookie: str) -> Request:
    headers = [(b"cookie", cookie.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


async def test_the_cookie_is_same_site_and_http_only(database: Database) -> None:
    _, cookie = await began(database)

    assert re.fullmatch(
        r"unbuy=[\w.-]+; HttpOnly; Max-Age=(7200|7199); Path=/; SameSite=lax", cookie
    )


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(database: Database) -> None:
    """``__Host-``: browsers take it from this host over HTTPS only, whatever a neighbour sets."""
    signed_in, cookie = await began(database, secure=True)
    kept = Response()
    signed_in.remember(kept, {"state": "s"})

    for it, name in ((cookie, "__Host-unbuy="), (kept.headers["set-cookie"], "__Host-unbuy-kept=")):
        assert it.startswith(name)
        flags = it.split("; ")[1:]
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(flags)
        assert "Domain" not in it
    assert await signed_in.of(asking(cookie.partition(";")[0])) is not None
    assert await signed_in.of(asking(cookie.partition(";")[0].removeprefix("__Host-"))) is None


async def test_over_https_the_other_cookies_are_bound_to_the_host_too(
    order: HttpStory, database: Database
) -> None:
    """Language and time zone: a neighbour of this host sets neither (ASVS 3.3.3)."""
    serve = serving(order.system.server.client, database, public_url="https://shop.example")
    async with serve as address, browser_at(address) as http:
        chosen = await http.post("/language", data={"locale": "pl", "to": "/sign-in"})
        assert chosen.headers["set-cookie"].startswith("__Host-unbuy-lang=pl;")
        assert "; Secure" in chosen.headers["set-cookie"]
        for name, language in (("unbuy-lang", "en"), ("__Host-unbuy-lang", "pl")):
            page = await http.get("/help", headers={"Cookie": f"{name}=pl"})
            assert page.headers["content-language"] == language
            assert "<body data-secure>" in page.text


async def test_no_neighbour_decides_what_was_done(database: Database) -> None:
    """Over HTTPS its cookie is bound to the host, too; what is in one is no error, whatever it is."""
    signed_in, cookie = await began(database, secure=True)
    session = await signed_in.of(asking(cookie.partition(";")[0]))
    assert session
    said, ended = Response(), Response()

    done.remember(said, session, "/orders/A-1", "cancel_request", secure=True)
    done.forget(ended, secure=True)

    given = said.headers["set-cookie"].partition(";")[0]
    for it in (said, ended):
        assert it.headers["set-cookie"].startswith("__Host-unbuy-done=")
        assert "; Secure" in it.headers["set-cookie"]
    for sent, name in (
        (given, "cancel_request"),
        (given.removeprefix("__Host-"), ""),
        ("__Host-unbuy-done=cancel_request.\xe9", ""),
        ("__Host-unbuy-done=\xe9", ""),
    ):
        assert done.remembered(asking(sent), session, "/orders/A-1", secure=True) == name


async def test_a_session_ends_with_its_token_and_after_half_a_day_at_the_latest(
    database: Database,
) -> None:
    for valid_until, lasts in ((HOUR, HOUR), (timedelta(days=30), LONGEST)):
        signed_in, cookie = await began(database, until=valid_until)
        session = await signed_in.of(asking(cookie.partition(";")[0]))

        assert session
        assert abs(session.caller.expires_at - datetime.now(UTC) - lasts) < timedelta(minutes=1)


async def test_a_secret_is_replaced_without_signing_anybody_out(database: Database) -> None:
    """The one before is a fallback: for cookies, open forms, sign-ins under way; without it, for nothing."""
    before, cookie = await began(database)
    asked, kept = asking(cookie.partition(";")[0]), Response()
    before.remember(kept, {"state": "s"})
    known = await before.of(asked)
    new = SecretStr("the next secret of this test run, as long")
    both = Sessions(new, SqlSessions(database), secure=False, fallback=SECRET)
    alone = Sessions(new, SqlSessions(database), secure=False)
    fresh = Response()
    await both.begin(fresh, Caller("anna", Role.BUYER, datetime.now(UTC) + HOUR))

    assert known is not None
    assert await both.of(asked) == known
    assert both.remembered(asking(kept.headers["set-cookie"].partition(";")[0])) == {"state": "s"}
    # What asks the issuer is sealed by the session's secret as well.
    assert both._opened(before._sealed("refresh", "anna-1"), "anna-1") == "refresh"
    assert await alone.of(asked) is None
    begun = asking(fresh.headers["set-cookie"].partition(";")[0])
    assert await alone.of(begun)
    assert await before.of(begun) is None


async def test_an_expired_session_is_invalid_even_if_its_cookie_stays(database: Database) -> None:
    signed_in, cookie = await began(database, until=-timedelta(seconds=1))

    assert await signed_in.of(asking(cookie.partition(";")[0])) is None


async def test_each_session_has_its_own_csrf_token(database: Database) -> None:
    found = set()
    for _ in range(2):
        signed_in, cookie = await began(database)
        session = await signed_in.of(asking(cookie.partition(";")[0]))
        assert session
        assert len(session.form_secret) == 64
        found.add(session.form_secret)

    assert len(found) == 2


def _elsewhere(database: Database) -> Sessions:
    secret = SecretStr("another secret, of another place")
    return Sessions(secret, SqlSessions(database), secure=False)


async def test_only_a_signed_session_is_valid(database: Database) -> None:
    signed_in, cookie = await began(database)
    value = cookie.partition(";")[0].partition("=")[2]
    header, payload, signature = value.split(".")
    claims = jwt.decode(value, options={"verify_signature": False})
    other, kept = _elsewhere(database), Response()
    theirs = Response()
    await other.begin(theirs, Caller("anna", Role.BUYER, datetime.now(UTC) + HOUR))
    signed_in.remember(kept, {"sub": "anna", "role": "support"})

    assert await signed_in.of(asking(f"unbuy={value}"))
    for wrong in (
        jwt.encode(claims | {"role": "support"}, SECRET.get_secret_value(), algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        f"{header}.{payload}.",
        f"{header}.{payload[:-2]}AA.{signature}",
        theirs.headers["set-cookie"].partition(";")[0].partition("=")[2],
        kept.headers["set-cookie"].partition(";")[0].partition("=")[2],
        token("support", "anna"),
        "a.b.c",
        "żółw",
        "[" * 3000,
        "",
    ):
        assert await signed_in.of(asking(f"unbuy={wrong}".encode().decode("latin-1"))) is None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def playground(
    system: DemoSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Pages with all their routes: test payments and the clock, too."""
    database = await Database.open(system.database_url)
    proofs = str(tmp_path_factory.mktemp("proofs"))
    try:
        async with serving(
            system.server.client, database, playground=True, proof_store=proofs
        ) as address:
            yield address
    finally:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def people(playground: str, order: HttpStory) -> AsyncIterator[dict[str, Browser]]:
    """Buyer, seller and support, each with a browser."""
    async with everybody(playground, order) as people:
        yield people


async def paths(system: DemoSystem, directory: Path, order_id: str, method: str) -> list[str]:
    """Every address of the pages that takes this method."""
    database = await Database.open(system.database_url)
    try:
        chosen = settings(playground=True, proof_store=str(directory))
        works = build_services(chosen, system.server.client, database)
        routes = build_pages(chosen, works, system.server.client, database).routes()
    finally:
        await database.close()
    messages = [name.replace("_", "-") for name in FORMS]
    return [
        it.path.format(
            order_id=order_id,
            payment_id="pay-1",
            sha256="0" * 64,
            message=message,
            slug="not-found",
            reader="buyer",
        )
        for it in routes
        if isinstance(it, Route) and method in (it.methods or ())
        for message in (messages if "{message}" in it.path else [""])
    ]


async def listed(order: HttpStory) -> tuple[object, ...]:
    """An order, as lists have it, too; everything about it."""
    await order.place()
    return await until(lambda: everything(order), lambda seen: seen[1])


async def everything(order: HttpStory) -> tuple[object, ...]:
    """What a form could have changed."""
    orders = (await order.buyer.get("/v1/orders")).json()["orders"]
    return (await order.support.get(order.path)).json(), len(orders)


ENTERED = {
    **{"reason": "changed_mind", "decision": "accept", "number": "RR123456785PL", "text": "Hello"},
    **{"topic": "other", "accepted": "yes", "days": "5", "money": "1.00", "confirmed": "yes"},
    **{"offer_id": "1", "refund_id": "1", "status": "failed", "skip": "day", "kind": "photo"},
}
"""What would make each form count."""


async def test_a_form_without_its_csrf_token_is_refused(
    people: dict[str, Browser], order: HttpStory, system: DemoSystem, tmp_path: Path
) -> None:
    """Every address that takes a form: uploads, test payments and signing out, too."""
    before = await listed(order)
    posts = set(await paths(system, tmp_path, order.order_id, "POST")) - BEFORE_SESSIONS
    assert len(posts) == 2 * len(FORMS) + 10
    wrong: list[dict[str, str]] = [
        {},
        {"form_secret": people["seller"].form_secret},
        {"form_secret": "żółw"},
    ]

    page = f"/orders/{order.order_id}"
    uploads = {f"{page}/shipment-proof", f"{page}/dispute-evidence"}
    for number, path in enumerate(posts - uploads):
        for secret in (wrong[0], wrong[1 + number % 2]):
            answer = await people["buyer"].http.post(path, data=ENTERED | secret)
            assert answer.status_code == 403, (path, answer.text)
            assert "another session" in answer.text

    assert await everything(order) == before
    for person in people.values():
        assert (await person.http.get("/")).status_code == 200
    told = await people["buyer"].post(f"/orders/{order.order_id}/buyer-message", **ENTERED)
    assert told.status_code == 303
    assert await everything(order) != before


async def test_an_upload_without_its_csrf_token_is_refused(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """The secret comes before the file, and never in an address, which proxies log."""
    await order.place(policy={"payment_review": "PT1S"})
    await order.pay()
    before = await order.until("awaiting_shipment")
    page = f"/orders/{order.order_id}"
    seller = people["seller"]
    ours, kind = {"form_secret": seller.form_secret}, {"kind": "photo"}
    photo = {"file": ("x.jpg", PHOTO)}
    theirs = {"form_secret": people["buyer"].form_secret}

    for secret in ({}, theirs, {"form_secret": "żółw"}):
        refused = await seller.http.post(f"{page}/shipment-proof", files=photo, data=secret | kind)
        assert refused.status_code == 403
        assert "another session" in refused.text
    for late in (
        await seller.http.post(f"{page}/shipment-proof", params=ours, files=photo, data=kind),
        await seller.http.post(
            f"{page}/shipment-proof",
            files=[*photo.items(), ("form_secret", (None, seller.form_secret))],
        ),
    ):
        assert late.status_code == 403
    assert (await order.support.get(order.path)).json() == before
    taken = await seller.http.post(f"{page}/shipment-proof", files=photo, data=ours | kind)
    assert taken.status_code == 303, taken.text
    for person in people.values():
        assert "?form_secret" not in (await person.http.get(page)).text


async def test_a_test_payment_takes_any_message_id(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """One too long for a payment's id was an internal error; the same again is the same payment."""
    await listed(order)

    for _ in range(2):
        paid = await people["buyer"].post(f"/orders/{order.order_id}/pay", message_id="ż" * 500)
        assert paid.headers["location"] == f"/orders/{order.order_id}", paid.text


async def test_a_form_of_another_site_is_refused(
    people: dict[str, Browser], order: HttpStory, system: DemoSystem, tmp_path: Path
) -> None:
    """Login CSRF: signing in and choosing a language, which have no secret yet, included."""
    before = await listed(order)
    entered = ENTERED | {"form_secret": people["buyer"].form_secret, "locale": "pl", "to": "/"}
    entered["token"] = token("buyer", "attacker")

    for path in await paths(system, tmp_path, order.order_id, "POST"):
        for where in ("cross-site", "same-site"):
            answer = await people["buyer"].http.post(
                path, data=entered, headers={"Sec-Fetch-Site": where}
            )
            assert answer.status_code == 403, path
            assert "set-cookie" not in answer.headers
    assert await everything(order) == before


SAID = [
    {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value}
    for site in ("", "none", "same-origin", "same-site", "cross-site")
    for origin in ("", "null", "https://evil.example", "http://127.0.0.1", "rubbish", "ours")
]
"""What a browser says, or what another site has it say."""


async def test_another_site_cannot_sign_anybody_in(playground: str) -> None:
    """Case 78: neither by a link nor by a form, whatever is said of where it is from; our own button can."""
    given = token("buyer", "attacker")
    async with browser_at(playground) as attacker:
        page = await attacker.get("/sign-in")
        found = re.search(r'name="form_secret" value="(\w+)"', page.text)
    assert found
    entered = {"token": given, "to": "/", "form_secret": found[1]}
    for said in SAID:
        headers = {name: playground if it == "ours" else it for name, it in said.items()}
        async with browser_at(playground) as http:
            # Somebody who has no form of ours open, and somebody who has.
            by_form = [await http.post("/sign-in", data=entered, headers=headers)]
            by_link = await http.get("/sign-in", params={"token": given}, headers=headers)
            by_form.append(await http.post("/sign-in", data=entered, headers=headers))

            assert [it.status_code for it in by_form] == [403, 403]
            assert by_link.status_code == 200
            assert "attacker" in by_link.text
            assert "unbuy" not in http.cookies
    async with browser_at(playground) as http:
        assert (await enter(http, given)).status_code == 303
        assert "unbuy" in http.cookies


async def test_an_origin_that_is_not_ours_is_refused(
    people: dict[str, Browser], playground: str, order: HttpStory
) -> None:
    """Case 78: also with the secret, which should not be known there."""
    await listed(order)
    form = f"/orders/{order.order_id}/buyer-message"
    entered = {"text": "Hello", "form_secret": people["buyer"].form_secret}

    for origin in ("https://evil.example", "http://127.0.0.1", "http://[", "file://"):
        answer = await people["buyer"].http.post(form, data=entered, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    for origin in ("null", playground):
        answer = await people["buyer"].http.post(form, data=entered, headers={"Origin": origin})
        assert answer.status_code == 303, origin


async def test_get_requests_change_nothing(
    people: dict[str, Browser], order: HttpStory, system: DemoSystem, tmp_path: Path
) -> None:
    """GET and HEAD, at every address, with all that a form would have carried."""
    before = await listed(order)
    posts = await paths(system, tmp_path, order.order_id, "POST")
    gets = await paths(system, tmp_path, order.order_id, "GET")
    streams = f"/orders/{order.order_id}/changes"

    person = people["buyer"]
    query = ENTERED | {"form_secret": person.form_secret}
    for path in {*posts, *gets} - {streams}:
        for method in ("GET", "HEAD"):
            answer = await person.http.request(method, path, params=query)
            assert answer.status_code in (200, 401, 403, 404, 405), path
            if path not in ("/sign-in", "/sign-in/back"):
                assert "set-cookie" not in answer.headers, path
    assert await everything(order) == before


@asynccontextmanager
async def same_browser(at: str, browser: Browser) -> AsyncIterator[Browser]:
    """A browser with the cookies and the form secret that another one had."""
    async with browser_at(at) as http:
        http.cookies.update(browser.http.cookies)
        yield Browser(http, browser.form_secret)


SIGNED_IN_ONLY = "/orders/none"
"""The start page is for everybody in the playground."""


async def is_in(browser: Browser) -> bool:
    return (await browser.http.get(SIGNED_IN_ONLY)).status_code == 404


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways and streams that look at each session anew."""
    monkeypatch.setattr(sessions, "REMEMBERED", timedelta(0))
    monkeypatch.setattr(order_stream, "ASK_EVERY", timedelta(milliseconds=50))


@pytest.mark.usefixtures("_impatient")
async def test_what_a_browser_had_before_signing_out_counts_nowhere(
    people: dict[str, Browser], playground: str, order: HttpStory, system: DemoSystem
) -> None:
    """Case 77: neither the cookie nor the form secret, at this gateway and at another."""
    await listed(order)
    database = await Database.open(system.database_url)
    form = f"/orders/{order.order_id}/buyer-message"
    try:
        async with (
            serving(system.server.client, database) as other,
            same_browser(playground, people["buyer"]) as here,
            same_browser(other, people["buyer"]) as there,
            browser_at(playground) as second,
        ):
            elsewhere = await sign_in(second, "buyer", order.buyer.id)
            assert await is_in(here)
            assert await is_in(there)
            before = await everything(order)

            await people["buyer"].post("/sign-out")

            for browser in (here, there):
                assert not await is_in(browser)
                assert (await browser.post(form, text="Hello")).status_code == 401
            assert await everything(order) == before
            assert await is_in(elsewhere)
            assert await is_in(people["seller"])
    finally:
        await database.close()


@pytest.mark.usefixtures("_impatient")
async def test_signing_out_everywhere_ends_all_sessions_of_this_person(
    people: dict[str, Browser], playground: str, order: HttpStory
) -> None:
    """Case 77: in this role, and nobody else's."""
    async with browser_at(playground) as second, browser_at(playground) as third:
        elsewhere = await sign_in(second, "buyer", order.buyer.id)
        seller = await sign_in(third, "seller", order.buyer.id)

        answer = await people["buyer"].post("/sign-out", everywhere="yes")

        assert answer.headers["location"] == "/signed-out"
        assert not await is_in(elsewhere)
        assert await is_in(seller)
        again = await sign_in(second, "buyer", order.buyer.id)
        assert await is_in(again)


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


@pytest.mark.usefixtures("_impatient")
async def test_people_see_their_sessions_and_end_each_of_them(
    people: dict[str, Browser], playground: str, order: HttpStory
) -> None:
    """When and from where they began; nobody else's, and of what a browser says of itself only its name."""
    hostile = f"{HOSTILE} \u202e Firefox/1 " + "Windows" * 500
    async with browser_at(playground) as second, browser_at(playground) as third:
        second.headers["User-Agent"] = FIREFOX
        third.headers["User-Agent"] = hostile.encode().decode("latin-1")
        elsewhere = await sign_in(second, "buyer", order.buyer.id)
        await sign_in(third, "buyer", order.buyer.id)
        seen = await people["buyer"].http.get("/sessions")
        names = re.findall(r'name="session" value="(\w+)"', seen.text)

        assert len(names) == 2
        assert "Firefox · Linux" in seen.text
        assert "127.0.0.1" in seen.text
        assert "alert(1)" not in seen.text
        assert elsewhere.http.cookies["unbuy"] not in seen.text
        # Whoever sees them elsewhere cannot end them, nor without the secret.
        for name in names:
            assert (await people["seller"].post("/sessions", session=name)).status_code == 303
            refused = await people["buyer"].http.post("/sessions", data={"session": name})
            assert refused.status_code == 403
        assert await is_in(elsewhere)
        for name in ("", "x", "żółw", *names):
            assert (await people["buyer"].post("/sessions", session=name)).status_code == 303
        assert not await is_in(elsewhere)
        assert await is_in(people["buyer"])
        assert 'name="session"' not in (await people["buyer"].http.get("/sessions")).text


@pytest.mark.usefixtures("_impatient")
async def test_signing_in_again_ends_the_session_that_the_browser_had(
    people: dict[str, Browser], playground: str
) -> None:
    """Two people in one browser: whoever kept the first one's cookie has nothing (ASVS 7.2.4)."""
    async with same_browser(playground, people["buyer"]) as kept:
        assert await is_in(kept)

        await sign_in(people["buyer"].http, "buyer", "somebody-else")

        assert not await is_in(kept)
        assert await is_in(people["buyer"])


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (FIREFOX, "Firefox · Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("curl/8.5.0", ""),
        ("x" * 600 + " Firefox", ""),
    ],
)
def test_a_browser_is_told_by_its_usual_name(said: str, name: str) -> None:
    headers = [(b"user-agent", said.encode())]
    assert browser_of(Request({"type": "http", "headers": headers})) == name


@pytest.mark.usefixtures("_impatient")
async def test_a_stream_ends_with_its_session(people: dict[str, Browser], order: HttpStory) -> None:
    """Case 77."""
    await listed(order)
    changes = f"/orders/{order.order_id}/changes"
    async with people["buyer"].http.stream("GET", changes) as stream:
        received = stream.aiter_bytes()
        await anext(received)

        await people["buyer"].post("/sign-out")

        async with asyncio.timeout(10):
            async for _ in received:
                pass


async def test_a_session_that_nobody_uses_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 77: what the page's script asks for is no use of it."""
    signed_in, cookie = await began(database)
    person = asking(cookie.partition(";")[0])
    script = Request(
        {**person.scope, "headers": [*person.scope["headers"], (b"sec-fetch-mode", b"cors")]}
    )
    now = datetime.now(UTC)

    def later(minutes: int) -> None:
        clock = SimpleNamespace(now=lambda _: now + timedelta(minutes=minutes))
        monkeypatch.setattr(sessions, "datetime", clock)

    later(40)
    assert await signed_in.of(script)
    assert await signed_in.of(person)
    later(50)
    assert await signed_in.of(script)
    later(99)
    assert await signed_in.of(script)
    later(101)
    assert await signed_in.of(script) is None
    assert await signed_in.of(person) is None


async def test_signing_out_ends_the_session_of_this_browser(people: dict[str, Browser]) -> None:
    buyer = people["buyer"]

    answer = await buyer.post("/sign-out")

    assert answer.headers["location"] == "/signed-out"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    # With a token nobody stays signed in at another site.
    assert "another site" not in (await buyer.http.get("/signed-out")).text
    assert (await buyer.http.get(SIGNED_IN_ONLY)).headers["location"].startswith("/sign-in?to=")


async def test_a_cookie_is_not_accepted_as_a_token_nor_a_token_as_a_cookie(
    people: dict[str, Browser], playground: str
) -> None:
    cookie = people["buyer"].http.cookies["unbuy"]
    async with browser_at(playground) as http:
        asked = await http.get("/v1/orders", headers={"Authorization": f"Bearer {cookie}"})
        http.cookies.set("unbuy", cookie)
        with_cookie = await http.get("/v1/orders")
        http.cookies.clear()
        http.cookies.set("unbuy", token("buyer", "anna"))
        page = await http.get(SIGNED_IN_ONLY)

    assert (asked.status_code, with_cookie.status_code) == (401, 401)
    assert page.headers["location"].startswith("/sign-in?to=")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (lambda: token("provider", "stripe"), 403),
        (lambda: token("buyer", "anna", -HOUR), 401),
        (lambda: "rubbish", 401),
        (lambda: "", 401),
    ],
    ids=["provider", "expired", "rubbish", "empty"],
)
async def test_a_token_that_cannot_open_pages_is_refused_with_a_reason(
    playground: str, given: object, status: int
) -> None:
    """Case 48: a provider would have seen every order."""
    text = given()  # type: ignore[operator]
    async with browser_at(playground) as http:
        linked = await http.get("/sign-in", params={"token": text})
        posted = await enter(http, text)

    answers = [posted] if text == "" else [linked, posted]
    for answer in answers:
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
        assert "unbuy=" not in answer.headers.get("set-cookie", "")
