"""What pages let run, whom they let see what, and how often they may be asked."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest_asyncio

from database.connection import Database
from demo.system import DemoSystem
from demo.waiting import until
from gateway.pages.forms import FORMS
from orders.messages import MESSAGES
from testing.pictures import PHOTO
from tests.gateway.browsing import HOSTILE, Anatomy, Browser, browser_at, everybody, sign_in
from tests.gateway.conftest import HttpStory, serving

ROLES = ("buyer", "seller", "support")


@pytest_asyncio.fixture(loop_scope="session")
async def people(address: str, order: HttpStory) -> AsyncIterator[dict[str, Browser]]:
    async with everybody(address, order) as people:
        yield people


async def told(order: HttpStory, role: str, message: str, **payload: object) -> None:
    answer = await order.person(role).post(f"{order.path}/{message}", payload)
    assert answer.status_code == 200, answer.text


async def ask_to_cancel(order: HttpStory, text: str) -> None:
    """An order whose every text is this one, up to a dispute and proof that waits for support."""
    eur = {"amount": 1245, "currency": "EUR"}
    await order.place(
        policy={"payment_review": "PT1S"},
        buyer={"id": order.buyer.id, "name": text, "locale": "pl"},
        seller={"id": order.seller.id, "name": text, "locale": "en"},
        lines=[{"sku": text, "title": text, "quantity": 2, "unit_price": eur}],
    )
    await told(order, "seller", "seller-message", topic="bonus", text=text, bonus=text)
    await told(order, "buyer", "buyer-message", text=text)
    await order.pay()
    await order.until("awaiting_shipment")
    await told(order, "buyer", "cancel-request", reason="other", note=text, complaint=True)
    await told(order, "seller", "seller-reply", decision="already_shipped", note=text)
    await told(order, "seller", "tracking-number", number="RR123456784PL", carrier=text)
    proof = await order.seller.post(
        f"{order.path}/proofs", files={"file": (text, PHOTO)}, data={"kind": "photo"}
    )
    assert proof.status_code == 200, proof.text
    money = {"amount": 100, "currency": "EUR"}
    await told(order, "seller", "settlement-offer", money=money, note=text)


def must_be_safe(page: httpx.Response) -> Anatomy:
    """Nothing in it runs, nothing in it is styled, and no browser would let it; nobody keeps it."""
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("base-uri") == "'none'"
    assert rules.pop("frame-ancestors") == "'none'"
    assert {"script-src", "style-src", "form-action"} <= set(rules)
    assert set(rules.values()) == {"'self'"}
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    anatomy = Anatomy(page.text)
    assert anatomy.dangers() == []
    return anatomy


async def test_user_text_is_shown_and_never_executed(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """Names, titles, notes, messages, offers, carriers: on every page that has them, as they were written."""
    await ask_to_cancel(order, HOSTILE)
    path = f"/orders/{order.order_id}"
    seen: dict[str, int] = {}

    for role in ROLES:
        shown = must_be_safe(await people[role].http.get(path))
        seen[role] = shown.text.count(HOSTILE)
    for decided in (False, True):
        if decided:
            await told(order, "support", "proof-review", accepted=False, note=HOSTILE)
            await told(order, "support", "dispute-decision", decision="full_refund", note=HOSTILE)
        for role in ROLES:
            must_be_safe(await people[role].http.get(path, headers={"Accept-Language": "pl"}))
    await until(
        lambda: people["buyer"].http.get("/"), lambda page: HOSTILE in must_be_safe(page).text
    )

    # Two names, a title, both sides' messages and offers, the cancellation's notes, a carrier.
    assert all(count >= 8 for count in seen.values()), seen


async def test_text_in_addresses_and_forms_is_never_executed(
    people: dict[str, Browser], order: HttpStory
) -> None:
    await order.place()
    page = f"/orders/{order.order_id}"
    buyer, seller, support = people["buyer"], people["seller"], people["support"]
    there = quote(HOSTILE.replace("/", ""), safe="")  # one part of a path

    again = await seller.post(f"{page}/seller-message", discount=HOSTILE, text=HOSTILE)
    assert again.status_code == 422
    assert HOSTILE in must_be_safe(again).text
    asked = await buyer.post(
        f"{page}/cancel-request", reason="other", note=HOSTILE, **{HOSTILE: HOSTILE}
    )
    assert asked.status_code == 200
    assert HOSTILE in must_be_safe(asked).text
    for person in people.values():
        for path in (
            f"/orders/{there}",
            f"{page}?done={there}",
            f"/?q={there}&status={there}",
            f"/sign-in?to=/{there}",
            f"/sign-in?token={there}",
            f"/sign-in/back?error={there}&state={there}",
            "/signed-out",
            f"{page}/proofs/{there}",
        ):
            must_be_safe(await person.http.get(path))
        must_be_safe(await person.post(f"{page}/{there}", text="x"))
        must_be_safe(await person.http.post(f"{page}/buyer-message", data={"form_secret": HOSTILE}))
    found = must_be_safe(await support.http.get(f"/?q={quote(HOSTILE[:64], safe='')}"))
    assert ("input", HOSTILE[:64]) in [(tag, it.get("value")) for tag, it in found.elements]


async def test_someone_elses_order_is_not_found(address: str, order: HttpStory) -> None:
    """Case 47: 404 at each of its addresses, and nothing happens to it."""
    await order.place()
    before = (await order.support.get(order.path)).json()

    async with browser_at(address) as http:
        for role in ("buyer", "seller"):
            stranger = await sign_in(http, role, "somebody-else")
            for path in ("", "/changes", f"/proofs/{'0' * 64}"):
                answer = await http.get(f"/orders/{order.order_id}{path}")
                assert answer.status_code == 404
                assert "USB-C" not in must_be_safe(answer).text
            mine = [name for name in FORMS if role in {it.value for it in MESSAGES[name].senders}]
            for name in [*mine, *(["reorder"] if role == "buyer" else [])]:
                form = f"/orders/{order.order_id}/{name.replace('_', '-')}"
                answer = await stranger.post(form, text="x", confirmed="yes")
                assert answer.status_code == 404, form
            assert order.order_id not in (await http.get("/")).text

    assert (await order.support.get(order.path)).json() == before


async def test_an_action_of_another_role_is_refused(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """Case 48: 403 for every form of another role's, on one's own order."""
    await order.place()
    before = (await order.support.get(order.path)).json()

    for role, person in people.items():
        for name in FORMS:
            if role not in {it.value for it in MESSAGES[name].senders}:
                form = f"/orders/{order.order_id}/{name.replace('_', '-')}"
                answer = await person.post(form, text="x", confirmed="yes")
                assert answer.status_code == 403, (role, name)
                assert "You don't have permission for this" in must_be_safe(answer).text
        if role == "seller":
            assert (await person.post(f"/orders/{order.order_id}/reorder")).status_code == 403

    assert (await order.support.get(order.path)).json() == before


async def test_only_support_sees_the_support_queue(
    people: dict[str, Browser], order: HttpStory
) -> None:
    await order.place()

    for role in ROLES:
        home = await people[role].http.get("/", params={"q": order.buyer.id})
        assert ("Search by order, person, product" in must_be_safe(home).text) == (
            role == "support"
        )


async def test_every_page_requires_signing_in(address: str, order: HttpStory) -> None:
    await order.place()

    async with browser_at(address) as http:
        for path in ("/", f"/orders/{order.order_id}", f"/orders/{order.order_id}/changes"):
            answer = await http.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/sign-in?to={path}"
            assert answer.text == ""


async def test_time_skipping_and_test_payments_exist_in_the_playground_only(
    people: dict[str, Browser], order: HttpStory
) -> None:
    await order.place()

    for form in ("pay", "clock"):
        answer = await people["buyer"].post(f"/orders/{order.order_id}/{form}", skip="week")
        assert answer.status_code == 404
    assert (await order.buyer.get(order.path)).json()["status"] == "awaiting_payment"


async def test_pages_are_rate_limited(system: DemoSystem) -> None:
    """Case 30: by party once somebody is signed in; until then what is refused, by address.

    Case 113: so tokens cannot be tried out, and whoever has one gets in, whatever others do at the address.
    """
    database = await Database.open(system.database_url)
    try:
        async with (
            serving(system.server.client, database, rate_limit="4/minute") as address,
            browser_at(address) as http,
        ):
            tried = [await http.post("/sign-in", data={"token": f"{it}"}) for it in range(5)]
            assert [it.status_code for it in tried] == [401] * 4 + [429]
            buyer = await sign_in(http, "buyer", "anna")
            # Signing in and the page behind it are two.
            pages = [await buyer.http.get("/") for _ in range(3)]
            assert [it.status_code for it in pages] == [200] * 2 + [429]
    finally:
        await database.close()

    refused = tried[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "try again in" in must_be_safe(refused).text
