"""The cancellation as people live it in their browsers, in both languages (R1-R16, R21)."""

import re

import pytest
from playwright.async_api import expect

from i18n.catalogues import LOCALES, Locale, translator
from tests.gateway.conftest import HttpStory
from tests.gateway.pages.conftest import Visit, Visitor
from tests.gateway.pages.pictures import photo

AMOUNTS = {
    "en": ("€24.90", "12.50", "€12.50", "€12.40"),
    "pl": ("24,90\xa0€", "12,50", "12,50\xa0€", "12,40\xa0€"),
}


async def _fact(visitor: Visitor, name: str, value: str) -> None:
    """What stands beside a name in a list of facts."""
    term = visitor.page.locator("dt", has_text=re.compile(f"^\\s*{visitor.text(name)}\\s*$")).first
    await expect(term.locator("xpath=following-sibling::dd[1]")).to_have_text(value)


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_cancellation_is_lived_through_by_buyer_seller_and_support(
    order: HttpStory, visit: Visit, locale: Locale
) -> None:
    """R1-R16: paid, asked to cancel, shipment claimed, proof rejected, dispute decided, money back."""
    due, entered, back, kept = AMOUNTS[locale]
    await order.place()
    buyer, seller, support = [await visit(it, locale) for it in ("buyer", "seller", "support")]

    # R5: paid, and checked for a day.
    await buyer.sign_in()
    await buyer.page.get_by_role("link", name=order.order_id).click()
    await buyer.sees("awaiting_payment")
    await buyer.button("pay_now").click()
    await buyer.sees("payment_review")
    cancel = buyer.button("cancel_request")
    await expect(cancel).to_be_disabled()
    await expect(cancel).to_have_accessible_description(
        re.compile(buyer.text("Available from %(at)s", at=r"\d+ \w+ 20\d\d, [\d:]+ UTC"))
    )
    await buyer.skips("day")
    await buyer.sees("awaiting_shipment")

    # R7, R8: the buyer asks to cancel, and complains.
    async with buyer.form("cancel_request") as form:
        await expect(form).to_contain_text(due)  # what the seller's silence would bring
        reason = form.get_by_label(buyer.text("Why?"))
        await reason.select_option(label=buyer.label("cancel_reason", "wont_arrive_in_time"))
        await form.get_by_label(buyer.text("Note")).fill("Czekam od tygodnia.")
        await form.get_by_label(buyer.text("I also want to complain about this seller")).check()
    await buyer.sees("cancellation_requested")
    await expect(buyer.page.get_by_role("status").first).to_be_visible()

    # R10: the seller says that it is shipped, and shows a photo.
    await seller.sign_in(f"/orders/{order.order_id}")
    async with seller.form("seller_reply") as form:
        await form.get_by_label(seller.label("seller_decision", "already_shipped")).check()
    await seller.sees("proof_requested")
    async with seller.form("shipment_proof") as form:
        await form.get_by_label(seller.label("proof_kind", "photo"), exact=True).check()
        await form.get_by_label(seller.text("Photo or scan"), exact=True).set_input_files(
            {"name": "parcel.png", "mimeType": "image/png", "buffer": photo()}
        )
    under_review = seller.label("proof_status", "under_review")
    await expect(seller.page.get_by_text(under_review).first).to_be_visible()

    # R11, R12: support finds it on the desk, looks at it, and rejects it.
    await support.sign_in()
    case = support.page.get_by_role("listitem").filter(has_text=order.order_id)
    await expect(case).to_contain_text(support.text("Proof to review"))
    await case.get_by_role("link", name=order.order_id).click()
    name = support.label("proof_kind", "photo")
    preview = support.page.get_by_role("img", name=name).first
    await preview.scroll_into_view_if_needed()
    await expect(preview).to_have_js_property("naturalWidth", 420)
    async with support.form("proof_review") as form:
        await form.get_by_label(_answer("No", locale), exact=True).check()
    await expect(support.page.get_by_role("heading", level=1)).to_contain_text(
        support.text("It does not prove the shipment")
    )
    await support.confirms()
    await support.sees("disputed")

    # R16: support decides for a part of the money.
    async with support.form("dispute_decision") as form:
        await form.get_by_label(support.label("dispute_decision", "partial_refund")).check()
        await form.get_by_label(support.text("Refund to the buyer")).fill(entered)
    await _fact(support, "The buyer gets back", back)
    await _fact(support, "The seller gets", kept)
    await support.confirms()
    await support.sees("closed")
    ended = support.label("close_reason", "dispute_partial_refund")
    await expect(support.page.get_by_role("main")).to_contain_text(ended)

    # R14: the buyer, whose page has followed it all, sees the money come back.
    await buyer.sees("closed")
    await _fact(buyer, "On its way to the buyer", back)
    while await buyer.page.get_by_text(buyer.label("event", "refund_succeeded")).count() == 0:
        await buyer.skips("next")
    await _fact(buyer, "Paid", due)
    await _fact(buyer, "Refunded to the buyer", back)
    await _fact(buyer, "For the seller", kept)


def _answer(text: str, locale: Locale) -> str:
    return str(translator(locale).pgettext("answer", text))


async def test_an_open_page_updates_itself_and_keeps_what_is_being_typed(
    order: HttpStory, visit: Visit
) -> None:
    await order.place()
    reader, writer = await visit("seller"), await visit("buyer")
    for visitor in (reader, writer):
        await visitor.sign_in(f"/orders/{order.order_id}")
        await visitor.page.evaluate("window.isTheSamePage = true")
    await writer.page.locator("summary", has_text=writer.label("action", "buyer_message")).click()
    text = writer.page.get_by_role("textbox", name=writer.text("Message"))
    await text.fill("Half a sen")

    assert (await order.pay()).status_code == 200

    await reader.sees("payment_review")
    await writer.sees("payment_review")
    await expect(text).to_have_value("Half a sen")
    await expect(text).to_be_focused()
    for visitor in (reader, writer):
        assert await visitor.page.evaluate("window.isTheSamePage")
