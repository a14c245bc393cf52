"""Orders that are under way survive a deploy: what was decided once is decided again."""

import json
from datetime import datetime

import pytest
from temporalio.client import WorkflowHistory

from orders.order import Order
from orders.place_order import PlaceOrder
from orders.status import CloseReason, Status
from testing.replay import replay
from tests.replay.record import HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def history(request: pytest.FixtureRequest) -> WorkflowHistory:
    recorded = json.loads(request.param.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(recorded["workflow_id"], recorded["history"])


@pytest.mark.parametrize("sandboxed", [True, False], ids=["sandboxed", "as in production"])
async def test_a_recorded_history_replays(history: WorkflowHistory, sandboxed: bool) -> None:
    """Cases 36 and 37: every ending's recorded history is decided again as it was."""
    await replay(history, sandboxed=sandboxed)


async def test_an_order_that_was_placed_before_keeps_its_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only a new order asks which rules there are, and a replayed one hears of none."""
    new, made = Order.new, []

    def spy(placed: PlaceOrder, at: datetime, rules: int) -> Order:
        made.append(rules)
        return new(placed, at, rules)

    monkeypatch.setattr(Order, "new", spy)
    recorded = json.loads((HISTORIES / "shipped.json").read_text(encoding="utf-8"))
    await replay(WorkflowHistory.from_json(recorded["workflow_id"], recorded["history"]))

    assert made == [1]


def test_every_ending_is_recorded() -> None:
    endings = {Status.SHIPPED.value, *(reason.value for reason in CloseReason)}

    assert {path.stem for path in RECORDED} == endings | {"stray_payment", "order_webhook"}
