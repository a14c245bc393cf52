"""The pages in a real browser: a gateway to play with, and people who sign in there by a link."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from database.connection import Database
from demo.system import DemoSystem
from docs.screenshot import BROWSERS, FLAGS, installed_browser
from i18n.catalogues import Locale, translator
from i18n.labels import label
from tests.gateway.conftest import HttpStory, serving, token

# A busy machine takes its time.
PATIENCE_MS = 20_000
TEMPORAL_UI = "http://127.0.0.1:1/namespaces/default/workflows/order-{order_id}"


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser of their own, who reads one language."""

    page: Page
    address: str
    locale: Locale
    role: str
    id: str

    def text(self, text: str, **parts: Any) -> str:
        """What the pages say for a text of theirs."""
        said: str = translator(self.locale).gettext(text)
        return said % parts if parts else said

    def label(self, kind: str, key: str) -> str:
        """What the pages call a key of the contract."""
        return label(kind, key, self.locale)

    async def sign_in(self, to: str = "/") -> None:
        """By the link that ``make up`` prints."""
        signed = token(self.role, self.id)
        await self.page.goto(f"{self.address}/sign-in?token={signed}&to={to}")
        async with self.page.expect_navigation():
            await self.page.locator("main").get_by_role("button", name=self.text("Sign in")).click()

    async def opens(self, order_id: str) -> None:
        """Go to an order's page."""
        await self.page.goto(f"{self.address}/orders/{order_id}")

    def button(self, action: str) -> Locator:
        """What sends an action, or what opens its form, or says why it cannot be done now."""
        return self.page.get_by_role("button", name=self._named(action))

    @asynccontextmanager
    async def form(self, action: str) -> AsyncIterator[Locator]:
        """An action's form: opened, filled in by the block, and sent."""
        its = self.page.locator(f"details:has(> form[action*='/{action.replace('_', '-')}'])")
        if not await its.evaluate("it => it.open"):
            await its.locator("> summary").click()
        yield its
        await its.locator("form > button").click()

    def _named(self, action: str) -> re.Pattern[str]:
        names = [self.label("action", action)]
        if action == "cancel_request":  # of an order that is paid it is asked for
            names.append(self.text("Ask to cancel"))
        return re.compile(f"^({'|'.join(map(re.escape, names))})")

    async def confirms(self) -> None:
        """Say again what cannot be taken back."""
        await self.page.get_by_role("button", name=self.text("Confirm")).click()

    async def sees(self, status: str) -> None:
        """Wait until the order's page says this status."""
        badge = self.page.locator("main .state .status")
        await expect(badge).to_have_text(self.label("status", status), timeout=PATIENCE_MS)

    async def skips(self, step: str) -> None:
        """Let the order's time pass by the demo's clock."""
        names = {"day": "Skip a day", "week": "Skip a week", "next": "Skip to the next event"}
        await self.page.get_by_role("button", name=self.text(names[step])).click()


Visit = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = installed_browser()
    assert chromium, (
        f"The pages are tested in a browser: install it (Debian: apt-get install {BROWSERS[0]})."
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playground(
    system: DemoSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A gateway as `make up` has it: with the demo's clock and test payments."""
    database = await Database.open(system.database_url)
    proofs = str(tmp_path_factory.mktemp("pages"))
    try:
        async with serving(
            system.server.client,
            database,
            proof_store=proofs,
            playground=True,
            temporal_ui_url=TEMPORAL_UI,
        ) as address:
            yield address
    finally:
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def order(system: DemoSystem, playground: str) -> AsyncIterator[HttpStory]:
    async with httpx.AsyncClient(base_url=playground, timeout=20) as http:
        yield HttpStory(http, system)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(order: HttpStory, browser: Browser, playground: str) -> AsyncIterator[Visit]:
    """Open a browser for somebody: ``await visit("buyer", "pl", width=360, script=False)``."""
    opened: list[BrowserContext] = []

    async def visit(
        role: str,
        locale: Locale = "en",
        *,
        width: int = 1440,
        script: bool = True,
        address: str = playground,
        zone: str = "UTC",
    ) -> Visitor:
        context = await browser.new_context(
            locale={"en": "en-GB", "pl": "pl-PL"}[locale],
            timezone_id=zone,
            viewport={"width": width, "height": 900},
            # Colours that are still changing would be judged as they pass.
            reduced_motion="reduce",
            java_script_enabled=script,
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        page = await context.new_page()
        return Visitor(page, address, locale, role, order.person(role).id)

    yield visit
    for context in opened:
        await context.close()
