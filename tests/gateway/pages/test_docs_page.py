"""The API's own page: whoever reads it can try what it says."""

import re

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import expect

from tests.gateway.conftest import HttpStory, token
from tests.gateway.pages.conftest import Visit


async def test_an_order_is_canceled_from_the_docs_page_alone(
    order: HttpStory, visit: Visit
) -> None:
    """R2: the token is entered, the body is the example that stands there, and the answer is the view.

    It can be read, and its links touched.
    """
    await order.place()
    reader = await visit("buyer")
    page = reader.page

    await page.goto(f"{reader.address}/docs")
    await page.locator(".opblock").first.wait_for()
    faint = await Axe().run(page, options={"runOnly": ["color-contrast", "target-size"]})
    assert faint.response["violations"] == []
    await page.get_by_role("button", name="Authorize").first.click()
    entry = page.locator(".dialog-ux")
    await entry.get_by_role("textbox").fill(token("buyer", order.buyer.id))
    await entry.get_by_role("button", name=re.compile("^Apply")).click()
    await entry.get_by_role("button", name="Close").click()
    operation = page.locator(".opblock", has_text="/v1/orders/{order_id}/cancel-request")
    await operation.locator("button.opblock-summary-control").click()
    await operation.get_by_placeholder("order_id").fill(order.order_id)
    await operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table .response")
    await expect(answer.locator(".response-col_status")).to_contain_text("200")
    view = (await order.buyer.get(order.path)).json()
    assert (view["status"], view["close_reason"]) == ("closed", "buyer_canceled_unpaid")
    await expect(answer).to_contain_text(f'"order_id": "{order.order_id}"')
