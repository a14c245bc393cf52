"""Whether a page is sound: by axe's judgement, and on screens of several widths."""

from typing import Literal

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Each width and each colour once: contrast does not change with the width.
LOOKS: tuple[tuple[int, Literal["dark", "light"]], ...] = ((1440, "light"), (360, "dark"))


async def is_sound(page: Page) -> None:
    """Nothing serious by axe's judgement, and nothing that sticks out, on two screens and in two colours."""
    await page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    for width, scheme in LOOKS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        found = await Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
        serious = [
            f"{it['id']}: {node['html']} {node['failureSummary']}"
            for it in found.response["violations"]
            if it["impact"] in ("serious", "critical")
            for node in it["nodes"]
        ]
        assert serious == [], (page.url, width, scheme)
        await fits(page)


async def fits(page: Page) -> None:
    """Nothing sticks out at the side."""
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, page.url
