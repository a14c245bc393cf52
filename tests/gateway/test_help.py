"""Help for buyers, sellers and mediators, and where they find support (R22)."""

from datetime import timedelta
from html import unescape

import pytest

from database.connection import Database
from gateway.pages.help import topics
from gateway.pages.help_texts import HELP
from i18n.catalogues import LOCALES, Locale
from orders.messages import Role
from orders.policy import Policy
from tests.gateway.browsing import browser_at, sign_in
from tests.gateway.conftest import HttpStory, serving
from tests.gateway.test_page_safety import must_be_safe

ODD = Policy(
    payment_window=timedelta(days=23),
    payment_grace=timedelta(days=29),
    payment_review=timedelta(days=31),
    seller_reply_window=timedelta(days=37),
    shipment_window=timedelta(days=41),
    dispute_window=timedelta(days=43),
    refund_window=timedelta(days=47),
)


def text_of(reader: Role, policy: Policy, locale: Locale) -> str:
    return "\n".join("\n".join(it.paragraphs) for it in topics(reader, policy, locale))


@pytest.mark.parametrize("locale", LOCALES)
def test_days_are_those_of_policy(locale: Locale) -> None:
    """R22: no number stands in the texts themselves."""
    days = "days" if locale == "en" else "dni"

    found = "\n".join(text_of(reader, ODD, locale) for reader in HELP)

    for number in (23, 29, 31, 37, 41, 43, 47):
        assert f"{number} {days}" in found
    texts = (text for all_of in HELP.values() for topic in all_of for text in topic.paragraphs)
    assert not any(char.isdigit() for text in texts for char in text)


def test_without_a_time_to_ship_none_is_told() -> None:
    """R20."""
    assert "the seller has as long as they need to ship" in text_of(
        Role.BUYER, Policy(shipment_window=None), "en"
    )


@pytest.mark.parametrize("reader", HELP)
@pytest.mark.parametrize("locale", LOCALES)
async def test_help_is_for_everyone_in_both_languages(
    reader: Role, locale: Locale, address: str
) -> None:
    async with browser_at(address) as http:
        page = await http.get(f"/help/{reader}", headers={"Accept-Language": locale})

    must_be_safe(page)
    assert page.status_code == 200
    assert f'lang="{locale}"' in page.text
    for topic in topics(reader, Policy(), locale):
        assert topic.title in unescape(page.text)


async def test_there_is_no_help_for_others(address: str) -> None:
    async with browser_at(address) as http:
        assert (await http.get("/help/provider")).status_code == 404
        assert (await http.get("/help")).status_code == 200


async def test_support_is_written_to_from_every_page(order: HttpStory, database: Database) -> None:
    """Also from one that is not there; an ended order says that it takes no messages any more."""
    await order.place()
    client = order.system.server.client
    async with (
        serving(client, database, support_address="help@unbuy.example") as address,
        browser_at(address) as http,
    ):
        buyer = await sign_in(http, "buyer", order.buyer.id)
        for path in ("/", "/help", "/nowhere", "/problems", f"/orders/{order.order_id}"):
            found = await http.get(path, headers={"Accept": "text/html"})
            assert "mailto:help@unbuy.example" in found.text, path
        page = await http.get(f"/orders/{order.order_id}")
        assert page.text.count(f"mailto:help@unbuy.example?subject=Order%20{order.order_id}") == 1
        ended = "This order has ended, so messages are no longer taken here."
        assert ended not in page.text

        await buyer.post(
            f"/orders/{order.order_id}/cancel-request", reason="changed_mind", confirmed="yes"
        )

        page = await http.get(f"/orders/{order.order_id}")
        assert ended in page.text
        # Beside the help, in the place of the form that took messages.
        assert page.text.count("mailto:help@unbuy.example?subject=") == 2


async def test_without_an_address_nobody_is_sent_anywhere(address: str) -> None:
    async with browser_at(address) as http:
        assert "mailto:" not in (await http.get("/help")).text
