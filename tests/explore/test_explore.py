"""The first states of each model hold, and faults that are planted are found. All of it: `make explore`."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from orders import handlers
from orders import messages as m
from orders.cancellations import Cancellation
from orders.errors import NotAllowedNow
from orders.order import Order
from tests.explore.arrival_orders import Arrivals
from tests.explore.models import models
from tests.explore.search import Search


@pytest.mark.parametrize(
    ("name", "depth", "states"),
    [
        ("people, default", 3, 150),
        ("people, offer", 3, 150),
        ("people, short", 2, 50),
        ("people, endless", 2, 50),
        ("money to come", 3, 80),
        ("money, open", 1, 15),
        ("money, ended", 1, 45),
        ("money, two facts", 1, 25),
        ("money, beyond", 2, 50),
        ("money, of another payment", 1, 15),
        ("stray payment", 3, 100),
    ],
)
def test_the_first_states_hold(name: str, depth: int, states: int) -> None:
    """Whatever is sent, whenever: all that the invariants of ``tests.explore`` say."""
    search = _explored(name, depth)

    assert search.counterexamples == {}
    assert search.states >= states


def test_facts_end_in_the_same_books_in_every_order_of_arrival() -> None:
    """R6, R23, R24: of two facts each, and three."""
    arrivals = Arrivals(most_facts=3)
    arrivals.run()

    assert arrivals.counterexamples == []
    assert arrivals.orders > 1000


def test_deadlines_that_move_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R10: claiming shipment must not restart the 14 days."""

    def claim_shipment(cancellation: Cancellation, at: datetime) -> None:
        cancellation.answered_at = at
        cancellation.due_by = at + timedelta(days=14)

    monkeypatch.setattr(Cancellation, "claim_shipment", claim_shipment)

    assert "deadlines_stay" in _explored("people, default", 4, first_only=True).found


def test_a_refused_message_that_leaves_a_mark_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Early, late and twice: what is refused changes nothing."""
    really = handlers.check

    def check(order: Order, message: m.Message, at: datetime | None = None) -> None:
        try:
            really(order, message, at)
        except NotAllowedNow:
            order.revision += 1
            raise

    monkeypatch.setattr(handlers, "check", check)

    assert "refused_changes_nothing" in _explored("people, default", 1, first_only=True).found


def test_facts_whose_order_matters_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: what was said before what is known must change nothing."""
    for of in ("chargebacks", "outside_refunds", "refunds"):
        monkeypatch.setattr(f"orders.{of}.said_before", lambda one, other: False)
    arrivals = Arrivals(most_facts=3)
    arrivals.run()

    assert arrivals.counterexamples


def _explored(name: str, depth: int, *, first_only: bool = False) -> Search[Any, Any]:
    (model,) = models(name)
    search: Search[Any, Any] = Search(model, most_depth=depth, first_only=first_only)
    search.run()
    return search
