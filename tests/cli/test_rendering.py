"""Orders as a terminal shows them, in both languages; the commands themselves are tested in test_commands."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from cli import rendering
from i18n.catalogues import LOCALES, Locale
from i18n.current import current_locale, gettext, use_locale
from orders.handlers import record_refusal
from orders.sentences import sentence
from orders.view import OrderView
from tests.orders.builders import Story, eur, photo
from tests.orders.test_transitions import ARRIVALS

_ENGLISH = re.compile(r"\b(the|is|and|of|was|not|since|because|can)\b", re.IGNORECASE)


def _settled() -> Story:
    story = Story().until_cancellation_requested(complaint=True)
    story.send("seller_message", topic="shipping_advice", text="Uwaga")
    story.send("shipment_proof", **photo())
    story.send("proof_review", accepted=False, note="Za ciemne")
    story.send("settlement_offer", money=eur(500))
    story.send("settlement_acceptance", offer_id="offer-1")
    story.send_refund_update("failed", reason="Konto")
    return story


def _given_more_time() -> Story:
    story = Story().until_awaiting_shipment()
    story.send("shipment_extension", days=5)
    story.send_stray_payment(payment_id="pay-2")
    why = sentence("The order has already shipped.")
    record_refusal(story.order, "cancel_request", why, story.now)
    return story


STORIES: list[Callable[[], Story]] = [*ARRIVALS.values(), _settled, _given_more_time]


def text_of(view: OrderView) -> str:
    console = Console(file=io.StringIO(), width=10_000)
    console.print(rendering.whole(view))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("arrive", STORIES)
def test_an_order_is_shown_entirely_in_polish(
    arrive: Callable[[], Story],
) -> None:
    """R21: keys that commands take are all that stays English."""
    view = arrive().view

    with use_locale("pl"):
        shown = text_of(view)

    assert "Zamówienie A-1001: " in shown
    assert [line for line in shown.splitlines() if _ENGLISH.search(line)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_use_locale_applies_within_its_block_only(locale: Locale) -> None:
    with use_locale(locale):
        assert current_locale() == locale
        assert gettext("nothing") == {"en": "nothing", "pl": "nic"}[locale]

    assert current_locale() == "en"
