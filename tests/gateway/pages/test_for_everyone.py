"""The pages without script, by keyboard, on a small screen, by axe's judgement, and light to load."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, Response, expect

from languages.catalogues import LOCALES, Locale
from tests.gateway.conftest import Town
from tests.gateway.pages.conftest import Visit, Visitor
from tests.gateway.pages.pictures import photo

LARGEST_PAGE = 100 * 1024
LOOKS = [(360, False), (360, True), (1440, False), (1440, True)]
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(town: Town, visit: Visit) -> AsyncIterator[Town]:
    """An order with everything that a page can show: messages, offers, a dispute, a proof to judge."""
    await town.place(policy={"payment_review": "PT1S"})
    discount = {"topic": "discount", "text": "This week only.", "discount": _eur(200)}
    assert (await town.seller.post(f"{town.path}/seller-message", discount)).is_success
    assert (await town.buyer.post(f"{town.path}/buyer-message", {"text": "Thank you!"})).is_success
    assert (await town.pay()).is_success
    async with town.patience():
        while (await town.buyer.get(town.path)).json()["status"] != "awaiting_shipment":
            await town.blink()
    request = {"reason": "wont_arrive_in_time", "note": "Too late.", "complaint": True}
    assert (await town.buyer.post(f"{town.path}/cancel-request", request)).is_success
    claim = {"decision": "already_shipped", "note": "It left yesterday."}
    assert (await town.seller.post(f"{town.path}/seller-reply", claim)).is_success
    files, data = {"file": ("parcel.png", photo())}, {"kind": "photo"}
    assert (await town.seller.post(f"{town.path}/proofs", files=files, data=data)).is_success
    yield town


def _eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def _has_no_serious_findings(page: Page) -> None:
    found = await Axe().run(page, options=AXE_OPTIONS)
    serious = [
        f"{it['id']}: {node['html']} {node['failureSummary']}"
        for it in found.response["violations"]
        if it["impact"] in ("serious", "critical")
        for node in it["nodes"]
    ]
    assert serious == [], page.url


async def _fits(page: Page) -> None:
    """Nothing sticks out to the right."""
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, page.url


@pytest.mark.parametrize(("width", "dark"), LOOKS)
async def test_axe_finds_nothing_serious_and_nothing_sticks_out(
    crowded: Town, visit: Visit, width: int, dark: bool
) -> None:
    """All pages, with all forms open, in two colours and on two screens."""
    order = f"/orders/{crowded.order_id}"
    for role, locale, paths in (
        ("buyer", "pl", ["/", order, "/orders/nothing"]),
        ("seller", "en", [order]),
        ("support", "pl", ["/", order]),
    ):
        visitor = await visit(role, locale, width=width, dark=dark)
        await visitor.page.goto(f"{visitor.address}/sign-in")
        await _has_no_serious_findings(visitor.page)
        await visitor.sign_in()
        for path in paths:
            await visitor.page.goto(f"{visitor.address}{path}")
            await visitor.page.evaluate(
                "document.querySelectorAll('details').forEach((it) => { it.open = true; })"
            )
            await _has_no_serious_findings(visitor.page)
            await _fits(visitor.page)
        if role == "support":
            await _decides_for_nobody(visitor)
            await _has_no_serious_findings(visitor.page)
            await _fits(visitor.page)


async def _decides_for_nobody(support: Visitor) -> None:
    async with support.form("dispute_decision") as form:
        await form.get_by_label(support.label("dispute_decision", "no_refund")).check()
        await form.get_by_label(support.text("Note")).fill("Both have a point. " * 20)
    await expect(support.page.get_by_role("heading", level=1)).to_contain_text("?")


@pytest.mark.parametrize(("status", "role"), [("closed", "buyer"), ("shipped", "seller")])
async def test_axe_finds_nothing_serious_on_an_order_that_is_over(
    crowded: Town, visit: Visit, status: str, role: str
) -> None:
    decided = {"decision": "full_refund" if status == "closed" else "no_refund"}
    if status == "shipped":
        await crowded.support.post(f"{crowded.path}/proof-review", {"accepted": True})
    assert (await crowded.support.post(f"{crowded.path}/dispute-decision", decided)).is_success
    for dark in (False, True):
        visitor = await visit(role, "pl", width=360, dark=dark)
        await visitor.sign_in(f"/orders/{crowded.order_id}")

        await _has_no_serious_findings(visitor.page)
        await _fits(visitor.page)


async def test_the_whole_order_page_weighs_less_than_100_kb(crowded: Town, visit: Visit) -> None:
    """Page, styles, script and icon, uncompressed; the seller's own photo comes on top, when scrolled to."""
    visitor = await visit("buyer", "pl")
    await visitor.sign_in()
    weights: list[asyncio.Task[int]] = []

    def weigh(response: Response) -> None:
        if not response.url.endswith("/changes") and "/proofs/" not in response.url:
            weights.append(asyncio.ensure_future(_weight(response)))

    visitor.page.on("response", weigh)
    await visitor.opens(crowded.order_id)
    await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()

    sizes = await asyncio.gather(*weights)
    assert len(sizes) >= 3
    assert sum(sizes) < LARGEST_PAGE


async def _weight(response: Response) -> int:
    return len(await response.body())


@pytest.mark.parametrize("locale", LOCALES)
async def test_everything_can_be_read_and_done_without_script(
    town: Town, visit: Visit, locale: Locale
) -> None:
    """A button, a form, a grave form with its confirmation, an upload, the language and the clock."""
    await town.place()
    buyer, seller, support = [
        await visit(it, locale, script=False, width=360) for it in ("buyer", "seller", "support")
    ]
    await buyer.sign_in(f"/orders/{town.order_id}")
    await _fits(buyer.page)
    await buyer.button("pay_now").click()
    await buyer.sees("payment_review")
    await buyer.skips("day")
    await buyer.sees("awaiting_shipment")
    async with buyer.form("cancel_request") as form:
        await form.get_by_label(buyer.text("Why?")).select_option("changed_mind")
        await form.get_by_label(buyer.text("I also want to complain about this seller")).check()
    await buyer.sees("cancellation_requested")

    await seller.sign_in(f"/orders/{town.order_id}")
    async with seller.form("shipment_proof") as form:
        await form.get_by_label(seller.label("proof_kind", "photo")).check()
        await form.get_by_label(seller.text("Photo or scan"), exact=True).set_input_files(
            {"name": "no.png", "mimeType": "image/png", "buffer": b"this is no picture"}
        )
    await expect(seller.page.get_by_role("alert")).to_be_visible()
    async with seller.form("shipment_proof") as form:
        await form.get_by_label(seller.label("proof_kind", "photo")).check()
        await form.get_by_label(seller.text("Photo or scan"), exact=True).set_input_files(
            {"name": "parcel.png", "mimeType": "image/png", "buffer": photo()}
        )
    await seller.sees("proof_requested")

    await support.sign_in(f"/orders/{town.order_id}")
    async with support.form("dispute_decision") as form:
        await form.get_by_label(support.text("What the buyer gets back")).fill("twelve")
        await form.get_by_label(support.label("dispute_decision", "partial_refund")).check()
    await expect(support.page.get_by_role("alert")).to_contain_text("EUR")
    async with support.form("dispute_decision") as form:
        amount = form.get_by_label(support.text("What the buyer gets back"))
        await expect(amount).to_have_value("twelve")
        await amount.fill("10")
    await support.button("dispute_decision").click()
    await support.sees("closed")

    other: Locale = "pl" if locale == "en" else "en"
    name = {"en": "English", "pl": "Polski"}[other]
    await support.page.get_by_role("button", name=name).click()
    await expect(support.page.locator("html")).to_have_attribute("lang", other)


async def test_everything_can_be_reached_and_done_by_keyboard(town: Town, visit: Visit) -> None:
    await town.place()
    buyer = await visit("buyer")
    await buyer.sign_in(f"/orders/{town.order_id}")
    page = buyer.page

    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name=buyer.text("Skip to the content"))
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()

    seen = []
    while "Cancel the order" not in seen:
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("document.activeElement.textContent.trim()"))
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"one cannot see that {seen[-1]} has the focus"
        assert len(seen) < 30, seen
    assert [it for it in seen if it.startswith("Pay now")]
    await page.keyboard.press("Enter")  # opens the form
    await page.keyboard.press("Tab")
    await page.keyboard.type("Found")
    for _ in range(2):
        await page.keyboard.press("Tab")
    await page.keyboard.type("By keyboard.")
    for _ in range(2):
        await page.keyboard.press("Shift+Tab")
    while await page.evaluate(
        "document.activeElement.textContent.trim()"
    ) != "Cancel the order" or (await page.evaluate("document.activeElement.tagName") != "BUTTON"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await buyer.sees("closed")
    cancellation = (await town.buyer.get(town.path)).json()["cancellation"]
    assert cancellation["reason"] == "found_cheaper_price"
