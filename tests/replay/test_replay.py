"""Orders that are under way survive a deploy: what was decided once is decided again."""

import json

import pytest
from temporalio.client import WorkflowHistory

from orders.status import CloseReason, Status
from testing.replay import replay
from tests.replay.record import HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def history(request: pytest.FixtureRequest) -> WorkflowHistory:
    recorded = json.loads(request.param.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(recorded["workflow_id"], recorded["history"])


async def test_a_recorded_history_replays(history: WorkflowHistory) -> None:
    """Cases 36 and 37: every ending's recorded history is decided again as it was."""
    await replay(history)


def test_every_ending_is_recorded() -> None:
    endings = {Status.SHIPPED.value, *(reason.value for reason in CloseReason)}

    assert {path.stem for path in RECORDED} == endings | {"stray_payment", "order_webhook"}
