"""What a banner asks, and what a confirmation says before something cannot be undone."""

import pytest

from gateway.pages.banner import Tone, banner, primary_action
from gateway.pages.consequences import consequences, is_grave
from gateway.pages.naming import decision_name
from orders.messages import ChargebackStatus, Role, parse
from orders.order import LATEST_RULES
from tests.orders.builders import Story, eur


def told(story: Story, role: Role) -> tuple[str, str]:
    """What the banner says, and its main button."""
    return str(banner(story.view, role).ask), primary_action(story.view, role)


def test_a_seller_whose_buyers_bank_took_the_money_is_not_asked_to_ship() -> None:
    """R23."""
    story = Story().until_awaiting_shipment()
    assert told(story, Role.SELLER)[1] == "tracking_number"

    story.send_chargeback(ChargebackStatus.OPENED)

    asked, button = told(story, Role.SELLER)
    assert asked.endswith("Do not ship until it decides.")
    assert button == ""
    assert banner(story.view, Role.SELLER).tone is Tone.TROUBLE
    number = parse("tracking_number", [b'{"number": "RR123456785PL"}'])
    assert is_grave("tracking_number", number, story.view)


def test_a_discount_is_offered_before_the_full_price_is_to_be_paid() -> None:
    """R4: with the new amount."""
    story = Story()
    story.send("seller_message", topic="discount", text="For you.", discount=eur(490))

    asked, button = told(story, Role.BUYER)
    assert asked.endswith("pay 20.00 EUR instead of 24.90 EUR.")
    assert button == "offer_acceptance"


def test_a_settlement_says_what_both_get() -> None:
    """R16b."""
    story = Story()
    story.until_disputed()
    story.send("settlement_offer", money=eur(1000))
    offer = story.view.offers[0].offer_id
    message = parse("settlement_acceptance", [b'{"offer_id": "%s"}' % offer.encode()])

    will = consequences(message, story.view)

    assert (will.to_buyer, will.to_seller) == (eur(1000), eur(1490))
    assert is_grave("settlement_acceptance", message, story.view)
    assert told(story, Role.BUYER)[1] == "settlement_acceptance"


@pytest.mark.parametrize(
    ("name", "entered", "title"),
    [
        ("dispute_decision", {"decision": "full_refund"}, "Decide the dispute: Full refund"),
        ("proof_review", {"accepted": "no"}, "Review the proof of shipment: It does not prove"),
        ("dispute_withdrawal", {}, "Withdraw the dispute"),
    ],
)
def test_what_is_confirmed_is_named_by_the_decision(
    name: str, entered: dict[str, str], title: str
) -> None:
    story = Story()
    story.until_disputed()

    assert decision_name(name, entered, story.view, "en").startswith(title)


@pytest.mark.parametrize(
    ("decision", "to_buyer", "to_seller"),
    [("full_refund", 2490, 0), ("partial_refund", 1250, 1240)],
)
def test_a_decision_says_what_both_get(decision: str, to_buyer: int, to_seller: int) -> None:
    """R16."""
    story = Story()
    story.until_disputed()
    money = b', "money": {"amount": 1250, "currency": "EUR"}' * (decision == "partial_refund")
    message = parse("dispute_decision", [b'{"decision": "%s"%s}' % (decision.encode(), money)])

    will = consequences(message, story.view)

    assert (will.to_buyer, will.to_seller) == (eur(to_buyer), eur(to_seller))


@pytest.mark.parametrize(("rules", "closes"), [(1, True), (LATEST_RULES, False)])
def test_a_claim_that_is_turned_down_says_whether_the_order_closes(
    rules: int, closes: bool
) -> None:
    """R16a: by the first rules it closes, and the money is the seller's."""
    story = Story(rules=rules).until_disputed()
    message = parse("dispute_decision", [b'{"decision": "no_refund"}'])

    will = consequences(message, story.view)
    view = story.send("dispute_decision", decision="no_refund")

    assert ("The order closes." in will.follows) is closes
    assert will.to_seller == (eur(2490) if closes else None)
    assert (view.closed_at is not None) is closes


def test_only_an_answer_that_ends_the_request_is_confirmed() -> None:
    """R9, R10, R13."""
    story = Story().until_awaiting_shipment()
    story.send("cancel_request", reason="changed_mind")

    for decision, is_final in (("accept", True), ("refuse", True), ("already_shipped", False)):
        message = parse("seller_reply", [b'{"decision": "%s"}' % decision.encode()])
        assert is_grave("seller_reply", message, story.view) is is_final
