"""The Temporal CLI is a full client: it places, tells and asks by plain JSON, and cannot break an order."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from demo.system import DemoSystem, ServerStory
from demo.waiting import until
from deploy.embedded import temporal_executable
from orders.place_order import PlaceOrder
from orders.view import OrderView

# An order that is alive answers within this many seconds, the CLI's own start included.
ALIVE_WITHIN = 10


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Cli = Callable[..., Awaitable[Said]]


@pytest.fixture
def cli(system: DemoSystem) -> Cli:
    executable = temporal_executable()

    async def run(*arguments: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            executable,
            *arguments,
            "--address",
            system.server.address,
            "--disable-config-env",
            "--disable-config-file",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    return run


async def _send(cli: Cli, how: str, order: PlaceOrder, name: str, *inputs: str) -> Said:
    """How: ``signal`` or ``update``; each input is one JSON argument."""
    command = ["signal"] if how == "signal" else ["update", "execute"]
    arguments = [part for text in inputs for part in ("--input", text)]
    return await cli(
        "workflow", *command, "-w", f"order-{order.order_id}", "--name", name, *arguments
    )


async def _ask(cli: Cli, order: PlaceOrder) -> OrderView:
    async with asyncio.timeout(ALIVE_WITHIN):
        # The CLI shows an empty list as null, unless it leaves the payload as it came.
        said = await cli(
            *("workflow", "query", "-w", f"order-{order.order_id}", "--type", "order"),
            *("--output", "json", "--no-json-shorthand-payloads"),
        )
    assert said.code == 0, said.err
    [answer] = json.loads(said.out)["queryResult"]["payloads"]
    return OrderView.model_validate_json(base64.b64decode(answer["data"]))


async def _start(cli: Cli, order_id: str, *files: Path) -> Said:
    inputs = [part for file in files for part in ("--input-file", str(file))]
    return await cli(
        "workflow",
        "start",
        *("--type", "OrderWorkflow", "--task-queue", "orders"),
        *("--workflow-id", f"order-{order_id}", *inputs),
    )


def _file(directory: Path, name: str, content: Any) -> Path:
    file = directory / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def _payment(placed: PlaceOrder, **changes: Any) -> str:
    fields = {
        "payment_id": f"pay-{placed.order_id}",
        "money": placed.total.model_dump(mode="json"),
        "method": "card",
        "paid_at": "2026-03-01T12:00:00Z",
    }
    return json.dumps(fields | changes)


async def test_an_order_is_placed_paid_and_shown(
    cli: Cli, placed: PlaceOrder, tmp_path: Path
) -> None:
    """Contract, R1, R5: start, signal and query by type names and plain JSON."""
    file = _file(tmp_path, "order.json", placed.model_dump_json())

    started = await _start(cli, placed.order_id, file)
    assert started.code == 0, started.err
    assert (await _ask(cli, placed)).status == "awaiting_payment"

    signalled = await _send(cli, "signal", placed, "payment", _payment(placed))
    assert signalled.code == 0, signalled.err
    view = await until(lambda: _ask(cli, placed), lambda view: view.payment is not None)
    assert view.status == "payment_review"
    assert view.amount_paid == placed.total
    assert view.refused == []


async def test_an_order_started_by_hand_is_found_by_its_buyer(
    cli: Cli, system: DemoSystem, placed: PlaceOrder, tmp_path: Path
) -> None:
    """Contract: the workflow sets the search attributes that its starter did not."""
    file = _file(tmp_path, "order.json", placed.model_dump_json())
    await _start(cli, placed.order_id, file)

    async def found() -> list[str]:
        query = f"BuyerId = '{placed.buyer.id}' AND OrderStatus = 'awaiting_payment'"
        return [it.id async for it in system.server.client.list_workflows(query)]

    await until(found, lambda ids: ids == [f"order-{placed.order_id}"])


async def test_an_update_answers_with_the_view(cli: Cli, order: ServerStory) -> None:
    """Contract, R4: the update's result is the order as it is now."""
    said = await _send(cli, "update", order.placed, "buyer_message", '{"text": "Still there?"}')

    assert said.code == 0, said.err
    assert "Still there?" in said.out
    assert [message.text for message in (await order.view()).messages] == ["Still there?"]


async def test_a_refused_update_prints_the_sentence(cli: Cli, order: ServerStory) -> None:
    """R5, case 5: who presses cancel during the check reads why not; nothing is written."""
    await order.pay()

    said = await _send(cli, "update", order.placed, "cancel_request", '{"reason": "changed_mind"}')

    assert said.code == 1
    assert (
        "The payment is being checked; you can ask to cancel once the check ends."
        in said.out + said.err
    )
    assert (await order.view()).refused == []


BAD: dict[str, tuple[str, tuple[str, ...], str]] = {
    "no input": ("payment", (), "payment_id: Field required"),
    "two inputs": ("buyer_message", ('{"text": "a"}', '{"text": "b"}'), "takes one JSON object"),
    "an unknown name": (
        "pay",
        ("{}",),
        "There is no message named 'pay'; the messages are: payment",
    ),
    "an unknown name without input": ("pay", (), "There is no message named 'pay'"),
    "an unknown field": ("payment", ('{"bad": 1}',), "bad: Extra inputs are not permitted"),
    "null": ("payment", ("null",), "payment_id: Field required"),
    "a list": ("buyer_message", ("[]",), "Input should be an object"),
    "a number": ("buyer_message", ("1e400",), "buyer_message is not valid"),
    "a bad value": ("cancel_request", ('{"reason": "bored"}',), "reason: Input should be"),
    "a wrong type": ("buyer_message", ('{"text": {}}',), "text: Input should be a valid string"),
    "no money": (
        "payment",
        ('{"payment_id": "p", "money": {"amount": 0, "currency": "EUR"}, "method": "card"}',),
        "money",
    ),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_signal_is_listed_and_the_order_lives(
    cli: Cli, order: ServerStory, bad: str
) -> None:
    """Contract, case 33: undecodable, unknown or wrongly counted: in ``refused``, with the reason."""
    name, inputs, reason = BAD[bad]

    said = await _send(cli, "signal", order.placed, name, *inputs)
    assert said.code == 0, said.err

    view = await until(lambda: _ask(cli, order.placed), lambda view: bool(view.refused))
    [refused] = view.refused
    assert refused.name == name
    assert reason in refused.reason
    assert view.status == "awaiting_payment"
    assert view.messages == []


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_update_is_refused_and_the_order_lives(
    cli: Cli, order: ServerStory, bad: str
) -> None:
    """Contract, case 33: refused with the sentence, before anything is written."""
    name, inputs, reason = BAD[bad]
    before = (await order.handle.describe()).history_length

    said = await _send(cli, "update", order.placed, name, *inputs)

    assert said.code == 1
    assert reason in said.out + said.err
    assert (await _ask(cli, order.placed)).refused == []
    assert (await order.handle.describe()).history_length == before


async def test_bytes_that_are_not_json_are_listed(cli: Cli, order: ServerStory) -> None:
    """Case 33: a payload of another encoding is named as such."""
    said = await cli(
        *("workflow", "signal", "-w", order.handle.id, "--name", "buyer_message"),
        *("--input", "AAECAw==", "--input-base64", "--input-meta", "encoding=binary/plain"),
    )
    assert said.code == 0, said.err

    view = await order.until(lambda view: bool(view.refused))
    assert "buyer_message arrived as binary/plain; send it as JSON" in view.refused[0].reason


async def test_canceling_the_workflow_is_refused(cli: Cli, order: ServerStory) -> None:
    """R15: an order ends by its own rules, so that nobody's money is left behind."""
    said = await cli("workflow", "cancel", "-w", order.handle.id)
    assert said.code == 0, said.err

    view = await order.until(lambda view: bool(view.refused))
    assert view.refused[0].name == "cancel"
    assert "send cancel_request instead" in view.refused[0].reason
    await order.pay()
    assert (await order.view()).status == "payment_review"


async def _failed(system: DemoSystem, placed: PlaceOrder, cli: Cli) -> str:
    """The sentence that the CLI prints for a workflow that failed, once it has."""
    handle = system.server.client.get_workflow_handle(f"order-{placed.order_id}")
    described = await until(
        handle.describe, lambda it: it.status is not WorkflowExecutionStatus.RUNNING
    )
    assert described.status is WorkflowExecutionStatus.FAILED
    said = await cli("workflow", "describe", "-w", handle.id)
    assert "FAILED" in said.out
    return said.out


async def test_bad_input_fails_at_once_with_a_sentence(
    cli: Cli, system: DemoSystem, placed: PlaceOrder, tmp_path: Path
) -> None:
    """R1, case 33: it says which field and why, and is not tried for ever."""
    changed = placed.model_dump(mode="json")
    changed["lines"][0]["quantity"] = 0
    await _start(cli, placed.order_id, _file(tmp_path, "order.json", changed))

    sentence = await _failed(system, placed, cli)
    assert "PlaceOrder is not valid: lines.0.quantity" in sentence


@pytest.mark.parametrize("count", [0, 2])
async def test_a_wrong_number_of_inputs_fails_at_once(
    cli: Cli, system: DemoSystem, placed: PlaceOrder, tmp_path: Path, count: int
) -> None:
    """R1, case 33: no input, or two."""
    file = _file(tmp_path, "order.json", placed.model_dump_json())
    await _start(cli, placed.order_id, *[file] * count)

    sentence = await _failed(system, placed, cli)
    assert f"Exactly one PlaceOrder is needed as input, but {count} arrived" in sentence


async def test_an_order_under_a_foreign_id_fails_at_once(
    cli: Cli, system: DemoSystem, placed: PlaceOrder, tmp_path: Path
) -> None:
    """Contract: nobody would find it."""
    other = placed.model_copy(update={"order_id": "another"})
    file = _file(tmp_path, "order.json", other.model_dump_json())
    await _start(cli, placed.order_id, file)

    sentence = await _failed(system, placed, cli)
    assert "It must run under the workflow id order-another." in sentence
