"""Tracking numbers that somebody types into a page (R11)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateway.browsing import Anatomy, Browser, browser_at, sign_in
from tests.gateway.conftest import HttpStory

WRONG = " rr 123-456-784 pl"
UNKNOWN = "8001077530850"


@pytest_asyncio.fixture(loop_scope="session")
async def seller(address: str, order: HttpStory) -> AsyncIterator[Browser]:
    await order.place(policy={"payment_review": "PT1S"})
    await order.pay()
    await order.until("awaiting_shipment")
    async with browser_at(address) as http:
        yield await sign_in(http, "seller", order.seller.id)


async def numbers_of(order: HttpStory) -> list[str]:
    view = (await order.support.get(order.path)).json()
    return [it["number"] for it in view["shipment"]["tracking"]]


def value_of(page: Anatomy, name: str) -> str | None:
    return next(it for tag, it in page.elements if it.get("name") == name)["value"]


@pytest.mark.parametrize(
    ("typed", "why"),
    [(WRONG, "its check digit is wrong"), (UNKNOWN, "We know no carrier&#39;s rule")],
)
async def test_whoever_types_a_number_is_told_what_is_wrong_with_it(
    order: HttpStory, seller: Browser, typed: str, why: str
) -> None:
    """R11: what was entered is kept, nothing is sent, and there is a way to send it nevertheless."""
    page = await seller.post(
        f"/orders/{order.order_id}/tracking-number", number=typed, carrier="Yanwen"
    )
    before = await numbers_of(order)
    anatomy = Anatomy(page.text)
    sent = await seller.post(
        f"/orders/{order.order_id}/tracking-number", number=typed, carrier="Yanwen", as_it_is="yes"
    )

    assert page.status_code == 422
    assert why in page.text
    assert value_of(anatomy, "number") == typed
    assert value_of(anatomy, "carrier") == "Yanwen"
    assert value_of(anatomy, "as_it_is") == "yes"
    assert before == []
    assert sent.status_code == 303
    assert len(await numbers_of(order)) == 1


async def test_a_corrected_number_is_sent_at_once(order: HttpStory, seller: Browser) -> None:
    """R11."""
    answer = await seller.post(
        f"/orders/{order.order_id}/tracking-number", number="RR 123 456 785 PL"
    )

    assert answer.status_code == 303
    assert await numbers_of(order) == ["RR123456785PL"]


async def test_a_reply_with_a_number_is_judged_as_well(order: HttpStory, seller: Browser) -> None:
    """R10, R11."""
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "other"})

    page = await seller.post(
        f"/orders/{order.order_id}/seller-reply", decision="already_shipped", tracking_number=WRONG
    )

    assert page.status_code == 422
    assert value_of(Anatomy(page.text), "as_it_is") == "yes"
    assert (await order.support.get(order.path)).json()["status"] == "cancellation_requested"


async def test_the_api_takes_a_number_as_it_is(order: HttpStory, seller: Browser) -> None:
    """R11, R12: a program has nobody to tell."""
    answer = await order.seller.post(f"{order.path}/tracking-number", {"number": WRONG})

    assert answer.status_code == 200
    assert await numbers_of(order) == ["RR123456784PL"]
