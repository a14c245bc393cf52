"""Whatever a stranger sends by name, the order lists it or refuses it, and lives on (case 33).

Everything here goes through the raw client, as the Temporal CLI or another language would send it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from orders.messages import MESSAGES
from orders.status import Status
from orders.view import OrderView
from testing.replay import replay
from tests.orders.builders import eur, place
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import TimeSkippingStory, time_skipping_story
from workflows import ids


def raw(data: bytes, encoding: str | None = "json/plain") -> RawValue:
    """A payload as it goes over the wire."""
    metadata = {"encoding": encoding.encode()} if encoding is not None else {}
    return RawValue(Payload(metadata=metadata, data=data))


def payment(money: str) -> RawValue:
    """A payment whose money is this JSON text."""
    return raw(
        b'{"payment_id": "p", "method": "card", "paid_at": "2026-03-01T12:00:00Z", "money": '
        + money.encode()
        + b"}"
    )


def euros(amount: str) -> RawValue:
    """A payment of this amount, as JSON text."""
    return payment(f'{{"amount": {amount}, "currency": "EUR"}}')


# Name, arguments, and what the sentence about it must say.
BAD: dict[str, tuple[str, Sequence[Any], str]] = {
    "no argument": ("payment", [], "payment_id: Field required"),
    "two arguments": ("buyer_message", [{"text": "a"}, {"text": "b"}], "2 arguments"),
    "two for one that needs none": ("cancel_withdrawal", [{}, {}], "2 arguments"),
    "unknown name": ("nonsense", [{}], "no message named"),
    "unknown name, no argument": ("nonsense", [], "no message named"),
    "long unknown name": ("n" * 900, [{}], "no message named"),
    "not JSON": ("payment", [raw(b"{oops")], "not valid"),
    "empty JSON": ("payment", [raw(b"")], "Field required"),
    "not UTF-8": ("buyer_message", [raw(b'{"text": "\xff\xfe"}')], "not valid"),
    "lone surrogate": ("buyer_message", [raw(b'{"text": "\\ud800"}')], "not valid"),
    "NUL": ("buyer_message", [{"text": "a\0b"}], "control characters"),
    "deep": ("buyer_message", [raw(b"[" * 60_000)], "not valid"),
    "null": ("buyer_message", [None], "text: Field required"),
    "a number": ("buyer_message", [7], "not valid"),
    "a list": ("buyer_message", [[1, 2]], "not valid"),
    "a text": ("buyer_message", ["hello"], "not valid"),
    "bytes": ("buyer_message", [b"\x00\x01"], "encoding json/plain"),
    "protobuf": ("buyer_message", [raw(b"\x0a", "binary/protobuf")], "encoding json/plain"),
    "protobuf JSON": ("buyer_message", [raw(b"{}", "json/protobuf")], "encoding json/plain"),
    "encrypted by an unknown key": (
        "buyer_message",
        [raw(b"\x99" * 40, "binary/encrypted")],
        "encoding json/plain",
    ),
    "no encoding": ("buyer_message", [raw(b"{}", None)], "bytes of no encoding"),
    "empty text": ("buyer_message", [{"text": ""}], "text: "),
    "oversized text": ("buyer_message", [{"text": "x" * 1001}], "at most 1000"),
    "300 KB of text": ("buyer_message", [{"text": "x" * 300_000}], "at most 65536"),
    "unknown field": ("buyer_message", [{"text": "a", "admin": True}], "admin: Extra inputs"),
    "oversized message id": ("buyer_message", [{"text": "a", "message_id": "m" * 65}], "64"),
    "unknown reason": ("cancel_request", [{"reason": "because"}], "reason: "),
    "NaN": ("payment", [euros("NaN")], "not valid"),
    "infinity": ("payment", [euros("Infinity")], "not valid"),
    "1e400": ("payment", [euros("1e400")], "not valid"),
    "negative": ("payment", [euros("-2490")], "greater than or equal to 0"),
    "nothing": ("payment", [euros("0")], "more than zero"),
    "a float": ("payment", [euros("2490.0")], "whole minor units"),
    "a text as amount": ("payment", [euros('"2490"')], "whole minor units"),
    "above 2^63": ("payment", [euros(str(2**63))], "less than or equal"),
    "unknown currency": ("payment", [payment('{"amount": 2490, "currency": "XXY"}')], "currency"),
    "no currency": ("payment", [payment('{"amount": 2490}')], "Field required"),
    "naive instant": (
        "payment",
        [
            {
                "payment_id": "p",
                "money": {"amount": 2490, "currency": "EUR"},
                "method": "card",
                "paid_at": "2026-03-01T12:00:00",
            }
        ],
        "timezone",
    ),
}

bad = pytest.mark.parametrize(("name", "arguments", "says"), BAD.values(), ids=BAD.keys())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def abused(environment: WorkflowEnvironment) -> AsyncIterator[TimeSkippingStory]:
    """One order, which all the bad signals and updates of this file go to."""
    async with time_skipping_story(environment, "abused") as order:
        yield await order.place()


@bad
async def test_a_bad_signal_is_listed(
    abused: TimeSkippingStory, name: str, arguments: Sequence[Any], says: str
) -> None:
    """Contract: refused is never silent, and never fatal."""
    before = await abused.view()
    await abused.handle.signal(name, args=arguments)

    after = await abused.view()
    assert after.refused[-1].name == name[:64]
    assert says in after.refused[-1].reason
    assert after.refused[-1].reason.endswith(".")
    assert len(after.refused[-1].reason) < 2000
    assert after.model_dump(exclude={"refused"}) == before.model_dump(exclude={"refused"})


@bad
async def test_a_bad_update_is_refused(
    abused: TimeSkippingStory, name: str, arguments: Sequence[Any], says: str
) -> None:
    """Contract: it fails with a sentence, and changes nothing."""
    before = await abused.view()
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await abused.handle.execute_update(name, args=arguments)

    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "InvalidInput"
    assert says in cause.message
    assert await abused.view() == before


async def test_an_order_accepts_its_payment_after_any_bad_message(
    abused: TimeSkippingStory,
) -> None:
    """R5: the order that was sent all of the above is as good as new."""
    for name, arguments, _ in BAD.values():
        await abused.handle.signal(name, args=arguments)

    await abused.pay()

    view = await abused.view()
    assert view.status is Status.PAYMENT_REVIEW
    assert view.amount_paid == eur(2490)
    assert len(view.refused) == 20


@pytest.mark.parametrize(
    "arguments",
    [[], [None], [{}], [raw(b"")]],
    ids=["nothing", "null", "empty object", "empty payload"],
)
@pytest.mark.parametrize("as_update", [False, True])
async def test_a_message_with_no_required_field_may_come_without_an_argument(
    environment: WorkflowEnvironment,
    request: pytest.FixtureRequest,
    arguments: list[Any],
    as_update: bool,
) -> None:
    """Contract, R18."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place(payment_review="PT1S")
        await order.until_cancellation_requested()
        if as_update:
            await order.handle.execute_update("cancel_withdrawal", args=arguments)
        else:
            await order.handle.signal("cancel_withdrawal", args=arguments)

        view = await order.view()
        assert view.status is Status.AWAITING_SHIPMENT
        assert view.refused == []


@pytest.mark.parametrize("name", MESSAGES)
async def test_an_order_survives_any_message_with_an_empty_or_strange_payload(
    abused: TimeSkippingStory, name: str
) -> None:
    """Contract: all 19 names, as signals with nothing and with a field that no message has."""
    await abused.handle.signal(name)
    await abused.handle.signal(name, {"no_such_field": 1})

    view = await abused.view()
    assert view.refused[-1].name == name
    assert "is not valid" in view.refused[-1].reason


PLACED = place().model_dump(mode="json")

INPUTS: dict[str, tuple[Sequence[Any], str]] = {
    "none": ([], "0 arrived"),
    "two": ([PLACED, PLACED], "2 arrived"),
    "a state behind it": ([PLACED, {"status": "shipped"}], "2 arrived"),
    "null": ([None], "not valid"),
    "a number": ([1], "not valid"),
    "bytes": ([b"\x00"], "encoding json/plain"),
    "not JSON": ([raw(b"{oops")], "not valid"),
    "no encoding": ([raw(b"{}", None)], "bytes of no encoding"),
    "a field too many": ([PLACED | {"discount": 1}], "discount: Extra inputs"),
    "a field too few": ([{k: v for k, v in PLACED.items() if k != "lines"}], "lines: Field"),
    "no lines": ([PLACED | {"lines": []}], "lines: "),
    "bad id": ([PLACED | {"order_id": "a/b"}], "order_id: "),
    "two currencies": (
        [PLACED | {"shipping_price": {"amount": 1, "currency": "PLN"}}],
        "one currency",
    ),
    "NaN": ([raw(json.dumps(PLACED).replace("1245", "NaN").encode())], "lines.0.unit_price"),
    "a negative window": ([PLACED | {"policy": {"payment_window": "-P1D"}}], "payment_window"),
    "an id that browsers drop": ([PLACED | {"order_id": ".."}], "begin with a letter or a digit"),
    "a reminder without end": (
        [PLACED | {"policy": {"dispute_reminder": "PT0.000001S", "dispute_window": "PT0.0001S"}}],
        "policy.dispute_reminder: must be at least PT1M",
    ),
    "another order's id": ([PLACED | {"order_id": "A-2"}], "must run under the workflow id"),
}


@pytest.mark.parametrize(("arguments", "says"), INPUTS.values(), ids=INPUTS.keys())
async def test_an_order_with_bad_input_fails_at_once(
    abused: TimeSkippingStory, arguments: Sequence[Any], says: str
) -> None:
    """Design: a sentence that says which field and why, where it would try its first task for ever.

    Cases 80 and 118 among them.
    """
    client = abused.environment.client
    await client.start_workflow(
        "OrderWorkflow", args=arguments, id="order-A-1001", task_queue=ids.TASK_QUEUE
    )
    with pytest.raises(WorkflowFailureError) as caught:
        async with asyncio.timeout(10):
            await client.get_workflow_handle("order-A-1001").result()

    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "InvalidInput"
    assert says in cause.message
    assert cause.message.endswith(".")


async def test_an_order_that_could_not_be_placed_today_replays_and_is_read(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases 80, 93, 118: what was placed and said before these rules goes on."""
    old = PLACED | {"order_id": "..", "policy": {"payment_window": "PT0.05S"}}
    old = json.loads(json.dumps(old).replace('"EUR"', '"eur"'))
    with monkeypatch.context() as before:
        before.setattr("workflows.order.must_be_placeable", lambda placed: None)
        async with time_skipping_story(environment, "before"):
            handle = await environment.client.start_workflow(
                "OrderWorkflow",
                args=[old],
                id="order-..",
                task_queue=ids.TASK_QUEUE,
                result_type=OrderView,
            )
            assert (await handle.result()).close_reason == "payment_expired"
            history = await handle.fetch_history()

    await replay(history)


@pytest.mark.parametrize("workflow_type", ["OrderWorkflow", "StrayPaymentWorkflow"])
async def test_an_invalid_order_started_by_a_signal_fails_at_once(
    abused: TimeSkippingStory, workflow_type: str
) -> None:
    """A handler that runs before ``run`` finds no order: the workflow fails, and does not hang."""
    client = abused.environment.client
    await client.start_workflow(
        workflow_type,
        args=[{"oops": 1}],
        id="order-bad",
        task_queue=ids.TASK_QUEUE,
        start_signal="buyer_message",
        start_signal_args=[{"text": "a"}],
    )
    with pytest.raises(WorkflowFailureError) as caught:
        async with asyncio.timeout(10):
            await client.get_workflow_handle("order-bad").result()

    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "InvalidInput"


async def test_a_stray_payment_accepts_no_other_message(abused: TimeSkippingStory) -> None:
    """R17: bad signals and updates to the other workflow leave it alive as well."""
    payment_id = await abused.send_stray_payment(eur(5))
    handle = abused.environment.client.get_workflow_handle(ids.stray_workflow_id(payment_id))
    await abused.stray_payment(payment_id)
    for name, arguments, _ in BAD.values():
        await handle.signal(name, args=arguments)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, args=arguments)
    await abused.days_pass(3)

    assert (await abused.stray_payment(payment_id)).is_over


async def test_cancelling_the_workflow_is_refused_and_the_order_goes_on(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """R15: ending the process would leave somebody's money behind; it says what to send instead."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        await order.handle.cancel()
        first: OrderView = await order.view()
        await order.until_accepted()
        await order.handle.cancel()
        await order.days_pass(3)

        view = await order.must_end()
        assert [it.name for it in first.refused] == ["cancel"]
        assert "send cancel_request instead" in first.refused[0].reason
        assert view.amount_refunded == eur(2490)


async def test_cancelling_before_the_first_task_is_refused_too(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """R15: no worker has seen the order yet."""
    async with time_skipping_story(environment, order_id_of(request), serves=False) as order:
        await order.driver.place(order.placed)
        await order.handle.cancel()
        async with order.working():
            view = await order.view()
            assert view.status is Status.AWAITING_PAYMENT
            assert [it.name for it in view.refused] == ["cancel"]
            await order.pay()


async def test_cancelling_a_stray_payments_workflow_is_refused(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """R15, R17: it goes back all the same, also when the provider has not answered yet."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        order.world.provider.state.down = True
        payment_id = await order.send_stray_payment(eur(5))
        handle = environment.client.get_workflow_handle(ids.stray_workflow_id(payment_id))
        await order.stray_payment(payment_id)
        await handle.cancel()
        await order.stray_payment(payment_id)
        order.world.provider.state.down = False
        await order.days_pass(1)
        await handle.cancel()
        await order.days_pass(7)

        assert (await order.stray_payment(payment_id)).is_over
