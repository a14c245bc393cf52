"""The pages without script, by keyboard, on a small screen, by axe's judgement, and light to load."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from i18n.catalogues import LOCALES, Locale
from tests.gateway.conftest import HttpStory
from tests.gateway.pages.conftest import Visit
from tests.gateway.pages.pictures import photo
from tests.gateway.pages.soundness import fits, is_sound

LARGEST_PAGE = 100 * 1024


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(order: HttpStory, visit: Visit) -> AsyncIterator[HttpStory]:
    """An order with everything that a page can show: messages, offers, a dispute, a proof to judge."""
    await order.place(policy={"payment_review": "PT1S"})
    discount = {"topic": "discount", "text": "This week only.", "discount": _eur(200)}
    assert (await order.seller.post(f"{order.path}/seller-message", discount)).is_success
    assert (
        await order.buyer.post(f"{order.path}/buyer-message", {"text": "Thank you!"})
    ).is_success
    assert (await order.pay()).is_success
    await order.until("awaiting_shipment")
    request = {"reason": "wont_arrive_in_time", "note": "Too late.", "complaint": True}
    assert (await order.buyer.post(f"{order.path}/cancel-request", request)).is_success
    claim = {"decision": "already_shipped", "note": "It left yesterday."}
    assert (await order.seller.post(f"{order.path}/seller-reply", claim)).is_success
    files, data = {"file": ("parcel.png", photo())}, {"kind": "photo"}
    assert (await order.seller.post(f"{order.path}/proofs", files=files, data=data)).is_success
    yield order


def _eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_pages_are_accessible_in_every_status_and_for_everybody(
    crowded: HttpStory, visit: Visit
) -> None:
    buyer, seller, support = (
        await visit("buyer", "pl"),
        await visit("seller"),
        await visit("support"),
    )
    await buyer.page.goto(f"{buyer.address}/sign-in")
    await is_sound(buyer.page)
    for visitor in (buyer, seller, support):
        await visitor.sign_in()
        if visitor is not seller:
            await is_sound(visitor.page)
        await visitor.opens(crowded.order_id)
        await is_sound(visitor.page)
    for visitor, path in (
        (support, f"/orders/{crowded.order_id}/case"),
        (seller, "/help/seller"),
        (buyer, "/reminders"),
        (buyer, "/sessions"),
    ):
        await visitor.page.goto(f"{visitor.address}{path}")
        await is_sound(visitor.page)
    await support.opens(crowded.order_id)

    async with support.form("dispute_decision") as form:
        await form.get_by_label(support.label("dispute_decision", "no_refund")).check()
        await form.get_by_label(support.text("Note")).fill("Both have a point. " * 20)
    confirm = support.page.get_by_role("button", name=support.text("Confirm"))
    await expect(confirm).to_be_visible()
    await is_sound(support.page)

    await buyer.opens("nothing")
    await expect(buyer.page.get_by_role("alert")).to_be_visible()
    await is_sound(buyer.page)


async def test_an_orders_page_is_accessible_in_every_status(order: HttpStory, visit: Visit) -> None:
    await order.place()
    buyer = await visit("buyer", "pl")
    await buyer.sign_in(f"/orders/{order.order_id}")
    await is_sound(buyer.page)
    # On a phone, what is asked stays in reach.
    reach = buyer.page.locator(".to-primary")
    await buyer.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(reach).to_be_visible()
    await reach.click()
    await expect(buyer.button("pay_now")).to_be_in_viewport()
    await expect(reach).to_be_hidden()
    await buyer.button("pay_now").click()
    await buyer.sees("payment_review")
    await is_sound(buyer.page)
    await buyer.skips("day")
    await buyer.sees("awaiting_shipment")
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "changed_mind"})
    await order.seller.post(f"{order.path}/seller-reply", {"decision": "accept"})
    await buyer.sees("closed")
    await is_sound(buyer.page)


async def test_the_whole_order_page_weighs_less_than_100_kb(
    crowded: HttpStory, visit: Visit
) -> None:
    """Page, styles and script, uncompressed; the seller's own photo comes on top, when scrolled to."""
    buyer = await visit("buyer", "pl")
    await buyer.sign_in(f"/orders/{crowded.order_id}")

    weights = await buyer.page.evaluate(
        """performance.getEntries()
        .filter((it) => it.decodedBodySize && !it.name.includes("/proofs/"))
        .map((it) => it.decodedBodySize)"""
    )

    assert len(weights) >= 3
    assert sum(weights) < LARGEST_PAGE


@pytest.mark.parametrize("locale", LOCALES)
async def test_everything_can_be_read_and_done_without_script(
    order: HttpStory, visit: Visit, locale: Locale
) -> None:
    """A button, a form, a grave form with its confirmation, an upload, the language and the clock."""
    await order.place()
    buyer, seller, support = [
        await visit(it, locale, script=False, width=360) for it in ("buyer", "seller", "support")
    ]
    await buyer.sign_in(f"/orders/{order.order_id}")
    await fits(buyer.page)
    await buyer.button("pay_now").click()
    await buyer.sees("payment_review")
    await buyer.skips("day")
    await buyer.sees("awaiting_shipment")
    async with buyer.form("cancel_request") as form:
        await form.get_by_label(buyer.text("Why?")).select_option("changed_mind")
        await form.get_by_label(buyer.text("I also want to complain about this seller")).check()
    await buyer.sees("cancellation_requested")

    await seller.sign_in(f"/orders/{order.order_id}")
    async with seller.form("shipment_proof") as form:
        await form.get_by_label(seller.label("proof_kind", "photo"), exact=True).check()
        await form.get_by_label(seller.text("Photo or scan"), exact=True).set_input_files(
            {"name": "no.png", "mimeType": "image/png", "buffer": b"this is no picture"}
        )
    await expect(seller.page.get_by_role("alert")).to_be_visible()
    async with seller.form("shipment_proof") as form:
        await form.get_by_label(seller.label("proof_kind", "photo"), exact=True).check()
        await form.get_by_label(seller.text("Photo or scan"), exact=True).set_input_files(
            {"name": "parcel.png", "mimeType": "image/png", "buffer": photo()}
        )
    await seller.sees("proof_requested")

    await support.sign_in(f"/orders/{order.order_id}")
    async with support.form("dispute_decision") as form:
        await form.get_by_label(support.label("dispute_decision", "partial_refund")).check()
        await form.get_by_label(support.text("Refund to the buyer")).fill("twelve")
    await expect(support.page.get_by_role("alert")).to_contain_text("12")
    async with support.form("dispute_decision") as form:
        amount = form.get_by_label(support.text("Refund to the buyer"))
        await expect(amount).to_have_value("twelve")
        await amount.fill("10")
    await support.confirms()
    await support.sees("closed")

    other: Locale = "pl" if locale == "en" else "en"
    name = {"en": "English", "pl": "Polski"}[other]
    await support.page.get_by_role("button", name=name).click()
    await expect(support.page.locator("html")).to_have_attribute("lang", other)


async def test_everything_can_be_reached_and_done_by_keyboard(
    order: HttpStory, visit: Visit
) -> None:
    await order.place()
    buyer = await visit("buyer")
    await buyer.sign_in(f"/orders/{order.order_id}")
    page = buyer.page

    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name=buyer.text("Skip to the content"))
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()

    cancel, seen = buyer.label("action", "cancel_request"), []
    send = buyer.text("Continue")
    while cancel not in seen:
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
    while await page.evaluate("document.activeElement.textContent.trim()") != send:
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name=cancel).wait_for()
    confirm = buyer.text("Confirm")
    while await page.evaluate("document.activeElement.textContent.trim()") != confirm:
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await buyer.sees("closed")
    cancellation = (await order.buyer.get(order.path)).json()["cancellation"]
    assert cancellation["reason"] == "found_cheaper_price"
