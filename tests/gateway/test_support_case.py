"""What support has beside an order: both sides, notes, notifications, numbers, and the case file."""

import io
import json
from collections.abc import AsyncIterator

import httpx
import pypdfium2  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from gateway.case_files import CaseFile
from tests.gateway.browsing import HOSTILE, Browser, browser_at, everybody, sign_in
from tests.gateway.conftest import HttpStory
from tests.gateway.test_page_safety import ask_to_cancel, must_be_safe, told

NOTE = "Called the seller: the parcel is still there."


@pytest_asyncio.fixture(loop_scope="session")
async def people(address: str, order: HttpStory) -> AsyncIterator[dict[str, Browser]]:
    async with everybody(address, order) as people:
        yield people


@pytest_asyncio.fixture(loop_scope="session")
async def case(order: HttpStory) -> str:
    """The address of the case of an order in dispute."""
    await order.place(policy={"payment_review": "PT1S"})
    await order.pay()
    await order.until("awaiting_shipment")
    await told(order, "buyer", "cancel-request", reason="distrust_seller", note="A fraud.")
    await told(order, "seller", "seller-reply", decision="refuse", note="It is packed.")
    return f"/orders/{order.order_id}/case"


def pdf_text(answer: httpx.Response) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(answer.content))
    return "\n".join(page.get_textpage().get_text_range() for page in document)


async def test_support_sees_both_sides_and_what_each_decision_means(
    people: dict[str, Browser], case: str
) -> None:
    """R16, R16a: before it decides: amounts for both, and whether the order closes."""
    page = (await people["support"].http.get(case)).text

    assert "A fraud." in page
    assert "It is packed." in page
    assert "€24.90" in page
    assert "the dispute closes, and the order awaits shipment again" in page
    assert "the dispute and the order close" in page


async def test_notes_are_for_support_alone(
    people: dict[str, Browser], case: str, order: HttpStory
) -> None:
    added = await people["support"].post(f"{case}/notes", text=NOTE)

    assert added.status_code == 303
    page = (await people["support"].http.get(case)).text
    assert NOTE in page
    assert order.support.id in page
    for role in ("buyer", "seller"):
        for address in (case, f"{case}/file"):
            assert (await people[role].http.get(address)).status_code == 403
        assert (await people[role].post(f"{case}/notes", text="x")).status_code == 403
        assert (await people[role].post(f"{case}/assignment")).status_code == 403
    views = [await order.person(role).get(order.path) for role in ("buyer", "seller", "support")]
    assert not any(NOTE in view.text for view in views)


@pytest.mark.parametrize("text", ["", "  ", "x" * 1001])
async def test_an_invalid_note_is_refused_and_stays_in_its_field(
    people: dict[str, Browser], case: str, text: str
) -> None:
    refused = await people["support"].post(f"{case}/notes", text=text)

    assert refused.status_code == 422
    assert "Write a note of 1 to 1000 characters." in refused.text
    assert text.strip() in refused.text


async def test_a_case_is_taken_taken_over_and_left(
    people: dict[str, Browser], case: str, order: HttpStory, address: str
) -> None:
    assert "Nobody has taken it yet." in (await people["support"].http.get(case)).text

    await people["support"].post(f"{case}/assignment")
    assert f"Taken by {order.support.id}" in (await people["support"].http.get(case)).text

    async with browser_at(address) as http:
        other = await sign_in(http, "support", "support-zoe")
        assert "Take it over" in (await http.get(case)).text
        await other.post(f"{case}/assignment")
        assert "Taken by support-zoe" in (await http.get(case)).text
        await other.post(f"{case}/assignment", leave="yes")
        assert "Nobody has taken it yet." in (await http.get(case)).text


async def test_the_case_goes_along_as_json_and_notes_only_where_asked_for(
    people: dict[str, Browser], case: str, order: HttpStory
) -> None:
    """Timeline with who, money, messages, and proofs with their digests."""
    await people["support"].post(f"{case}/notes", text=NOTE)

    without = await people["support"].http.get(f"{case}/file?format=json")
    including = await people["support"].http.get(f"{case}/file?format=json&notes=yes")

    assert without.headers["content-disposition"] == (
        f'attachment; filename="case-{order.order_id}.json"'
    )
    assert NOTE not in without.text
    found = CaseFile.model_validate_json(including.text)
    assert [it.text for it in found.notes] == [NOTE]
    assert found.exported_by == order.support.id
    assert found.order.order_id == order.order_id
    assert {it.what for it in found.notifications} >= {"order_placed", "cancellation_requested"}
    assert all(order.order_id in it.subject for it in found.notifications)
    assert json.loads(including.text)["order"]["timeline"][0]["by"] == "buyer"


async def test_the_case_goes_along_without_the_addresses_of_buyer_and_seller(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """R25: a channel's address may hold a secret, which is no court's or bank's."""
    body = order.body(order_id=f"{order.order_id}-told")
    body["buyer"]["notify"] = ["mailto:anna@example.org"]
    body["seller"]["notify"] = ["slack://a-secret/of-the/channel"]
    assert (await order.support.post("/v1/orders", body)).status_code == 201

    file = f"/orders/{body['order_id']}/case/file?format=json"
    answer = await people["support"].http.get(file)

    assert answer.status_code == 200
    assert body["seller"]["name"] in answer.text
    assert "a-secret" not in answer.text
    assert "anna@example.org" not in answer.text


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Case file of order"), ("pl", "Akta zamówienia")]
)
async def test_the_case_is_printed_in_the_readers_language(
    people: dict[str, Browser], case: str, language: str, title: str
) -> None:
    await people["support"].post(f"{case}/notes", text=NOTE)
    browser = people["support"].http

    printed = await browser.get(f"{case}/file", headers={"Accept-Language": language})

    assert printed.headers["content-type"] == "application/pdf"
    text = pdf_text(printed)
    assert title in text
    assert NOTE not in text
    assert NOTE in pdf_text(await browser.get(f"{case}/file?notes=yes"))


async def test_what_people_write_is_text_in_the_case(
    people: dict[str, Browser], order: HttpStory
) -> None:
    """Neither markup of a page, nor of what sets the PDF."""
    await ask_to_cancel(order, HOSTILE + '#read("/etc/passwd")')
    case = f"/orders/{order.order_id}/case"
    await people["support"].post(f"{case}/notes", text=HOSTILE)
    await people["support"].post(f"{case}/notes", text="W" * 900)

    must_be_safe(await people["support"].http.get(case))

    printed = await people["support"].http.get(f"{case}/file?notes=yes")
    text = pdf_text(printed)
    assert "#read" in text
    assert "root:" not in text
    assert (
        _seen(printed).count("W") >= 900
    )  # a word without an end hides nothing beyond the paper's edge


def _seen(answer: httpx.Response) -> str:
    """The characters that are on the paper."""
    seen = ""
    for page in pypdfium2.PdfDocument(io.BytesIO(answer.content)):
        text, width = page.get_textpage(), page.get_width()
        seen += "".join(
            text.get_text_range(at, 1)
            for at in range(text.count_chars())
            if text.get_charbox(at)[2] <= width
        )
    return seen
