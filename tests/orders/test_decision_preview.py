"""What a decision is said to mean is what it does (R16, R16a, R24)."""

from typing import Any

import pytest

from orders.decision_preview import DecisionPreview, decision_previews
from orders.order import LATEST_RULES
from tests.orders.builders import Story, eur, outside_refund

PARTIAL = 1000


def disputed(*, shipped: bool, sent_back: int, rules: int) -> Story:
    story = Story(rules=rules).until_disputed()
    if shipped:
        story.verdict(story.send_tracking_number(), valid=True)
    if sent_back:
        story.send("outside_refund", **outside_refund(sent_back))
    return story


@pytest.mark.parametrize("rules", [1, LATEST_RULES])
@pytest.mark.parametrize("sent_back", [0, 400, 1400])
@pytest.mark.parametrize("shipped", [True, False])
@pytest.mark.parametrize("decision", ["full_refund", "partial_refund", "no_refund"])
def test_a_decision_does_what_its_preview_says(
    decision: str, shipped: bool, sent_back: int, rules: int
) -> None:
    """R16: also where the provider has sent a part back already (R24), and by the first rules."""
    story = disputed(shipped=shipped, sent_back=sent_back, rules=rules)
    before = story.view
    previews = {it.decision: it for it in decision_previews(before, eur(PARTIAL))}
    money: dict[str, Any] = {"money": eur(PARTIAL)} if decision == "partial_refund" else {}

    view = story.send("dispute_decision", decision=decision, **money)

    preview = previews[decision]  # type: ignore[index]
    refund = view.refund.money.amount if view.refund else 0
    assert preview.to_buyer.amount == refund
    assert preview.to_seller.amount == view.amount_owed_to_seller.amount
    assert preview.closes == (view.closed_at is not None)


def test_without_an_amount_nothing_is_said_of_a_part() -> None:
    kinds = [it.decision for it in decision_previews(Story().until_disputed().view)]

    assert kinds == ["full_refund", "no_refund"]


def test_of_no_open_dispute_nothing_can_be_decided() -> None:
    no_previews: list[DecisionPreview] = []

    assert decision_previews(Story().until_awaiting_shipment().view) == no_previews
