"""Instants by the reader's own clock: from the first page on, and UTC where no script says which that is."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, Request, Route, expect

from i18n.catalogues import LOCALES, Locale
from i18n.formats import from_text, instant_text
from tests.gateway.conftest import HttpStory
from tests.gateway.pages.conftest import Visit, Visitor

KATHMANDU = "Asia/Kathmandu"


async def _placed(order: HttpStory, visitor: Visitor, zone: str) -> str:
    """What a page says of when the order was placed, in a zone."""
    placed_at = datetime.fromisoformat((await order.buyer.get(order.path)).json()["placed_at"])
    return instant_text(placed_at, visitor.locale, ZoneInfo(zone))


def _counted(page: Page, address: str) -> list[str]:
    """How often an address is asked for from now on, and by what."""
    asked: list[str] = []

    def count(request: Request) -> None:
        if request.url == address:
            asked.append(request.resource_type)

    page.on("request", count)
    return asked


async def _opens_first(visitor: Visitor, path: str) -> None:
    """Go to a page in a browser that has not said by which clock it reads, as it does where one signs in."""
    await visitor.sign_in()
    await visitor.page.wait_for_url(f"{visitor.address}/")
    await visitor.page.context.clear_cookies(name="unbuy-zone")
    await visitor.page.goto(f"{visitor.address}{path}")


@asynccontextmanager
async def _read_anew(page: Page, path: str) -> AsyncIterator[None]:
    """Until the script has read a page anew, and has had the time to show it."""
    async with page.expect_response(
        lambda it: it.url.endswith(path) and it.request.resource_type == "fetch"
    ) as answer:
        yield
    await (await answer.value).finished()
    await page.evaluate("new Promise((done) => setTimeout(done, 200))")


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_first_page_is_reloaded_once_for_local_time(
    order: HttpStory, visit: Visit, locale: Locale
) -> None:
    await order.place()
    seller = await visit("seller", locale, zone="Europe/Warsaw")
    asked = _counted(seller.page, f"{seller.address}/orders/{order.order_id}")

    await _opens_first(seller, f"/orders/{order.order_id}")

    happened = seller.page.get_by_role("region", name=seller.text("Messages and history"))
    local = await _placed(order, seller, "Europe/Warsaw")
    assert re.search(r"\d\d:\d\d CES?T$", local)
    await expect(happened).to_contain_text(local)
    await expect(seller.page.get_by_role("main")).not_to_contain_text("UTC")
    countdown = seller.page.locator("time[data-until]").first
    await expect(countdown).to_have_attribute("title", re.compile("CES?T$"))
    await expect(countdown).to_have_attribute("datetime", re.compile(r"(\+00:00|Z)$"))
    assert asked == ["document", "fetch"]
    await seller.page.reload()
    await expect(happened).to_contain_text(local)
    assert asked == ["document", "fetch", "document"]


async def test_a_change_of_the_browsers_time_zone_is_followed(
    order: HttpStory, visit: Visit
) -> None:
    await order.place()
    seller = await visit("seller", zone=KATHMANDU)
    cookie = {"name": "unbuy-zone", "value": "Europe/Warsaw", "url": seller.address}
    await seller.page.context.add_cookies([cookie])  # type: ignore[list-item]

    await seller.sign_in(f"/orders/{order.order_id}")

    local = await _placed(order, seller, KATHMANDU)
    assert local.endswith(" GMT+05:45")
    await expect(seller.page.get_by_role("main")).to_contain_text(local)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../UTC", "<b>"])
async def test_an_unknown_time_zone_falls_back_to_utc_without_a_reload_loop(
    order: HttpStory, visit: Visit, zone: str
) -> None:
    await order.place()
    seller, path = await visit("seller"), f"/orders/{order.order_id}"
    await seller.page.add_init_script(
        f"Intl.DateTimeFormat.prototype.resolvedOptions = () => ({{ timeZone: {zone!r} }})"
    )
    asked = _counted(seller.page, f"{seller.address}{path}")

    async with _read_anew(seller.page, path):
        await _opens_first(seller, path)
    await seller.page.reload()

    in_utc = await _placed(order, seller, "UTC")
    await expect(seller.page.get_by_role("main")).to_contain_text(in_utc)
    assert asked == ["document", "fetch", "document"]


async def test_without_script_times_are_in_utc_and_labelled(order: HttpStory, visit: Visit) -> None:
    await order.place()
    seller = await visit("seller", "pl", script=False, zone="Europe/Warsaw")

    await seller.sign_in(f"/orders/{order.order_id}")

    local = await _placed(order, seller, "UTC")
    assert local.endswith(" UTC")
    await expect(seller.page.get_by_role("main")).to_contain_text(local)


async def test_typed_text_is_kept_when_the_time_zone_becomes_known(
    order: HttpStory, visit: Visit
) -> None:
    """The page that is read anew comes late, when somebody is writing already."""
    await order.place()
    buyer = await visit("buyer", zone="Europe/Warsaw")
    page, path = buyer.page, f"/orders/{order.order_id}"
    text = page.get_by_role("textbox", name=buyer.text("Message"))

    async def late(route: Route) -> None:
        if route.request.resource_type == "fetch":
            await page.locator("summary#do-buyer_message").click()
            await text.fill("Half a sen")
        await route.continue_()

    await page.route(f"**{path}", late)
    async with _read_anew(page, path):
        await _opens_first(buyer, path)

    await expect(text).to_have_value("Half a sen")
    await expect(text).to_be_focused()
    local = await _placed(order, buyer, "Europe/Warsaw")
    await expect(page.get_by_role("main")).to_contain_text(local)


async def test_available_from_is_shown_in_local_time(order: HttpStory, visit: Visit) -> None:
    """R5: to the minute, and never a moment early."""
    await order.place()
    assert (await order.pay()).is_success
    buyer = await visit("buyer", zone=KATHMANDU)
    await buyer.sign_in(f"/orders/{order.order_id}")

    actions = (await order.buyer.get(order.path)).json()["actions"]["buyer"]
    (at,) = [it["available_from"] for it in actions if it["action"] == "cancel_request"]
    local = from_text(datetime.fromisoformat(at), "en", ZoneInfo(KATHMANDU))
    await expect(buyer.button("cancel_request")).to_have_accessible_description(
        re.compile(re.escape(local))
    )


async def test_the_answer_to_a_form_is_not_reloaded(order: HttpStory, visit: Visit) -> None:
    """It would be gone: what was entered, and what is wrong with it."""
    await order.place()
    seller = await visit("seller")
    await seller.sign_in(f"/orders/{order.order_id}")
    await seller.page.context.clear_cookies(name="unbuy-zone")
    asked = _counted(seller.page, f"{seller.address}/orders/{order.order_id}")

    async with seller.form("seller_message") as form:
        await form.get_by_label(seller.text("What is it about?")).select_option("discount")
        await form.get_by_role("textbox", name=seller.text("Message")).fill("For you.")
    await expect(seller.page.get_by_role("alert")).to_be_visible()
    await seller.page.wait_for_function("document.cookie.includes('unbuy-zone=')")

    message = seller.page.get_by_role("textbox", name=seller.text("Message"))
    await expect(message).to_have_value("For you.")
    assert asked == []
