"""Forms in a browser: what is wrong is said at its field, and what is typed is never lost."""

import re
from dataclasses import replace

from playwright.async_api import expect

from tests.gateway.conftest import HttpStory
from tests.gateway.pages.conftest import Visit, Visitor

TEXT = "Half a sentence, and"


async def _writes(visitor: Visitor, text: str = TEXT) -> None:
    await visitor.page.locator("summary#do-buyer_message").click()
    await visitor.page.get_by_role("textbox", name=visitor.text("Message")).fill(text)


async def test_what_is_wrong_is_said_at_its_field_which_has_the_focus(
    order: HttpStory, visit: Visit
) -> None:
    """Without script, too."""
    await order.place()
    seller = await visit("seller", "pl", script=False)
    await seller.sign_in(f"/orders/{order.order_id}")
    async with seller.form("seller_message") as form:
        await form.get_by_label(seller.text("What is it about?")).select_option("discount")
        await form.get_by_role("textbox", name=seller.text("Message")).fill(TEXT)
        await form.get_by_label(seller.text("Discount"), exact=True).fill("dużo")

    discount = seller.page.get_by_label(seller.text("Discount"), exact=True)
    await expect(discount).to_have_value("dużo")
    await expect(discount).to_be_focused()
    await expect(discount).to_have_attribute("aria-invalid", "true")
    said = "Wpisz kwotę, na przykład 12,50\N{NO-BREAK SPACE}€."
    await expect(discount).to_have_accessible_description(said)
    await expect(seller.page.get_by_role("alert")).to_have_text(said)
    await expect(seller.page).to_have_title(re.compile("^Błąd: "))
    message = seller.page.get_by_role("textbox", name=seller.text("Message"))
    await expect(message).to_have_value(TEXT)


async def test_consent_is_confirmed_with_amounts_and_back_keeps_what_was_entered(
    order: HttpStory, visit: Visit
) -> None:
    """R9: what both get, and that it cannot be undone; said once that it is done."""
    await order.place(policy={"payment_review": "PT1S"})
    assert (await order.pay()).is_success
    await order.until("awaiting_shipment")
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "changed_mind"})
    seller = await visit("seller", script=False)
    await seller.sign_in(f"/orders/{order.order_id}")
    async with seller.form("seller_reply") as form:
        await form.get_by_label(seller.label("seller_decision", "accept")).check()
        await form.get_by_label(seller.text("Note")).fill(TEXT)

    confirm = seller.page.get_by_role("main")
    await expect(confirm).to_contain_text("The buyer gets back")
    await expect(confirm).to_contain_text("€24.90")
    await expect(confirm).to_contain_text("This cannot be undone.")
    await seller.page.get_by_role("button", name=seller.text("Back")).click()
    await seller.sees("cancellation_requested")
    await expect(seller.page.get_by_label(seller.text("Note"))).to_have_value(TEXT)
    await seller.page.locator("details[open] > form > button").click()
    await seller.confirms()
    await seller.sees("closed")

    done = seller.page.get_by_text("Answer sent to the buyer.")
    await expect(done).to_be_visible()
    await seller.page.reload()
    await seller.sees("closed")
    await expect(done).to_have_count(0)


async def test_what_is_typed_outlives_another_language_and_signing_in_again(
    order: HttpStory, visit: Visit
) -> None:
    await order.place()
    buyer = await visit("buyer")
    await buyer.sign_in(f"/orders/{order.order_id}")
    await _writes(buyer)

    await buyer.page.get_by_role("button", name="Polski").click()
    await expect(buyer.page.locator("html")).to_have_attribute("lang", "pl")
    text = buyer.page.locator("#buyer_message-text")
    await expect(text).to_have_value(TEXT)

    await buyer.page.context.clear_cookies(name="unbuy")
    await buyer.page.locator("details[open] > form > button").click()
    await expect(buyer.page.get_by_role("textbox")).to_have_value(TEXT)
    await replace(buyer, locale="pl").sign_in(f"/orders/{order.order_id}")
    await expect(text).to_have_value(TEXT)
    await buyer.page.locator("details[open] > form > button").click()
    await expect(buyer.page.locator(".said .text")).to_have_text(TEXT)
    await buyer.page.reload()
    await expect(text).to_have_value("")


async def test_a_form_that_is_gone_leaves_behind_what_was_written(
    order: HttpStory, visit: Visit
) -> None:
    await order.place()
    buyer = await visit("buyer")
    await buyer.sign_in(f"/orders/{order.order_id}")
    await _writes(buyer)

    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "changed_mind"})

    await buyer.sees("closed")
    await expect(buyer.page.locator("#left")).to_have_value(TEXT)
