"""The examples of the API's description, each taken by an order: whoever copies one gets no 409."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from adapters.proof_store import reference
from gateway.api import Reorder
from gateway.openapi import EXAMPLES
from orders.messages import MESSAGES
from orders.place_order import PlaceOrder
from orders.policy import Policy
from orders.reorder import reorder
from tests.orders.builders import DUE, Story

BEFORE: Final[dict[str, Callable[[Story], Any]]] = {
    "payment": lambda story: None,
    "payment_pending": lambda story: None,
    "payment_declined": lambda story: story.send("payment", **EXAMPLES["payment"]),
    "cancel_request": lambda story: story.until_awaiting_shipment(),
    "cancel_withdrawal": lambda story: story.until_cancellation_requested(),
    "seller_reply": lambda story: story.until_cancellation_requested(),
    "tracking_number": lambda story: story.until_awaiting_shipment(),
    "shipment_proof": lambda story: story.until_awaiting_shipment(),
    "proof_review": lambda story: story.until_awaiting_shipment().send(
        "shipment_proof", **EXAMPLES["shipment_proof"]
    ),
    "seller_message": lambda story: None,
    "buyer_message": lambda story: None,
    "support_message": lambda story: story.until_disputed(),
    "offer_acceptance": lambda story: story.send("seller_message", **EXAMPLES["seller_message"]),
    "offer_decline": lambda story: story.send("seller_message", **EXAMPLES["seller_message"]),
    "dispute_request": lambda story: story.until_cancellation_requested(),
    "dispute_evidence": lambda story: story.until_disputed(),
    "dispute_withdrawal": lambda story: story.until_disputed(),
    "settlement_offer": lambda story: story.until_disputed(),
    "settlement_acceptance": lambda story: story.until_disputed().send(
        "settlement_offer", **EXAMPLES["settlement_offer"]
    ),
    "shipment_extension": lambda story: story.until_awaiting_shipment().days_pass(29),
    "chargeback": lambda story: story.until_awaiting_shipment(),
    "outside_refund": lambda story: story.until_awaiting_shipment(),
    "unmatched_resolution": lambda story: story.until_awaiting_shipment().send_chargeback(
        "opened", DUE + 1
    ),
    "dispute_decision": lambda story: story.until_disputed(),
    "refund_update": lambda story: story.until_accepted(),
}
"""What happens to the placed example before an order takes each message's."""


def _placed() -> Story:
    return Story(PlaceOrder.model_validate(EXAMPLES["PlaceOrder"]))


@pytest.mark.parametrize("name", MESSAGES)
def test_an_order_takes_the_example_of_each_message(name: str) -> None:
    """With the ids that orders make."""
    story = _placed()
    BEFORE[name](story)

    story.send(name, **EXAMPLES[name])

    read = MESSAGES[name].model_validate(EXAMPLES[name])
    assert read.model_dump(mode="json", exclude_unset=True) == EXAMPLES[name]


def test_an_order_that_was_closed_unpaid_is_ordered_again_by_the_example() -> None:
    """R3."""
    story = _placed()
    story.days_pass(21)
    wanted = Reorder.model_validate(EXAMPLES["Reorder"])

    again = reorder(story.view, wanted.order_id, wanted.prices, wanted.shipping_price, Policy())

    assert again.order_id == "A-1002"


def test_a_proof_is_kept_under_a_reference_like_the_examples() -> None:
    example = EXAMPLES["shipment_proof"]

    assert reference("A-1001", example["sha256"]) == example["reference"]
