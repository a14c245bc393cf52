"""Somebody's browser on the pages, and what a page turns out to be made of."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.gateway.conftest import HttpStory, token

HOSTILE = """"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"""
"""What would run, if a page let it."""

OUR_SCRIPT = re.compile(r"/static/(unbuy|lists)\.js(\?\w+)?")
"""Perhaps with its version; what stands inside of such an element never runs."""


@dataclass(frozen=True)
class Browser:
    """Signed in on the pages."""

    http: httpx.AsyncClient
    form_secret: str

    async def post(self, path: str, **entered: Any) -> httpx.Response:
        """Send a form of ours."""
        return await self.http.post(path, data={"form_secret": self.form_secret, **entered})


def browser_at(address: str) -> httpx.AsyncClient:
    """A browser that nobody has signed in with, and that goes where it is told only when asked."""
    return httpx.AsyncClient(base_url=address, timeout=20, verify=False)


async def enter(http: httpx.AsyncClient, given: str) -> httpx.Response:
    """The answer to a token in the form of the sign-in page."""
    page = await http.get("/sign-in")
    found = re.search(r'name="form_secret" value="(\w+)"', page.text)
    assert found, page.text
    return await http.post("/sign-in", data={"token": given, "form_secret": found[1]})


async def sign_in(http: httpx.AsyncClient, role: str, sub: str) -> Browser:
    """Sign in as `make up` has it, by a link with a token and its button."""
    answer = await enter(http, token(role, sub))
    assert answer.status_code == 303, answer.text
    home = await http.get("/")
    found = re.search(r'name="form_secret" value="(\w+)"', home.text)
    assert found, home.text
    return Browser(http, found[1])


@asynccontextmanager
async def everybody(address: str, order: HttpStory) -> AsyncIterator[dict[str, Browser]]:
    """An order's buyer and seller, and support, each with a browser, by their roles."""
    async with AsyncExitStack() as stack:
        yield {
            role: await sign_in(
                await stack.enter_async_context(browser_at(address)), role, order.person(role).id
            )
            for role in ("buyer", "seller", "support")
        }


class Anatomy(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def dangers(self) -> list[str]:
        """Whatever runs, or is styled, from within the page."""
        return [
            f"<{tag} {name}={value!r}>"
            for tag, attributes in self.elements
            for name, value in [("", ""), *attributes.items()]
            if (tag == "script" and not OUR_SCRIPT.fullmatch(attributes.get("src") or ""))
            or tag in ("style", "base", "iframe", "object", "embed", "foreignobject")
            or name.startswith("on")
            or name in ("style", "srcdoc", "formaction", "http-equiv")
            or (
                name in ("href", "src", "action")
                and not (value or "").startswith(("/", "#", "http:"))
            )
        ]
