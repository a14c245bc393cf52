"""Every message by its name, as Temporal's web UI and CLI list and send it (case 33)."""

import asyncio
from datetime import timedelta
from typing import Any, get_args

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowInteractionDefinition, WorkflowMetadata
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue

from client import stray_payments
from demo.system import DemoSystem, ServerStory
from orders.messages import MESSAGES
from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage
from tests.orders.builders import eur
from workflows import ids

WITHIN = timedelta(seconds=10)
UNDECODABLE = RawValue(Payload(metadata={"encoding": b"binary/encrypted"}, data=b"\x99" * 40))
ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "one": [{}],
    "two": [{}, {}],
    "undecodable": [UNDECODABLE],
}
OF_STRAY_PAYMENTS = tuple(message.name for message in get_args(StrayPaymentMessage))

Handle = WorkflowHandle[Any, Any]


async def _send_everything(handle: Handle, name: str) -> list[str]:
    """Send signals and updates of this name, with each number of arguments; why updates were refused."""
    refused = []
    for arguments in ARGUMENTS.values():
        await handle.signal(name, args=arguments, rpc_timeout=WITHIN)
        try:
            await handle.execute_update(name, args=arguments, rpc_timeout=WITHIN)
        except WorkflowUpdateFailedError as error:
            refused.append(str(error.cause))
    return refused


async def _failed_tasks(handle: Handle) -> int:
    events = [event async for event in handle.fetch_history_events()]
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return sum(event.event_type == failed for event in events)


async def _metadata(handle: Handle) -> WorkflowMetadata:
    """What the web UI fills its dialogues with."""
    metadata: WorkflowMetadata = await handle.query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata, rpc_timeout=WITHIN
    )
    return metadata


async def _stray_payment(system: DemoSystem, payment_id: str) -> Handle:
    payment = StrayPaymentInput(
        payment_id=payment_id, money=eur(5), method="card", reason="unknown_order"
    )
    await stray_payments.refund(system.server.client, payment)
    return system.server.client.get_workflow_handle(ids.stray_workflow_id(payment_id))


def _listed(definitions: Any) -> dict[str, str]:
    known: list[WorkflowInteractionDefinition] = [it for it in definitions if it.name]
    return {it.name: it.description for it in known}


@pytest.mark.parametrize("name", [*MESSAGES, "nonsense"])
async def test_no_number_of_arguments_freezes_an_order(order: ServerStory, name: str) -> None:
    """Signals are listed as refused, updates fail with a sentence; nothing else happens."""
    async with asyncio.timeout(30):
        refused = await _send_everything(order.handle, name)
        view = await order.view()

    assert all(reason.endswith(".") for reason in refused)
    assert any("2 arguments" in it or "no message named" in it for it in refused)
    assert any("encoding json/plain" in it or "no message named" in it for it in refused)
    assert {it.name for it in view.refused} == {name}
    assert await _failed_tasks(order.handle) == 0


@pytest.mark.parametrize("name", [*OF_STRAY_PAYMENTS, "buyer_message", "nonsense"])
async def test_no_number_of_arguments_freezes_a_stray_payment(
    system: DemoSystem, name: str
) -> None:
    handle = await _stray_payment(system, f"frozen-{name}")
    async with asyncio.timeout(30):
        refused = await _send_everything(handle, name)
        await handle.query("stray_payment")

    assert len(refused) == len(ARGUMENTS)
    assert await _failed_tasks(handle) == 0


async def test_an_order_lists_every_message_with_its_description(order: ServerStory) -> None:
    definition = (await _metadata(order.handle)).definition

    described = {name: message.description() for name, message in MESSAGES.items()}
    assert _listed(definition.signal_definitions) == described
    assert _listed(definition.update_definitions) == described
    assert _listed(definition.query_definitions)["order"].startswith("The whole order")


async def test_a_stray_payment_lists_its_messages_with_their_descriptions(
    system: DemoSystem,
) -> None:
    definition = (await _metadata(await _stray_payment(system, "listed"))).definition

    described = {name: MESSAGES[name].description() for name in OF_STRAY_PAYMENTS}
    assert _listed(definition.signal_definitions) == described
    assert _listed(definition.update_definitions) == described
