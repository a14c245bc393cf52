"""Case 72: what people write is text, however much it looks like a sentence of ours, wherever it is shown."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from activities.notifications import OutboxMessage
from adapters.notifications.render import NotificationRenderer
from database.connection import Database
from database.outbox import SqlOutbox
from demo.waiting import until
from orders.messages import Role
from tests.gateway.browsing import Anatomy, browser_at, sign_in
from tests.gateway.conftest import HttpStory
from tests.gateway.problem import must_be_problem

LOOKS_LIKE_OURS = "The order is closed: it was not paid in time."
BREAKS_PATTERNS = (
    "It looks like a number of this carrier: . But theirs have  to  characters, and this one has "
    * 10
)
IN_POLISH = {"Accept-Language": "pl"}


async def _cancel(order: HttpStory, text: str) -> None:
    """An order of a Polish seller; the buyer asks to cancel it, and both have written this."""
    seller = {"id": order.seller.id, "name": "Sklep", "locale": "pl", "notify": []}
    await order.place(policy={"payment_review": "PT1S"}, seller=seller)
    await order.buyer.post(f"{order.path}/buyer-message", {"text": text})
    await order.pay()
    await order.until("awaiting_shipment")
    wish = {"reason": "other", "note": text}
    answer = await order.buyer.post(f"{order.path}/cancel-request", wish)
    assert answer.status_code == 200, answer.text


@pytest_asyncio.fixture(loop_scope="session")
async def seller(address: str, order: HttpStory) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_at(address) as browser:
        yield (await sign_in(browser, "seller", order.seller.id)).http


@pytest.mark.parametrize("text", [LOOKS_LIKE_OURS, BREAKS_PATTERNS], ids=["looks", "breaks"])
async def test_a_note_is_shown_as_it_is_and_a_polish_seller_is_told(
    order: HttpStory, seller: httpx.AsyncClient, text: str
) -> None:
    await _cancel(order, text)

    async with asyncio.timeout(30):
        view = (await order.seller.get(order.path, headers=IN_POLISH)).json()
        page = await seller.get(f"/orders/{order.order_id}", headers=IN_POLISH)
        told = await _told(order, "cancellation_requested")

    assert view["cancellation"]["note"] == view["messages"][0]["text"] == text
    assert " ".join(Anatomy(page.text).text.split()).count(" ".join(text.split())) >= 2
    asked = NotificationRenderer().text([told])
    assert asked.startswith(f"Kupujący prosi o anulowanie zamówienia {order.order_id}")
    assert text in NotificationRenderer().text([await _told(order, "buyer_message")])


async def _told(order: HttpStory, what: str) -> OutboxMessage:
    """What the seller was told, once it is delivered."""
    database = await Database.open(order.system.database_url)
    try:
        outbox = SqlOutbox(database)
        entries = await until(
            lambda: outbox.entries(order.order_id),
            lambda all_: any(it.message.what == what and it.delivered_at for it in all_),
        )
    finally:
        await database.close()
    return next(
        it.message for it in entries if (it.message.what, it.message.to) == (what, Role.SELLER)
    )


async def test_what_we_say_is_said_in_polish_over_http_and_on_pages(
    order: HttpStory, seller: httpx.AsyncClient
) -> None:
    """R21: what is refused, and why something is not possible now."""
    await order.place()

    answer = await order.seller.post(
        f"{order.path}/seller-reply", {"decision": "accept"}, headers=IN_POLISH
    )
    wrong = await order.seller.post(f"{order.path}/seller-reply", {}, headers=IN_POLISH)
    nowhere = await order.seller.get(
        "/v1/orders/String should have at least x characters", headers=IN_POLISH
    )
    page = await seller.get(f"/orders/{order.order_id}", headers=IN_POLISH)

    problem = must_be_problem(answer, 409)
    assert problem["detail"].endswith("obecnie zamówienie oczekuje na płatność.")
    assert problem["reason"].endswith("at present the order awaits payment.")
    assert (
        problem["reason_sentence"]["template"]
        == "{action} only while {statuses}; at present {status}."
    )
    detail = "seller_reply zawiera błędy: decision: pole jest wymagane."
    assert must_be_problem(wrong, 422)["detail"] == detail
    assert "String should have at least x characters" in must_be_problem(nowhere, 404)["detail"]
    assert "obecnie zamówienie oczekuje na płatność" in Anatomy(page.text).text
