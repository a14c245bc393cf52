"""What buyer, seller and support do in a dispute, over HTTP and on its pages."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from demo.system import DemoSystem
from testing.pictures import OWNER, PHOTO, black_png, photo_of_somebody
from tests.gateway.browsing import Browser, everybody
from tests.gateway.conftest import HttpStory
from tests.gateway.test_page_safety import told
from tests.gateway.test_support_case import pdf_text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def order(system: DemoSystem, address: str) -> AsyncIterator[HttpStory]:
    """One order in dispute for all of these tests."""
    async with httpx.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        order = HttpStory(http, system)
        await order.place(policy={"payment_review": "PT1S"})
        await order.pay()
        await order.until("awaiting_shipment")
        await told(order, "buyer", "cancel-request", reason="distrust_seller", note="A fraud.")
        await told(order, "seller", "seller-reply", decision="refuse", note="It is packed.")
        yield order


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address: str, order: HttpStory) -> AsyncIterator[dict[str, Browser]]:
    async with everybody(address, order) as people:
        yield people


async def test_a_settlement_is_declined_beside_accepting_it_once_confirmed(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """R16b: with what it means said before, and over HTTP what the page did."""
    eur = {"amount": 500, "currency": "EUR"}
    await told(order, "seller", "settlement-offer", money=eur, note="For the trouble.")
    buyer, page = people["buyer"], f"/orders/{order.order_id}"

    assert "Decline the offer" in (await buyer.http.get(page)).text
    asked = await buyer.post(f"{page}/offer-decline", offer_id="offer-1")
    assert "The dispute goes on, and support decides about the money." in asked.text
    assert (await order.buyer.get(order.path)).json()["offers"][0]["status"] == "open"
    sent = await buyer.post(f"{page}/offer-decline", offer_id="offer-1", confirmed="yes")

    assert sent.status_code == 303
    shown = (await buyer.http.get(page)).text
    assert "Offer declined." in shown
    assert not re.search("<button[^>]*>Accept the settlement", shown)
    again = await order.buyer.post(f"{order.path}/offer-decline", {"offer_id": "offer-1"})
    assert (again.status_code, again.json()["code"]) == (409, "unknown_offer")


async def test_the_three_of_a_dispute_write_in_one_place(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """R16: support's message is on each page, and the order says to whom an answer goes."""
    page = f"/orders/{order.order_id}"
    sent = await people["support"].post(f"{page}/support-message", text="Please send a photo.")
    assert sent.status_code == 303
    await told(order, "buyer", "buyer-message", text="Here it is.")

    for role, writes in [
        ("buyer", "Write to the seller and support"),
        ("seller", "Write to the buyer and support"),
        ("support", "Write to buyer and seller"),
    ]:
        shown = (await people[role].http.get(page)).text
        assert "Please send a photo." in shown
        assert "Here it is." in shown
        assert writes in shown
    case = (await people["support"].http.get(f"{page}/case")).text
    assert "Please send a photo." in case
    assert f'href="{page}#do-support_message"' in case


async def test_support_begins_with_a_ready_text_in_the_languages_of_both(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """R16: the buyer's is Polish, the seller's English."""
    page = f"/orders/{order.order_id}"
    shown = (await people["support"].http.get(f"{page}?text=soon")).text

    found = re.search(r'<textarea id="support_message-text"[^>]*>([^<]*)', shown)
    assert found
    assert "Obie strony" in found[1]
    assert "We have heard both of you" in found[1]
    assert f'href="{page}?text=photos#do-support_message"' in shown


async def test_the_buyer_adds_evidence_which_the_seller_gets_redrawn(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """R16, case 85: by form and over HTTP; support has the original, and both sides in the case."""
    page, original = f"/orders/{order.order_id}", photo_of_somebody()
    buyer = people["buyer"]
    sent = await buyer.http.post(
        f"{page}/dispute-evidence",
        data={"form_secret": buyer.form_secret, "note": "It came empty."},
        files={"file": ("photo.jpg", original)},
    )
    assert sent.status_code == 303, sent.text
    over_http = await order.buyer.post(
        f"{order.path}/evidence", files={"file": PHOTO}, data={"note": "n" * 1000}
    )
    assert over_http.status_code == 200, over_http.text
    files = over_http.json()["dispute"]["files"]

    assert [it["note"] for it in files] == ["It came empty.", "n" * 1000]
    path = f"{order.path}/proofs/{files[0]['sha256']}"
    for person in (order.buyer, order.support):
        assert (await person.get(path)).content == original
    assert OWNER.encode() not in (await order.seller.get(path)).content
    for role in ("buyer", "seller", "support"):
        shown = (await people[role].http.get(page)).text
        assert f'src="{page}/proofs/{files[0]["sha256"]}"' in shown
    case = (await people["support"].http.get(f"{page}/case")).text
    assert "It came empty." in case
    assert f'src="{page}/proofs/{files[0]["sha256"]}"' in case
    pdf = await people["support"].http.get(f"{page}/case/file?format=pdf")
    assert files[1]["sha256"] in pdf_text(pdf).replace("\n", "")


@pytest.mark.parametrize(
    ("content", "status"), [(b"<html>", 415), (black_png(40_000, 40_000), 422)], ids=["page", "big"]
)
async def test_evidence_is_judged_as_proofs_are(
    people: dict[str, Browser], order: HttpStory, content: bytes, status: int
) -> None:
    """R16, case 53: by its content, said at the field, with what was written kept."""
    before, buyer = (await order.buyer.get(order.path)).json(), people["buyer"]
    refused = await buyer.http.post(
        f"/orders/{order.order_id}/dispute-evidence",
        data={"form_secret": buyer.form_secret, "note": "It came empty."},
        files={"file": ("photo.jpg", content)},
    )

    assert refused.status_code == status
    assert 'id="dispute_evidence-file-wrong"' in refused.text
    assert "It came empty.</textarea>" in refused.text
    assert (await order.buyer.get(order.path)).json()["dispute"] == before["dispute"]
