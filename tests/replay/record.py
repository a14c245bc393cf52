"""Record the histories that the replay test replays: one for each ending, from the demo's stories.

``make histories`` writes them anew. Do that only for a new ending: an old history that still replays is the
proof that orders which are under way survive a deploy.
"""

import asyncio
import json
import re
import socket
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from demo.performance import play
from demo.report import Outcome
from demo.stage import Stage, set_up
from demo.stories import STORIES, Story
from workflows import ids

# Identities and sticky queues are named PID@HOST by the SDK.
_PROCESS = re.compile(rf"\d+@{re.escape(socket.gethostname())}\S*")

HISTORIES = Path(__file__).parent / "histories"


def ending(story: Story) -> str:
    """What the story comes to, as a file is named after it."""
    reason = story.ends.close_reason
    return reason.value if reason else story.ends.status.value


async def record() -> list[Path]:
    """Live through one story for each ending and keep its history; and one of stray money."""
    stories = {ending(story): story for story in reversed(STORIES)}
    stray = next(story for story in STORIES if story.ends.sent_back)
    told = list({story.order_id: story for story in (*stories.values(), stray)}.values())
    written = []
    with tempfile.TemporaryDirectory() as folder:
        async with set_up(Path(folder)) as stage:
            outcomes = {it.story.order_id: it for it in await play(stage, told, _must_be_right)}
            for name, story in stories.items():
                written.append(await _keep(stage, name, ids.order_workflow_id(story.order_id)))
            payment = outcomes[stray.order_id].strays[0].payment.payment_id
            written.append(await _keep(stage, "stray_payment", ids.stray_workflow_id(payment)))
    return written


def _must_be_right(outcome: Outcome) -> None:
    if outcome.problem:
        raise SystemExit(f"{outcome.story.title}: {outcome.problem}")


async def _keep(stage: Stage, name: str, workflow_id: str) -> Path:
    handle = stage.server.client.get_workflow_handle(workflow_id)
    history: WorkflowHistory = await handle.fetch_history()
    path = HISTORIES / f"{name}.json"
    content = {"workflow_id": workflow_id, "history": _anonymous(history.to_json_dict())}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _anonymous(value: Any) -> Any:
    """Without the names of the process and the machine that recorded it."""
    if isinstance(value, dict):
        return {key: _anonymous(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return _PROCESS.sub("recorder", value)
    return [_anonymous(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    for path in asyncio.run(record()):
        print(f"recorded {path.name}")
