"""Lists that are longer than a page: the way to what is older, and back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import expect

from database.connection import Database
from database.orders import SqlOrders
from demo.system import DemoSystem
from gateway.paging import PAGE_SIZE
from i18n.catalogues import LOCALES, Locale
from i18n.formats import instant_text
from orders.disputes import Dispute, DisputeReason
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.shipments import Shipment
from tests.database.samples import snapshot
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.pages.conftest import Visit, Visitor
from tests.gateway.pages.soundness import fits, is_sound

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def kept(tmp_path: Path) -> AsyncIterator[Database]:
    """A database of this test's own: other tests' orders would be somewhere on its pages."""
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/unbuy.db")
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop(system: DemoSystem, kept: Database, tmp_path: Path) -> AsyncIterator[str]:
    async with serving(system.server.client, kept, proof_store=str(tmp_path)) as address:
        yield address


async def _keep(
    database: Database, order: HttpStory, number: int, disputes: bool = False
) -> list[str]:
    """So many orders, each a minute after the one before, the first two at once; their ids."""
    ids = [f"{order.order_id}-{it:03}" for it in range(number)]
    for place, order_id in enumerate(ids):
        at = FIRST + timedelta(minutes=max(place, 1))
        recorded = Order.new(PlaceOrder.model_validate(order.body(order_id=order_id)), at)
        if disputes:
            recorded.shipment = Shipment(ship_by=None)
            recorded.dispute = Dispute(
                dispute_id=order_id,
                reason=DisputeReason.BUYER_REQUEST,
                opened_at=at,
                due_by=at + timedelta(days=60),
            )
        await SqlOrders(database).record(snapshot(recorded))
    return ids


async def _listed(visitor: Visitor) -> list[str]:
    return await visitor.page.locator(".list a.whole").all_text_contents()


async def _follow(visitor: Visitor, link: str) -> None:
    async with visitor.page.expect_navigation():
        await visitor.page.get_by_role("link", name=visitor.text(link), exact=True).click()


@pytest.mark.parametrize("locale", LOCALES)
async def test_without_script_older_orders_are_behind_a_link_and_the_filter_goes_along(
    order: HttpStory, visit: Visit, kept: Database, shop: str, locale: Locale
) -> None:
    newest_first = (await _keep(kept, order, 2 * PAGE_SIZE + 1))[::-1]
    buyer = await visit("buyer", locale, address=shop, script=False, width=360)
    await buyer.sign_in()
    await buyer.page.get_by_label(buyer.text("Status")).select_option("awaiting_payment")
    async with buyer.page.expect_navigation():
        await buyer.page.get_by_role("button", name=buyer.text("Show")).click()

    seen = await _listed(buyer)
    await fits(buyer.page)
    for _ in range(2):
        await _follow(buyer, "Older orders")
        await expect(buyer.page.get_by_label(buyer.text("Status"))).to_have_value(
            "awaiting_payment"
        )
        seen += await _listed(buyer)

    assert seen == newest_first
    older = buyer.page.get_by_role("link", name=buyer.text("Older orders"), exact=True)
    await expect(older).to_have_count(0)
    await _follow(buyer, "Newest orders")
    assert await _listed(buyer) == newest_first[:PAGE_SIZE]
    newest = buyer.page.get_by_role("link", name=buyer.text("Newest orders"))
    await expect(newest).to_have_count(0)
    await expect(buyer.page.get_by_label(buyer.text("Status"))).to_have_value("awaiting_payment")


async def test_a_list_that_fits_on_one_page_has_no_link(
    order: HttpStory, visit: Visit, kept: Database, shop: str
) -> None:
    await _keep(kept, order, PAGE_SIZE)
    buyer = await visit("buyer", address=shop)
    await buyer.sign_in()

    assert len(await _listed(buyer)) == PAGE_SIZE
    await expect(buyer.page.get_by_role("navigation")).to_have_count(0)


@pytest.mark.parametrize("role", ["buyer", "support"])
@pytest.mark.parametrize("cursor", ["", "!", "Zm9v", "MjAyNi0xMS0yNVQxMjowMDowMCBB"])
async def test_an_invalid_cursor_gets_an_error_page(
    order: HttpStory, visit: Visit, role: str, cursor: str
) -> None:
    """Empty, of other letters, of no instant, of an instant without a zone."""
    visitor = await visit(role, "pl")
    await visitor.sign_in()

    answer = await visitor.page.goto(f"{visitor.address}/?cursor={cursor}")

    assert answer
    assert answer.status == 422
    text = "There is no such page of the list: start from the first one."
    await expect(visitor.page.get_by_role("alert")).to_have_text(visitor.text(text))
    await _follow(visitor, "To my orders")
    await expect(visitor.page.get_by_role("alert")).to_have_count(0)


async def test_the_page_after_the_last_order_is_empty(order: HttpStory, visit: Visit) -> None:
    buyer = await visit("buyer")
    await buyer.sign_in()
    before_all_orders = "MjAwMC0wMS0wMVQwMDowMDowMCswMDowMCBB"  # 2000-01-01, order A

    await buyer.page.goto(f"{buyer.address}/?cursor={before_all_orders}")

    await expect(buyer.page.get_by_text(buyer.text("There are no older orders."))).to_be_visible()
    await _follow(buyer, "Newest orders")
    await expect(buyer.page).to_have_url(f"{buyer.address}/")


@pytest.mark.parametrize("locale", LOCALES)
async def test_support_can_page_through_the_queue_and_search_results(
    order: HttpStory, visit: Visit, kept: Database, shop: str, locale: Locale
) -> None:
    """R11, R15, R16: what waits longest comes first, what is found newest first."""
    ids = await _keep(kept, order, PAGE_SIZE + 2, disputes=True)
    support = await visit("support", locale, address=shop, zone="Europe/Warsaw")
    await support.sign_in()

    heading = support.page.get_by_role("heading", level=2)
    await expect(heading).to_contain_text(support.text("more than %(number)s", number=PAGE_SIZE))
    longest = instant_text(FIRST + timedelta(minutes=1), locale, ZoneInfo("Europe/Warsaw"))
    await expect(support.page.get_by_role("listitem").first).to_contain_text(longest)
    await is_sound(support.page)
    waiting = await _listed(support)
    await _follow(support, "Newer")
    assert waiting + await _listed(support) == ids
    await _follow(support, "Oldest first")
    assert await _listed(support) == waiting

    await support.page.get_by_role("searchbox").fill(order.buyer.id)
    async with support.page.expect_navigation():
        await support.page.get_by_role("button", name=support.text("Search")).click()
    number = support.text("More than %(number)s orders found", number=PAGE_SIZE)
    await expect(heading).to_have_text(number)
    found = await _listed(support)
    await _follow(support, "Older orders")
    await expect(heading).to_have_text(support.text("Older orders found"))
    assert found + await _listed(support) == ids[::-1]
    await _follow(support, "Newest orders")
    assert await _listed(support) == found
