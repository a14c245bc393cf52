"""With keys, Temporal keeps nothing of an order that can be read, on a real server with a file database."""

import asyncio
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus

from client import orders, reconciliation
from demo.scenarios import SCENARIOS, Scenario
from demo.system import ServerStory
from demo.waiting import until
from deploy.embedded import EmbeddedServer, embedded_server
from orders import messages as m
from orders.place_order import PlaceOrder
from orders.status import Status
from runtime.encryption import data_converter
from tests.real.site import open_site
from tests.runtime.test_encryption import KEY, OLD_KEY

CANARY = "Kanarienvogel"
"""It stands in all that people write."""
# A cancellation, a stray payment, a chargeback after the end, a photo with its verdict.
LIVES = {"canceled-and-refunded", "paid-again", "charged-back", "photo-accepted"}


def _with(server: EmbeddedServer, *keys: str) -> EmbeddedServer:
    converter = data_converter([SecretStr(key) for key in keys])
    return replace(server, client=Client(**server.client.config() | {"data_converter": converter}))


def _people_write(placed: PlaceOrder) -> PlaceOrder:
    line = placed.lines[0].model_copy(update={"title": CANARY})
    return placed.model_copy(
        update={
            "buyer": placed.buyer.model_copy(update={"name": CANARY}),
            "seller": placed.seller.model_copy(
                update={"notify": (f"mailto:{CANARY}@example.org",)}
            ),
            "lines": (line,),
        }
    )


def _files(directory: Path) -> list[bytes]:
    return [it.read_bytes() for it in directory.glob("temporal.db*")]


async def _lives(order: ServerStory, scenario: Scenario) -> None:
    await order.place()
    await order.signal(m.BuyerMessage(text=CANARY))
    await order.signal(m.DisputeDecision(decision="no_refund", note=CANARY))
    await scenario.happens(order)
    view = await order.must_end()
    assert (view.status, view.close_reason) == (scenario.ends.status, scenario.ends.close_reason)
    assert [it.text for it in view.messages] == [CANARY]


async def test_nothing_that_people_write_can_be_read_in_temporal(tmp_path: Path) -> None:
    """Case 54: no name, address, text or reason in any history, nor in the server's files."""
    async with embedded_server(database=tmp_path / "temporal.db") as server:
        async with open_site(tmp_path, _with(server, KEY)) as site, site.worker():
            lives = [it for it in SCENARIOS if it.order_id in LIVES]
            assert len(lives) == len(LIVES)
            for scenario in lives:
                placed = _people_write(scenario.order())
                await _lives(ServerStory(site.system, placed), scenario)
            report = await reconciliation.reconcile(site.system.server.client, days=1)
            assert report.orders == len(LIVES)
        client = server.client
        events = [
            event
            async for it in client.list_workflows()
            async for event in client.get_workflow_handle(
                it.id, run_id=it.run_id
            ).fetch_history_events()
        ]
        assert len(events) > 100
        assert not [it for it in events if CANARY.encode() in it.SerializeToString()]
    kept = await asyncio.to_thread(_files, tmp_path)
    assert sum(map(len, kept)) > 100_000
    assert not [it for it in kept if CANARY.encode() in it]


async def test_an_order_whose_key_is_lost_waits_and_goes_on_when_it_is_back(
    tmp_path: Path, placed: PlaceOrder
) -> None:
    """Case 34. Keys are exchanged: the new one encrypts, the old one is still needed for what is older."""
    async with embedded_server() as server:
        async with open_site(tmp_path, _with(server, OLD_KEY)) as site, site.worker():
            await orders.place(site.system.server.client, placed)
        async with open_site(tmp_path, _with(server, KEY)) as site, site.worker():
            handle = orders.handle(site.system.server.client, placed.order_id)
            await handle.signal("buyer_message", m.BuyerMessage(text="Still there?"))

            async def has_failed() -> bool:
                kinds = [it.event_type async for it in handle.fetch_history_events()]
                return EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED in kinds

            await until(has_failed)
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        async with open_site(tmp_path, _with(server, KEY, OLD_KEY)) as site, site.worker():
            view = await until(
                lambda: orders.show(site.system.server.client, placed.order_id),
                lambda view: bool(view.messages),
            )

    assert view.status is Status.AWAITING_PAYMENT
    assert [it.text for it in view.messages] == ["Still there?"]
