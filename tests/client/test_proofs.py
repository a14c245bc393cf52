"""Proofs that nobody uploaded, refused before an order hears of them (case 82)."""

from functools import partial

import pytest
from temporalio.testing import WorkflowEnvironment

from client import orders
from client.errors import UnknownOrder
from client.proofs import no_store, refuse_unknown_proof, upload_refusal
from orders.errors import NotAllowedNow, RefusalCode
from orders.messages import DisputeEvidence, Message, ShipmentProof
from orders.stored_files import StoredFile
from orders.view import OrderView
from tests.orders.builders import Story, evidence, message, photo
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import time_skipping_story

PROOF = message("shipment_proof", **photo())


async def judge(story: Story, sent: Message = PROOF, *, is_stored: bool = False) -> None:
    async def has_proof(order_id: str, proof: StoredFile) -> bool:
        return is_stored

    async def show() -> OrderView:
        return story.view

    await refuse_unknown_proof(story.view.order_id, sent, has_proof, show)


async def test_only_what_is_stored_may_be_sent() -> None:
    story = Story().until_awaiting_shipment()

    with pytest.raises(NotAllowedNow, match="upload the photo or scan") as caught:
        await judge(story)

    assert caught.value.code is RefusalCode.UNKNOWN_PROOF
    await judge(story, is_stored=True)
    await judge(story, message("buyer_message", text="Hello?"))


async def test_evidence_is_a_file_of_the_store_as_well() -> None:
    """R16: and is uploaded elsewhere; a dispute that took ten says that it takes no more."""
    story = Story().until_disputed()
    sent = message("dispute_evidence", **evidence())

    with pytest.raises(NotAllowedNow, match="/evidence, which sends") as caught:
        await judge(story, sent)

    assert caught.value.code is RefusalCode.UNKNOWN_PROOF
    for _ in range(10):
        story.send("dispute_evidence", **evidence())
    refusal = upload_refusal(story.view, DisputeEvidence)
    assert refusal
    assert refusal.code is RefusalCode.TOO_MANY_MESSAGES


async def test_where_no_proof_is_taken_that_is_said() -> None:
    with pytest.raises(NotAllowedNow) as caught:
        await judge(Story())

    assert caught.value.code is RefusalCode.NOT_IN_THIS_STATUS


async def test_an_order_with_ten_proofs_says_that_it_takes_no_more() -> None:
    story = Story().until_awaiting_shipment()
    for _ in range(10):
        story.send("shipment_proof", **photo())
    with pytest.raises(NotAllowedNow) as by_order:
        story.send("shipment_proof", **photo())

    refusal = upload_refusal(story.view, ShipmentProof)

    assert refusal
    assert (refusal.code, refusal.reason) == (by_order.value.code, by_order.value.reason)
    assert refusal.code is RefusalCode.TOO_MANY_MESSAGES


async def test_an_unknown_order_is_left_to_whoever_looks_for_it() -> None:
    async def unknown() -> OrderView:
        raise UnknownOrder("A-1")

    await refuse_unknown_proof("A-1", PROOF, no_store, unknown)


async def test_whoever_names_no_store_sends_no_proof(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """By update and by signal alike; the order hears of neither."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        await order.pay()
        await order.days_pass(1)
        client, order_id = environment.client, order.placed.order_id
        stored = partial(orders.show, client)

        for sending in (orders.send, orders.send_signal):
            with pytest.raises(NotAllowedNow):
                await sending(client, order_id, PROOF, stored)

        view = await order.view()
        assert (view.shipment and view.shipment.proofs, view.refused) == ([], [])
