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
from gateway.paging import SHOWN
from i18n.catalogues import LOCALES, Locale, translator
from i18n.formats import deadline_text
from i18n.labels import phrase
from orders.disputes import Dispute, DisputeReason
from orders.handlers import receive
from orders.messages import parse
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.schedule import let_time_pass
from orders.shipments import Shipment
from tests.database.samples import pay, snapshot
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
    found = visitor.page.get_by_role("link", name=visitor.text(link), exact=True)
    address = await found.get_attribute("href")
    await found.click()
    await visitor.page.wait_for_url(f"**{address}")


def _found(visitor: Visitor, number: int) -> str:
    said = translator(visitor.locale)
    text: str = said.ngettext("%(number)s order found", "%(number)s orders found", number)
    return text % {"number": number}


@pytest.mark.parametrize("locale", LOCALES)
async def test_without_script_pages_have_numbers_and_the_filter_goes_along(
    order: HttpStory, visit: Visit, kept: Database, shop: str, locale: Locale
) -> None:
    newest_first = (await _keep(kept, order, 2 * SHOWN + 1))[::-1]
    buyer = await visit("buyer", locale, address=shop, script=False, width=360)
    await buyer.sign_in()
    await buyer.page.get_by_label(buyer.text("Status")).select_option("awaiting_payment")
    async with buyer.page.expect_navigation():
        await buyer.page.get_by_role("button", name=buyer.text("Search")).click()

    found = buyer.page.get_by_role("status").filter(has_text=_found(buyer, 2 * SHOWN + 1))
    await expect(found).to_be_visible()
    seen = await _listed(buyer)
    await fits(buyer.page)
    for _ in range(2):
        await _follow(buyer, "Next")
        await expect(buyer.page.get_by_label(buyer.text("Status"))).to_have_value(
            "awaiting_payment"
        )
        seen += await _listed(buyer)

    assert seen == newest_first
    await expect(
        buyer.page.get_by_text(
            buyer.text(
                "%(first)s to %(last)s of %(total)s",
                first=2 * SHOWN + 1,
                last=2 * SHOWN + 1,
                total=2 * SHOWN + 1,
            )
        )
    ).to_be_visible()
    await expect(buyer.page.get_by_role("link", name=buyer.text("Next"), exact=True)).to_have_count(
        0
    )
    async with buyer.page.expect_navigation():
        await buyer.page.get_by_role("link", name=f"{buyer.text('Page')} 1", exact=True).click()
    assert await _listed(buyer) == newest_first[:SHOWN]


async def test_a_list_that_fits_on_one_page_has_no_pages(
    order: HttpStory, visit: Visit, kept: Database, shop: str
) -> None:
    await _keep(kept, order, SHOWN)
    buyer = await visit("buyer", address=shop)
    await buyer.sign_in()

    assert len(await _listed(buyer)) == SHOWN
    pages = buyer.page.get_by_role("navigation", name=buyer.text("Pages of the list"))
    await expect(pages).to_have_count(0)


@pytest.mark.parametrize("role", ["buyer", "support"])
@pytest.mark.parametrize("number", ["", "0", "-1", "x", "1e3", "٣", "9999999"])
async def test_an_invalid_page_gets_an_error_page(
    order: HttpStory, visit: Visit, role: str, number: str
) -> None:
    visitor = await visit(role, "pl")
    await visitor.sign_in()

    answer = await visitor.page.goto(f"{visitor.address}/?page={number}")

    assert answer
    assert answer.status == 422
    text = "There is no such page of the list: start from the first one."
    await expect(visitor.page.get_by_role("alert")).to_have_text(visitor.text(text))


async def test_the_page_after_the_last_is_the_last(
    order: HttpStory, visit: Visit, kept: Database, shop: str
) -> None:
    """A list becomes shorter while somebody reads it."""
    ids = await _keep(kept, order, SHOWN + 1)
    buyer = await visit("buyer", address=shop)
    await buyer.sign_in()

    await buyer.page.goto(f"{buyer.address}/?page=7")

    assert await _listed(buyer) == [ids[-1]]


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_seller_has_first_what_needs_an_answer_by_deadline_then_what_to_ship(
    order: HttpStory, visit: Visit, kept: Database, shop: str, locale: Locale
) -> None:
    """R9, R20: whenever they were placed; and each part alone, with its number."""
    ids = await _keep(kept, order, SHOWN + 2)
    late, soon, to_ship = ids[3], ids[1], ids[2]
    now = datetime.now(UTC)
    for order_id, days in ((late, 1), (soon, 13), (to_ship, None)):
        await _record(kept, _paid(order, order_id, now - timedelta(days=20), days, now))
    seller = await visit("seller", locale, address=shop, zone="Europe/Warsaw")
    await seller.sign_in()

    headings = seller.page.get_by_role("heading", level=2)
    await expect(headings).to_have_text(
        [
            f"{seller.text('Needs your answer')} (2)",
            f"{seller.text('To ship')} (1)",
            f"{seller.text('All others')} ({SHOWN - 1})",
        ]
    )
    assert (await _listed(seller))[:3] == [soon, late, to_ship]
    first = seller.page.get_by_role("listitem").filter(has_text=soon)
    await expect(first).to_contain_text(seller.label("ask", "reply"))
    await expect(first.locator(".urgent")).to_have_count(1)
    await is_sound(seller.page)
    await _follow(seller, "Next")
    await expect(headings).to_have_text([f"{seller.text('All others')} ({SHOWN - 1})"])
    assert len(await _listed(seller)) == 2
    tabs = seller.page.get_by_role("navigation", name=seller.text("My orders"))
    async with seller.page.expect_navigation():
        await tabs.get_by_role("link", name=f"{seller.text('Needs your answer')} 2").click()
    assert await _listed(seller) == [soon, late]


async def test_a_list_is_live_and_says_when_the_connection_is_lost(
    order: HttpStory, visit: Visit, kept: Database, shop: str
) -> None:
    """Defect 20 of a stale page that says nothing."""
    ids = await _keep(kept, order, 1)
    buyer = await visit("buyer", address=shop)
    await buyer.page.clock.install()
    await buyer.sign_in()
    assert await _listed(buyer) == ids

    await _keep(kept, order, 2)
    await buyer.page.clock.run_for(11_000)
    await expect(buyer.page.locator(".list a.whole")).to_have_text(
        [ids[0], ids[0].replace("000", "001")]
    )
    lost = buyer.page.get_by_text(buyer.text("Connection lost. This is how it was at"))
    await expect(lost).to_be_hidden()

    await buyer.page.context.set_offline(True)
    await expect(lost).to_be_visible()
    await buyer.page.context.set_offline(False)
    await buyer.page.clock.run_for(11_000)
    await expect(lost).to_be_hidden()


@pytest.mark.parametrize("locale", LOCALES)
async def test_support_can_page_through_the_queue_and_search_results(
    order: HttpStory, visit: Visit, kept: Database, shop: str, locale: Locale
) -> None:
    """R11, R15, R16: what waits longest comes first, what is found newest first."""
    ids = await _keep(kept, order, SHOWN + 2, disputes=True)
    support = await visit("support", locale, address=shop, zone="Europe/Warsaw")
    await support.sign_in()

    heading = support.page.get_by_role("heading", level=2)
    await expect(heading).to_have_text(f"{support.text('Needs your decision')} ({SHOWN + 2})")
    longest = deadline_text(FIRST + timedelta(minutes=1), locale, ZoneInfo("Europe/Warsaw"))
    first = support.page.locator(".list li").first
    await expect(first).to_contain_text(longest)
    await expect(first).to_contain_text(phrase("buyer_request", locale))
    await is_sound(support.page)
    waiting = await _listed(support)
    await _follow(support, "Next")
    assert waiting + await _listed(support) == ids
    await _follow(support, "Ending soonest")
    assert await _listed(support) == waiting
    tabs = support.page.get_by_role("navigation", name=support.text("Needs your decision"))
    async with support.page.expect_navigation():
        await tabs.get_by_role("link", name=support.text("Dispute to decide")).click()
    assert await _listed(support) == waiting

    await support.page.get_by_role("searchbox").fill(f"anna {order.buyer.id}")
    async with support.page.expect_navigation():
        await support.page.get_by_role("button", name=support.text("Search")).click()
    await expect(support.page.locator(".found")).to_contain_text(_found(support, SHOWN + 2))
    found = await _listed(support)
    await _follow(support, "Next")
    assert found + await _listed(support) == ids[::-1]
    await _follow(support, "Previous")
    assert await _listed(support) == found


async def _record(database: Database, order: Order) -> None:
    await SqlOrders(database).record(snapshot(order).model_copy(update={"revision": 1000}))


def _paid(order: HttpStory, order_id: str, at: datetime, asked: int | None, now: datetime) -> Order:
    """An order that was paid at an instant; so many days ago its buyer asked to cancel it."""
    made = Order.new(PlaceOrder.model_validate(order.body(order_id=order_id)), at)
    pay(made, at)
    let_time_pass(made, at + timedelta(days=1))
    if asked is not None:
        request = parse("cancel_request", [b'{"reason": "changed_mind"}'])
        receive(made, request, now - timedelta(days=asked))
    return made
