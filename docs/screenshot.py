"""The pictures of the documentation: an order in Temporal's web UI, and our pages. Needs chromium.

``make screenshot`` starts the system, lives some orders up to where they wait for people, and takes them.
"""

import asyncio
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn
from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from client import orders
from database.connection import Database
from deploy.embedded import embedded_server
from gateway.access import Role
from gateway.app import build_app
from gateway.pages.base import ZONE
from gateway.server import Server
from gateway.tokens import SecretTokens
from gateway.wiring import build_pages, build_services
from i18n.catalogues import Locale
from orders import messages as m
from orders.place_order import PlaceOrder
from orders.status import Status
from orders.view import OrderView
from runtime.settings import Settings
from runtime.wiring import Adapters
from runtime.worker import build_worker
from workflows.order import OrderWorkflow

_ROOT: Final = Path(__file__).parent.parent
_IMAGES: Final = _ROOT / "docs" / "images"
_SECRET: Final = SecretStr("only for the pictures, 32 characters")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For a browser that asks nobody anything, also as root."""
BROWSERS: Final = ("chromium-headless-shell", "chromium", "google-chrome")
"""By name, the cheapest first: the shell has no windows, and takes a quarter of the whole one's CPU time."""


class _View(NamedTuple):
    """A picture of one of our pages."""

    name: str
    role: Role
    sub: str
    path: str
    locale: Locale
    width: int
    height: int


_TIME_ZONE: Final = "Europe/Warsaw"
_CHECKED: Final = "A-1004"
_CLAIMED: Final = "A-1005"
_VIEWS: Final = (
    _View("order-pl", Role.BUYER, "buyer-7", f"/orders/{_CHECKED}", "pl", 1160, 880),
    _View("order-en-dark-mobile", Role.SELLER, "seller-3", f"/orders/{_CLAIMED}", "en", 360, 780),
    _View("support-queue", Role.SUPPORT, "support-1", "/", "en", 1000, 472),
    _View("support-case", Role.SUPPORT, "support-1", f"/orders/{_CLAIMED}/case", "en", 1000, 720),
)


def installed_browser() -> str | None:
    """The path of a browser that is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


async def main() -> int:
    """Take the pictures; 2 where a browser is missing."""
    chromium = installed_browser()
    if chromium is None:
        print(f"Install a browser first (Debian: apt-get install {BROWSERS[0]}).")
        return 2
    placed = PlaceOrder.model_validate_json((_ROOT / "samples" / "order-eur.json").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite+aiosqlite:///{folder}/unbuy.db")
        async with embedded_server(ui=True) as server, async_playwright() as playwright:
            # Grey letters make smaller files than coloured ones.
            flags = [*FLAGS, "--disable-lcd-text"]
            browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
            world = Adapters.local(database, server.client)
            async with build_worker(server.client, world.activities()):
                handle = await _skip_the_review(server.client, placed)
                await _ask_to_cancel(server.client, placed.order_id)
                shown = f"{server.ui_url}/namespaces/default/workflows/{handle.id}"
                await _photograph_web_ui(browser, f"{shown}/{handle.first_execution_run_id}")
                await _live_for_the_pages(server.client, placed)
                async with _gateway(server.client, database, folder) as address:
                    await _photograph_pages(browser, address)
            await browser.close()
        await database.close()
    return 0


async def _skip_the_review(
    client: Client, placed: PlaceOrder
) -> WorkflowHandle[OrderWorkflow, OrderView]:
    """A paid order, a day later by its own clock."""
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    handle = await orders.place(skipper.client, placed)
    await _pay(client, placed)
    await skipper.fast_forward(handle, timedelta(days=1, seconds=3))
    return handle


async def _live_for_the_pages(client: Client, placed: PlaceOrder) -> None:
    """One order that is being checked and one whose seller claims to have shipped, by the real clock."""
    checked = placed.model_copy(update={"order_id": _CHECKED})
    await orders.place(client, checked)
    await _pay(client, checked)

    policy = placed.policy.model_copy(update={"payment_review": timedelta(seconds=1)})
    claimed = placed.model_copy(update={"order_id": _CLAIMED, "policy": policy})
    await orders.place(client, claimed)
    await _pay(client, claimed)
    await _ask_to_cancel(client, _CLAIMED)
    claim = m.SellerReply(decision="already_shipped", note="It left this morning.")
    await orders.update(client, _CLAIMED, claim)


async def _pay(client: Client, placed: PlaceOrder) -> None:
    payment = m.PaymentReceived(
        payment_id=f"pay-{placed.order_id}",
        money=placed.total,
        method="card",
        paid_at=datetime.now(UTC),
    )
    await orders.update(client, placed.order_id, payment)


async def _ask_to_cancel(client: Client, order_id: str) -> None:
    while (await orders.show(client, order_id)).status is not Status.AWAITING_SHIPMENT:
        await asyncio.sleep(0.1)
    request = m.CancelRequest(reason=m.CancelReason.WONT_ARRIVE_IN_TIME, complaint=True)
    await orders.update(client, order_id, request)


@asynccontextmanager
async def _gateway(client: Client, database: Database, folder: str) -> AsyncIterator[str]:
    settings = Settings(token_secret=_SECRET, proof_store=f"{folder}/proofs")
    services = build_services(settings, client, database)
    app = build_app(services, (), build_pages(settings, services, client, database))
    config = uvicorn.Config(app, access_log=False, log_level="error", lifespan="off")
    server = Server(config, services.order_stream)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.stop()
            await serving


async def _photograph_web_ui(browser: Browser, address: str) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 1280})
    await page.goto(f"{address}/user-metadata")
    # The web UI renders Markdown in a frame of its own.
    await page.frame_locator("iframe").last.get_by_text("Next:", exact=True).wait_for()
    await page.screenshot(path=_IMAGES / "waiting-order.png")
    print("wrote docs/images/waiting-order.png")
    await page.get_by_role("button", name="More Actions").click()
    await page.get_by_role("menuitem", name="Send an Update").click()
    dialog = page.locator("dialog[open]")
    # The web UI's list of choices is no combobox to the accessibility tree.
    await dialog.locator("[data-track-name=select]").click()
    await dialog.get_by_text("cancel_request").wait_for()
    await dialog.screenshot(path=_IMAGES / "send-update.png")
    print("wrote docs/images/send-update.png")


async def _photograph_pages(browser: Browser, address: str) -> None:
    for view in _VIEWS:
        context = await browser.new_context(
            locale=view.locale,
            timezone_id=_TIME_ZONE,
            viewport={"width": view.width, "height": view.height},
            color_scheme="dark" if "dark" in view.name else "light",
        )
        # As a browser that was here before: no picture is taken of a page that is read anew.
        await context.add_cookies([{"name": ZONE, "value": _TIME_ZONE, "url": address}])
        page = await context.new_page()
        token = SecretTokens(_SECRET).issue(view.role, view.sub, timedelta(minutes=5))
        await page.goto(f"{address}/sign-in?token={token}&to={view.path}")
        await page.locator("main button").click()
        await page.get_by_role("heading", level=1).wait_for()
        await page.screenshot(path=_IMAGES / f"{view.name}.png")
        print(f"wrote docs/images/{view.name}.png")
        await context.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
