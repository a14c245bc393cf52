"""What histories, the outbox and the database have keeps its names, whatever Python calls it."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.disputes import DisputeCase
from activities.orders import OrderSnapshot
from activities.refunds import RefundQuestion, RefundRequest
from activities.stray_payments import StrayPaymentSnapshot
from orders.order import Order
from orders.place_order import PlaceOrder
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.view import OrderView
from tests.orders.builders import START, Story, eur
from tests.replay.record import HISTORIES

TAKES: dict[str, type[BaseModel]] = {
    "record_order": OrderSnapshot,
    "record_stray": StrayPaymentSnapshot,
    "ask_refund": RefundRequest,
    "stop_refund": RefundQuestion,
    "check_refund": RefundQuestion,
    "file_dispute": DisputeCase,
    "start_stray": StrayPaymentInput,
    "OrderWorkflow": PlaceOrder,
    "StrayPaymentWorkflow": StrayPaymentInput,
}
"""What activities and workflows of these names take."""

RETURNS: dict[str, type[BaseModel]] = {
    "OrderWorkflow": OrderView,
    "StrayPaymentWorkflow": StrayPaymentState,
}


def _payloads() -> Iterator[tuple[type[BaseModel], bytes]]:
    """Every payload of the recorded histories that one of our models was made of."""
    for path in sorted(HISTORIES.glob("*.json")):
        for event in json.loads(path.read_text("utf-8"))["history"]["events"]:
            if started := event.get("workflowExecutionStartedEventAttributes"):
                workflow = started["workflowType"]["name"]
                yield from _read(TAKES.get(workflow), started["input"])
            if scheduled := event.get("activityTaskScheduledEventAttributes"):
                yield from _read(TAKES.get(scheduled["activityType"]["name"]), scheduled["input"])
            if completed := event.get("workflowExecutionCompletedEventAttributes"):
                yield from _read(RETURNS.get(workflow), completed.get("result", {}))


def _read(
    model: type[BaseModel] | None, sent: dict[str, Any]
) -> Iterator[tuple[type[BaseModel], bytes]]:
    if model:
        yield from ((model, b64decode(it["data"])) for it in sent.get("payloads", ()))


def _is_within(old: Any, new: Any) -> bool:
    """Whether all that was written is written again; fields that are younger may be added."""
    match old, new:
        case dict(), dict():
            return all(key in new and _is_within(value, new[key]) for key, value in old.items())
        case list(), list():
            return len(old) == len(new) and all(map(_is_within, old, new))
        case _:
            return bool(old == new)


def _without_chargeback(old: Any) -> Any:
    """As it was written, but for the one chargeback of a payment: an order has a list of them now."""
    if isinstance(old, dict) and isinstance(payment := old.get("payment"), dict):
        chargeback = payment.pop("chargeback", None) or old.pop("chargeback", None)
        if chargeback:
            old["chargebacks"] = [chargeback]
        return old
    if isinstance(old, dict):
        return {key: _without_chargeback(value) for key, value in old.items()}
    return old


def test_what_histories_have_is_read_and_written_again_as_it_is() -> None:
    seen = set()
    for model, data in _payloads():
        seen.add(model)
        again = model.model_validate_json(data).model_dump_json()
        assert _is_within(_without_chargeback(json.loads(data)), json.loads(again)), model

    assert {RefundRequest, PlaceOrder, OrderView, StrayPaymentState} <= seen


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Order, {"notices", "strays", "stray_payments", "clock", "books", "refund_check_due"}),
        (StrayPaymentState, {"notices", "clock", "check_due", "postings", "earlier_refunds"}),
        (OrderSnapshot, {"process", "notices"}),
        (RefundRequest, {"process"}),
    ],
)
def test_the_names_of_serialised_fields_stay(model: type[BaseModel], names: set[str]) -> None:
    assert names <= model.model_json_schema(mode="serialization")["properties"].keys()


async def test_a_state_that_continues_as_new_goes_by_its_serialised_names() -> None:
    """Temporal's converter and the database's dumps write the same, and read it back."""
    order = Story().until_shipped().order
    stray = StrayPaymentState.new(
        StrayPaymentInput(payment_id="p", money=eur(5), method="card", reason="unknown_order"),
        START,
    )
    for state in (order, stray):
        (payload,) = await pydantic_data_converter.encode([state])
        assert json.loads(payload.data) == json.loads(state.model_dump_json())
        assert {"notices", "clock"} <= json.loads(payload.data).keys()
        assert await pydantic_data_converter.decode([payload], [type(state)]) == [state]
