"""The playground: a newcomer lives through a cancellation from the printed address alone."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from client import orders
from client.errors import UnknownOrder
from demo.system import DemoSystem
from demo.waiting import until
from deploy.examples import Examples
from gateway.pages.sample_orders import PEOPLE, SAMPLES
from i18n.catalogues import LOCALES, Locale
from orders.status import Status
from tests.gateway.browsing import browser_at
from tests.gateway.conftest import HttpStory
from tests.gateway.pages.conftest import PATIENCE_MS, Visit, Visitor
from tests.gateway.pages.soundness import fits, is_sound

THREE_MINUTES = 180


async def _becomes(visitor: Visitor, role: str) -> None:
    """By the button at the top of the page, which stays where one was."""
    people = visitor.page.get_by_role("form", name=visitor.text("Be somebody else"))
    person = next(it for it in PEOPLE if it.role == role)
    async with visitor.page.expect_navigation():
        await people.get_by_role("button", name=person.name).click()
    await expect(people.locator("[aria-current]")).to_contain_text(person.name)


async def _places(visitor: Visitor, number: int = 0) -> str:
    sample = SAMPLES[number]
    async with visitor.page.expect_navigation():
        await visitor.page.get_by_role("button", name=visitor.text(sample.title)).click()
    await visitor.sees("awaiting_payment")
    return visitor.page.url.rpartition("/")[2]


@pytest.mark.parametrize(
    ("locale", "width", "script"), [("en", 1440, True), ("pl", 360, True), ("pl", 1440, False)]
)
async def test_a_newcomer_lives_through_a_cancellation_in_the_browser_alone(
    order: HttpStory, visit: Visit, locale: Locale, width: int, script: bool
) -> None:
    """From the address that `make up` prints, in under three minutes; without script, too."""
    begun = time.monotonic()
    newcomer = await visit("buyer", locale, width=width, script=script)
    await newcomer.page.goto(newcomer.address)
    await _places(newcomer)

    await newcomer.button("pay_now").click()
    await newcomer.sees("payment_review")
    await newcomer.skips("day")
    await newcomer.sees("awaiting_shipment")
    async with newcomer.form("cancel_request") as form:
        await form.locator("select[name=reason]").select_option("changed_mind")
    await newcomer.sees("cancellation_requested")
    await _becomes(newcomer, "seller")
    async with newcomer.form("seller_reply") as form:
        await form.locator("input[value=accept]").check()
    if await newcomer.page.get_by_role("button", name=newcomer.text("Confirm")).count():
        await newcomer.confirms()
    await newcomer.sees("closed")
    await _becomes(newcomer, "buyer")
    paid = newcomer.page.get_by_text(newcomer.label("event", "refund_succeeded")).first
    for _ in range(4):
        if await paid.count():
            break
        await newcomer.skips("next")
    await expect(paid).to_be_attached(timeout=PATIENCE_MS)

    assert time.monotonic() - begun < THREE_MINUTES
    await fits(newcomer.page)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def examples(system: DemoSystem) -> AsyncIterator[None]:
    await Examples(system.server.client).place()
    yield


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_front_page_explains_itself_and_has_an_order_in_each_state(
    order: HttpStory, visit: Visit, examples: None, locale: Locale
) -> None:
    """As the three people, one click each; with links to the API and to Temporal."""
    newcomer = await visit("buyer", locale)
    states = newcomer.page.locator(".examples .status")

    async def examples_are_listed() -> bool:
        await newcomer.page.goto(newcomer.address)
        return await states.count() == len(Status)

    await until(examples_are_listed)
    await expect(states).to_have_text([newcomer.label("status", it) for it in Status])
    for link in ("/docs", "/workflows?query="):
        await expect(newcomer.page.locator(f"main a[href*='{link}']")).to_have_count(1)
    await is_sound(newcomer.page)
    await newcomer.page.set_viewport_size({"width": 320, "height": 800})
    await fits(newcomer.page)
    for place, person in enumerate(PEOPLE):
        await newcomer.page.goto(f"{newcomer.address}/playground")
        row = newcomer.page.locator(".examples li").nth(place)
        async with newcomer.page.expect_navigation():
            await row.get_by_role("button", name=person.name).click()
        await newcomer.sees(list(Status)[place])
    await is_sound(newcomer.page)
    await newcomer.page.goto(newcomer.address)
    await is_sound(newcomer.page)


async def test_an_example_that_has_moved_on_gets_a_successor(
    order: HttpStory, system: DemoSystem, examples: None
) -> None:
    """There is one in each state again the next time, and otherwise no more."""
    client = system.server.client
    paid = {
        "payment_id": "pay-example",
        "money": {"amount": 2490, "currency": "EUR"},
        "method": "card",
        "paid_at": "2026-11-25T12:00:00Z",
    }
    answer = await order.provider.post("/v1/orders/example-awaiting-payment/payment", paid)
    assert answer.status_code == 200, answer.text

    await Examples(client).place()
    await Examples(client).place()

    second = await orders.show(client, "example-awaiting-payment-2")
    assert second.status is Status.AWAITING_PAYMENT
    for order_id in ("example-awaiting-payment-3", "example-closed-2"):
        with pytest.raises(UnknownOrder):
            await orders.show(client, order_id)


@pytest.mark.parametrize("path", ["/playground/person", "/playground/orders"])
async def test_nobody_becomes_somebody_by_a_form_of_another_site(
    playground: str, path: str
) -> None:
    """Case 78, and a name of another site's that points here (DNS rebinding)."""
    entered = {"role": "support", "sample": "cable", "form_secret": "guessed"}
    async with browser_at(playground) as http:
        await http.get("/")
        assert (await http.post(path, data=entered)).status_code == 403
        page = (await http.get("/")).text
        entered["form_secret"] = page.partition('name="form_secret" value="')[2].partition('"')[0]
        rebound = {"Host": "evil.example"}
        assert (await http.post(path, data=entered, headers=rebound)).status_code == 403
        assert (await http.post(path, data=entered)).status_code == 303
        assert (await http.get("/")).status_code == 200


async def test_without_a_playground_there_is_no_such_page(system: DemoSystem, address: str) -> None:
    """Case 89."""
    async with browser_at(address) as http:
        assert (await http.get("/")).headers["location"] == "/sign-in?to=/"
        for path in ("/playground", "/playground/person"):
            assert (await http.get(path, headers={"Accept": "text/html"})).status_code == 404
            assert (await http.post(path)).status_code in (404, 405)
