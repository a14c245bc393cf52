"""The pages as production has them: no clock, no payments that are none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from database.connection import Database
from demo.system import DemoSystem
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.pages.conftest import Visit


@pytest_asyncio.fixture(loop_scope="session")
async def production(system: DemoSystem, tmp_path: Path) -> AsyncIterator[str]:
    database = await Database.open(system.database_url)
    try:
        async with serving(
            system.server.client,
            database,
            proof_store=str(tmp_path),
            pay_url="https://shop.example/pay/{order_id}",
        ) as address:
            yield address
    finally:
        await database.close()


async def test_production_offers_no_time_skipping_and_no_test_payment(
    order: HttpStory, visit: Visit, production: str
) -> None:
    await order.place()
    buyer = await visit("buyer", address=production)
    await buyer.sign_in(f"/orders/{order.order_id}")

    await buyer.sees("awaiting_payment")
    pay = buyer.page.get_by_role("link", name=buyer.label("action", "pay_now"))
    await expect(pay).to_have_attribute("href", f"https://shop.example/pay/{order.order_id}")
    await expect(
        buyer.page.get_by_text(buyer.text("The demo\N{RIGHT SINGLE QUOTATION MARK}s clock"))
    ).to_have_count(0)
    secret = await buyer.page.locator("input[name=form_secret]").first.get_attribute("value")
    assert secret
    for path in ("pay", "clock"):
        form: dict[str, str | float | bool] = {"form_secret": secret, "skip": "day"}
        sent = await buyer.page.request.post(
            f"{production}/orders/{order.order_id}/{path}", form=form
        )
        assert sent.status == 404
    view = (await order.buyer.get(order.path)).json()
    assert (view["status"], view["payment"]) == ("awaiting_payment", None)
