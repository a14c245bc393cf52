"""How fast the rules alone are, without Temporal, a database or anybody who waits."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.performance.subjects import Step, placed, unbuy_message
from orders.handlers import receive
from orders.order import Order
from orders.schedule import let_time_pass
from orders.view import view

_START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def transitions_per_second(seconds: float) -> float:
    """How many of them, each with the order's new view, as an update is answered."""
    made, began = 0, time.process_time()
    for number in count():
        made += sum(1 for _ in _life(f"R-{number}"))
        if (used := time.process_time() - began) > seconds:
            return made / used
    raise AssertionError


def _life(order_id: str) -> Iterator[None]:
    """A canceled and refunded order: four messages, and the check between the first two."""
    order = Order.new(placed(order_id, timedelta(days=1)), _START)
    for day, step in enumerate(Step):
        at = _START + timedelta(days=2 * day)
        if step is Step.CANCEL_REQUEST:
            let_time_pass(order, at)
            view(order)
            yield
        receive(order, unbuy_message(order_id, step), at)
        view(order)
        yield
