"""R3: what was closed unpaid can be added to the cart again."""

import pytest

from orders.errors import InvalidInput, NotAllowedNow
from orders.policy import Policy
from orders.reorder import reorder
from tests.orders.builders import Story, eur


def test_an_order_closed_unpaid_is_placed_again_at_todays_prices() -> None:
    """R3, R22: same lines and people, the prices that the caller gives, today's policy."""
    story = Story()
    story.send("cancel_request", reason="changed_mind")

    again = reorder(story.view, "A-1002", {"CAB-2": eur(999)}, eur(300), Policy())

    assert again.order_id == "A-1002"
    assert [(line.sku, line.quantity) for line in again.lines] == [("CAB-2", 2)]
    assert again.total == eur(2 * 999 + 300)
    assert again.buyer == story.view.buyer


def test_an_order_that_is_open_or_was_paid_is_not_placed_again() -> None:
    """R3: "Pay now" is what an open order has."""
    with pytest.raises(NotAllowedNow, match="closed unpaid"):
        reorder(Story().view, "A-1002", {"CAB-2": eur(999)}, eur(0), Policy())


@pytest.mark.parametrize(
    ("prices", "order_id"),
    [({}, "A-1002"), ({"CAB-2": eur(0)}, "A-1002"), ({"CAB-2": eur(5)}, "?")],
)
def test_a_new_order_that_would_not_be_valid_says_why(
    prices: dict[str, object], order_id: str
) -> None:
    """R3: a missing price, nothing to pay, a bad id."""
    story = Story()
    story.send("cancel_request", reason="changed_mind")

    with pytest.raises(InvalidInput):
        reorder(story.view, order_id, prices, eur(0), Policy())  # type: ignore[arg-type]
