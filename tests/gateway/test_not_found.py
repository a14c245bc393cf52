"""Addresses that lead nowhere: a page for people, a problem for programs."""

from typing import Any

import httpx
import pytest

from client import orders
from database.orders import SqlOrders
from gateway.content_negotiation import prefers_a_page
from i18n.catalogues import LOCALES, Locale, translator
from tests.gateway.browsing import HOSTILE, Anatomy, browser_at, sign_in
from tests.gateway.conftest import HttpStory
from tests.gateway.problem import must_be_problem
from tests.gateway.test_page_safety import must_be_safe

# As browsers send it.
PEOPLES = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


async def _ask(
    order: HttpStory, path: str, accept: str, method: str = "GET", **more: str
) -> httpx.Response:
    return await order.http.request(method, path, headers={"Accept": accept, **more})


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("path", ["/nothing", "/orders/", "/v2/orders", "/static/nothing", "/v1x"])
async def test_a_person_gets_a_page_in_their_language(
    order: HttpStory, locale: Locale, path: str
) -> None:
    answer = await _ask(order, path, PEOPLES, **{"Accept-Language": locale})

    assert answer.status_code == 404
    assert answer.headers["content-language"] == locale
    page = must_be_safe(answer)
    said = translator(locale).gettext
    assert said("There is no page at this address.") in page.text
    assert said("To my orders") in page.text
    assert ("a", {"href": "/"}) in page.elements


async def test_the_chosen_language_takes_precedence(address: str, order: HttpStory) -> None:
    async with browser_at(address) as http:
        await sign_in(http, "buyer", order.buyer.id)
        await http.post("/language", data={"locale": "pl", "to": "/"})
        answer = await http.get("/nothing", headers={"Accept": PEOPLES})

    assert answer.headers["content-language"] == "pl"


async def test_opening_a_form_address_explains_that_forms_are_sent_there(order: HttpStory) -> None:
    """Who reloads, or comes back to, what a form was answered with."""
    answer = await _ask(order, "/orders/A-1/cancel-request", PEOPLES)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    page = must_be_safe(answer)
    assert "forms are sent to it" in page.text
    assert ("a", {"class": "button main", "href": "/orders/A-1"}) in page.elements


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/nothing", "*/*"),
        ("GET", "/nothing", ""),
        ("GET", "/nothing", "application/json"),
        ("GET", "/nothing", "application/problem+json, text/html;q=0.9"),
        ("POST", "/nothing", PEOPLES),
        ("GET", "/v1", PEOPLES),
        ("GET", "/v1/nothing", PEOPLES),
        ("GET", "/docs/nothing", PEOPLES),
        ("GET", "/docs/ui/nothing", PEOPLES),
        ("GET", "/metrics/nothing", PEOPLES),
        ("GET", "/healthz/nothing", PEOPLES),
    ],
)
async def test_a_program_gets_a_problem(
    order: HttpStory, method: str, path: str, accept: str
) -> None:
    must_be_problem(await _ask(order, path, accept, method), 404)


async def test_an_error_of_the_api_is_a_problem_even_for_a_browser(order: HttpStory) -> None:
    answer = await _ask(order, "/v1/orders/A-1/cancel-request", PEOPLES)

    must_be_problem(answer, 405)
    assert answer.headers["allow"] == "POST"


async def test_the_requested_address_is_not_repeated(order: HttpStory) -> None:
    answer = await _ask(order, f"/{HOSTILE.replace('/', '')}", PEOPLES)

    assert answer.status_code == 404
    assert Anatomy(answer.text).dangers() == []


@pytest.mark.parametrize(
    ("accept", "is_for_people"),
    [
        (PEOPLES, True),
        ("text/html", True),
        ("TEXT/HTML; level=1", True),
        ("text/*", True),
        ("text/html, application/json;q=0.9", True),
        ("text/html;q=0.9, application/json", False),
        ("text/html, application/json", False),
        ("text/html, application/problem+json", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0", False),
        ("text/html;q=much", False),
        ("text/html;q=nan", False),
        ("*/*", False),
        (";;q=,=,", False),
        ("", False),
    ],
)
def test_an_error_page_is_for_clients_that_prefer_html(accept: str, is_for_people: bool) -> None:
    assert prefers_a_page(accept) == is_for_people


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_anothers_order_takes_the_same_path_as_none(
    order: HttpStory, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Case 115: the same is asked of the database and of Temporal, in the same order."""
    await order.place()
    steps: list[str] = []
    _spy(monkeypatch, SqlOrders, "parties", steps)
    _spy(monkeypatch, SqlOrders, "find", steps)
    _spy(monkeypatch, orders, "show", steps)
    stranger = order.person("buyer", "stranger")
    paths = ["", "/events", "/proofs/0"] if method == "GET" else ["/buyer-message", "/reorder"]

    for path in paths:
        taken = []
        for of in (order.path, "/v1/orders/never-was"):
            steps.clear()
            if method == "GET":
                answer = await stranger.get(f"{of}{path}")
            else:
                answer = await stranger.post(f"{of}{path}", {"text": "Hello"})
            must_be_problem(answer, 404)
            taken.append(list(steps))
        assert taken == [["parties", "show"]] * 2, path


def _spy(monkeypatch: pytest.MonkeyPatch, on: Any, name: str, steps: list[str]) -> None:
    call = getattr(on, name)

    async def spied(*args: Any, **options: Any) -> Any:
        steps.append(name)
        return await call(*args, **options)

    monkeypatch.setattr(on, name, spied)
