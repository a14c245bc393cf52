"""The README's screenshot: a waiting order in Temporal's web UI. Needs chromium.

``make screenshot`` starts a server, lives an order up to a cancellation request, and takes the picture.
"""

import asyncio
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import async_playwright
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from deploy.embedded import embedded_server
from ledger.journal import Database
from orders.messages import CancelReason, CancelRequest, PaymentReceived
from orders.model import PlaceOrder, Status
from worker import World, build_worker
from workflows import calls

_ROOT = Path(__file__).parent.parent
_PICTURE = _ROOT / "docs" / "images" / "waiting-order.png"


async def main() -> int:
    """Take the picture; 2 where chromium is missing."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("Install chromium first (Debian: apt-get install chromium).")
        return 2
    placed = PlaceOrder.model_validate_json((_ROOT / "samples" / "order-eur.json").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(f"sqlite+aiosqlite:///{folder}/unbuy.db")
        async with embedded_server(ui=True) as server:
            skipper = TimeSkipper(server.client, config=TimeSkippingConfig(enabled=False))
            world = World.local(database, server.client)
            async with build_worker(server.client, world.activities()):
                handle = await calls.place(skipper.client, placed)
                payment = PaymentReceived(
                    payment_id="pay-1",
                    money=placed.total,
                    method="card",
                    paid_at=datetime.now(UTC),
                )
                await calls.update(server.client, placed.order_id, payment)
                await skipper.fast_forward(handle, timedelta(days=1, seconds=3))
                while (await calls.show(server.client, placed.order_id)).status is not (
                    Status.AWAITING_SHIPMENT
                ):
                    await asyncio.sleep(0.1)
                request = CancelRequest(reason=CancelReason.WONT_ARRIVE_IN_TIME, complaint=True)
                await calls.update(server.client, placed.order_id, request)
                address = f"{server.ui_url}/namespaces/default/workflows/{handle.id}"
                await _photograph(
                    chromium, f"{address}/{handle.first_execution_run_id}/user-metadata"
                )
        await database.close()
    print(f"wrote {_PICTURE.relative_to(_ROOT)}")
    return 0


async def _photograph(chromium: str, address: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1280})
        await page.goto(address)
        # The web UI renders Markdown in a frame of its own.
        await page.frame_locator("iframe").last.get_by_text("Next by itself").wait_for()
        await page.screenshot(path=_PICTURE)
        await browser.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
