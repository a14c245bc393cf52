"""Where a problem's type leads: an explanation for whoever follows it."""

from collections.abc import Iterator

import pytest

from gateway.problems import PROBLEM_TYPES, TYPES, Problem
from i18n.catalogues import LOCALES, Locale, translator
from tests.gateway.browsing import browser_at
from tests.gateway.conftest import HttpStory
from tests.gateway.problem import must_be_problem
from tests.gateway.test_page_safety import must_be_safe


def _kinds(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _kinds(kind)


def test_every_problem_has_a_type_of_its_own() -> None:
    assert set(PROBLEM_TYPES.values()) == {
        it for it in _kinds() if it.__module__ == Problem.__module__
    }
    assert len({it.explanation for it in _kinds()}) == len(PROBLEM_TYPES)


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_type_of_a_problem_is_explained_in_the_readers_language(
    order: HttpStory, locale: Locale
) -> None:
    """RFC 9457, 3.1.1; its title is in that language as well."""
    language = {"Accept-Language": locale}
    problem = must_be_problem(await order.http.get("/v1/orders", headers=language), 401)

    answer = await order.http.get(problem["type"], headers=language)

    said = translator(locale).gettext
    kind = PROBLEM_TYPES["not-signed-in"]
    assert answer.status_code == 200
    assert answer.headers["content-language"] == locale
    assert problem["title"] == said(kind.title)
    page = must_be_safe(answer).text
    assert said(kind.title) in page
    assert said(kind.explanation) in page


async def test_all_types_are_listed(order: HttpStory) -> None:
    page = must_be_safe(await order.http.get(TYPES))

    for slug, kind in PROBLEM_TYPES.items():
        assert ("a", {"href": f"{TYPES}/{slug}"}) in page.elements
        assert kind.explanation in page.text


async def test_a_type_that_there_is_not_is_not_found(order: HttpStory) -> None:
    assert (await order.http.get(f"{TYPES}/nothing")).status_code == 404


async def test_who_chooses_a_language_stays_on_the_page(address: str) -> None:
    async with browser_at(address) as http:
        chosen = await http.post("/language", data={"locale": "pl", "to": f"{TYPES}/away"})

    assert chosen.headers["location"] == f"{TYPES}/away"
