"""Case 66: every choice of every action in every state is taken, and none that is not offered."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.pages.forms import FORMS, offered_fields
from orders.errors import NotAllowedNow
from orders.handlers import receive
from orders.messages import MESSAGES, Role
from orders.order import Order
from orders.view import Action
from tests.orders.builders import DUE, Story, chargeback, eur, message, photo
from tests.orders.test_transitions import ARRIVALS, FIELDS


def _refund_is(*statuses: str) -> Callable[[], Story]:
    def arrive() -> Story:
        story = Story().until_accepted()
        for status in statuses:
            story.send_refund_update(status, reason=status)
        return story

    return arrive


def _unmatched(money: dict[str, Any]) -> Callable[[], Story]:
    def arrive() -> Story:
        story = Story().until_shipped()
        story.send("chargeback", **chargeback("opened") | {"money": money})
        return story

    return arrive


def _stopped() -> Story:
    story = Story().until_accepted()
    story.send_chargeback("opened")
    story.send_refund_update("failed")
    return story


def _stopped_after_failing() -> Story:
    story = Story().until_accepted()
    story.send_refund_update("failed")
    story.send_chargeback("opened")
    return story


def _with_evidence() -> Story:
    story = Story().until_claimed_shipped(complaint=True)
    story.send("shipment_proof", **photo())
    story.send("settlement_offer", money=eur(500))
    return story


def _shipped_in_dispute() -> Story:
    story = Story().until_disputed()
    story.verdict(story.send_tracking_number(), valid=True)
    return story


STATES = [
    *ARRIVALS.values(),
    _refund_is("requires_action"),
    _refund_is("failed"),
    _refund_is("canceled"),
    _refund_is("succeeded"),
    _refund_is("succeeded", "failed"),
    _unmatched({"amount": DUE + 43, "currency": "EUR"}),
    _unmatched({"amount": DUE, "currency": "USD"}),
    _stopped,
    _stopped_after_failing,
    _with_evidence,
    _shipped_in_dispute,
]


_WITH_CHOICE: dict[str, dict[str, Any]] = {
    "discount": {"discount": eur(10)},
    "bonus": {"bonus": "A cap"},
    "partial_refund": {"money": eur(5)},
}
"""What goes with a choice."""


def _choices(order: Order, action: Action) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each field that has choices, with each of them, and a whole message with it."""
    fields = dict(FIELDS[action.action])
    if "refund_id" in fields:
        latest = order.refund or order.earlier_refunds[-1]
        fields |= {"refund_id": latest.refund_id, "by": "support"}
    for offer in (it for it in order.offers if "offer_id" in fields):
        fields["offer_id"] = offer.offer_id
    for field in FORMS[action.action].fields:
        for choice in field.choices:
            yield field.name, choice, fields | {field.name: choice} | _WITH_CHOICE.get(choice, {})
        if field.kind in ("yes", "yes_or_no"):
            yield field.name, "yes", fields | {field.name: True}
            yield field.name, "no", fields | {field.name: False}


def _is_taken(order: Order, name: str, fields: dict[str, Any], at: Any) -> bool:
    copy = order.model_copy(deep=True)
    try:
        return receive(copy, message(name, **fields), at)
    except NotAllowedNow:
        return False


@pytest.mark.parametrize("arrive", STATES)
@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER, Role.SUPPORT])
def test_what_an_action_offers_is_what_the_order_takes(
    arrive: Callable[[], Story], role: Role
) -> None:
    """Case 66: by page, command line and API, which all offer the action's choices."""
    story = arrive()
    for action in story.view.actions[role]:
        if not action.available or action.action not in MESSAGES:
            continue
        for field, choice, fields in _choices(story.order, action):
            listed = action.choices.get(field)
            is_offered = listed is None or choice in listed
            assert _is_taken(story.order, action.action, fields, story.now) is is_offered, (
                action.action,
                choice,
            )


def test_a_form_shows_what_is_taken_and_no_field_that_needs_more() -> None:
    """Case 66: once shipment is claimed all that the seller can still answer is to accept."""
    fields = {it.name: it.choices for it in offered_fields(_seller_reply(Story().until_disputed()))}

    assert fields == {"decision": ("accept",), "note": ()}
    whole = offered_fields(_seller_reply(Story().until_cancellation_requested()))
    assert whole == FORMS["seller_reply"].fields


def _seller_reply(story: Story) -> Action:
    return next(it for it in story.view.actions[Role.SELLER] if it.action == "seller_reply")
