"""Record what the replay test replays: a history for each ending, from the demo's stories, and a webhook's.

``make histories`` writes those that are missing. An old history that still replays is the proof that orders
which are under way survive a deploy: remove none.
"""

import asyncio
import json
import re
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory

from activities.webhooks import Announcement, OrderWebhooks, Webhook
from client import webhooks
from demo.command import run_all
from demo.report import Outcome
from demo.scenarios import SCENARIOS, Scenario
from demo.system import set_up
from deploy.embedded import embedded_server
from runtime.worker import build_worker
from testing.webhook_receiver import receiver, sender_to
from workflows import ids

# Identities and sticky queues are named PID@HOST by the SDK.
_PROCESS = re.compile(rf"\d+@{re.escape(socket.gethostname())}\S*")

HISTORIES = Path(__file__).parent / "histories"


def ending(scenario: Scenario) -> str:
    """What the story comes to, as a file is named after it."""
    reason = scenario.ends.close_reason
    return reason.value if reason else scenario.ends.status.value


async def record() -> list[Path]:
    """Live through one scenario for each ending without a history; one of stray money, and a webhook."""
    scenarios = {name: it for it in reversed(SCENARIOS) if _is_missing(name := ending(it))}
    stray = next(scenario for scenario in SCENARIOS if scenario.ends.sent_back)
    told = list({scenario.order_id: scenario for scenario in (*scenarios.values(), stray)}.values())
    written = []
    with tempfile.TemporaryDirectory() as folder:
        async with set_up(Path(folder)) as system:
            outcomes = {
                it.scenario.order_id: it for it in await run_all(system, told, _must_be_right)
            }
            for name, scenario in scenarios.items():
                workflow_id = ids.order_workflow_id(scenario.order_id)
                written.append(await _keep(system.server.client, name, workflow_id))
            if _is_missing("stray_payment"):
                payment = outcomes[stray.order_id].stray_payments[0].payment.payment_id
                workflow_id = ids.stray_workflow_id(payment)
                written.append(await _keep(system.server.client, "stray_payment", workflow_id))
    if _is_missing("order_webhook"):
        written.append(await record_webhook())
    return written


def _is_missing(name: str) -> bool:
    return not (HISTORIES / f"{name}.json").exists()


async def record_webhook() -> Path:
    """A webhook that one endpoint took and another never will."""
    webhook = Webhook(id="msg_1", order_id="A-1", what="placed", body="{}")
    async with embedded_server() as server, receiver() as good, receiver(status=410) as gone:
        sender = sender_to(good.url, gone.url)
        async with build_worker(server.client, [OrderWebhooks(sender).deliver_webhook]):
            announcement = Announcement(webhook=webhook, endpoints=sender.endpoints)
            await webhooks.announce(server.client, announcement)
            workflow_id = ids.order_webhook_workflow_id(webhook.order_id, webhook.id)
            with suppress(WorkflowFailureError):
                await server.client.get_workflow_handle(workflow_id).result()
            return await _keep(server.client, "order_webhook", workflow_id)


def _must_be_right(outcome: Outcome) -> None:
    if outcome.problem:
        raise SystemExit(f"{outcome.scenario.title}: {outcome.problem}")


async def _keep(client: Client, name: str, workflow_id: str) -> Path:
    history: WorkflowHistory = await client.get_workflow_handle(workflow_id).fetch_history()
    path = HISTORIES / f"{name}.json"
    content = {"workflow_id": workflow_id, "history": _anonymous(history.to_json_dict())}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def _anonymous(value: Any) -> Any:
    """Without the names and paths of the process and the machine that recorded it."""
    if isinstance(value, dict):
        return {key: _anonymous(inner) for key, inner in value.items() if key != "stackTrace"}
    if isinstance(value, str):
        return _PROCESS.sub("recorder", value)
    return [_anonymous(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    for path in asyncio.run(record()):
        print(f"recorded {path.name}")
