"""What is sealed for one workflow can be read there and nowhere else."""

import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import PayloadCodec, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from runtime.encryption import CannotDecrypt, data_converter

KEY = "2026-11:" + "q8xHX0v2wq0d7b3Xy7zv5r3o0m1n2Kp4s6u8w0y2A4E="
OLD_KEY = "2026-05:" + "Zm9yLXRlc3RzLW9ubHktYW5kLW5vLXNlY3JldC05OSE="
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"Anna"')


def _codec(workflow_id: str, *keys: str) -> PayloadCodec:
    converter = data_converter([SecretStr(key) for key in keys or (KEY,)])
    context = WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)
    codec = converter.with_context(context).payload_codec
    assert codec
    return codec


async def test_what_is_sealed_can_be_opened_in_its_workflow_only() -> None:
    """Case 55: a payload that is copied into another order's history is refused."""
    (sealed,) = await _codec("order-A-1").encode([PLAIN])

    assert b"Anna" not in sealed.SerializeToString()
    assert await _codec("order-A-1").decode([sealed]) == [PLAIN]
    with pytest.raises(CannotDecrypt, match="belongs to the workflow order-A-1"):
        await _codec("order-A-2").decode([sealed])
    sealed.metadata["encryption-workflow-id"] = b"order-A-2"
    with pytest.raises(CannotDecrypt, match="was changed"):
        await _codec("order-A-2").decode([sealed])


async def test_texts_and_traces_of_failures_are_sealed() -> None:
    converter = data_converter([SecretStr(KEY)])
    failure = Failure()
    try:
        raise ApplicationError("Anna is not at home.")
    except ApplicationError as error:
        await converter.encode_failure(error, failure)

    assert b"Anna" not in failure.SerializeToString()
    assert failure.stack_trace == ""
    assert "Anna is not at home." in str(await converter.decode_failure(failure))


async def test_equal_payloads_are_sealed_differently() -> None:
    one, other = await _codec("order-A-1").encode([PLAIN, PLAIN])

    assert one.data != other.data


@pytest.mark.parametrize("data", [b"", b"short", b"\0" * 64])
async def test_what_was_changed_is_refused(data: bytes) -> None:
    (sealed,) = await _codec("order-A-1").encode([PLAIN])
    sealed.data = data

    with pytest.raises(CannotDecrypt, match="was changed"):
        await _codec("order-A-1").decode([sealed])


async def test_the_first_key_seals_and_every_key_opens() -> None:
    (older,) = await _codec("order-A-1", OLD_KEY).encode([PLAIN])
    (newer,) = await _codec("order-A-1", KEY, OLD_KEY).encode([PLAIN])

    assert await _codec("order-A-1", KEY, OLD_KEY).decode([older, newer]) == [PLAIN, PLAIN]
    with pytest.raises(CannotDecrypt, match="key 2026-11, which UNBUY_ENCRYPTION_KEYS"):
        await _codec("order-A-1", OLD_KEY).decode([newer])


async def test_what_is_older_than_the_keys_is_passed_on() -> None:
    assert await _codec("order-A-1").decode([PLAIN]) == [PLAIN]


@pytest.mark.parametrize(
    ("found_in", "is_its_own"),
    [("daily-2026-11-29T00:00:00Z", True), ("daily-2", False), ("daily", True)],
)
async def test_a_schedule_seals_for_the_workflows_that_it_starts(
    found_in: str, is_its_own: bool
) -> None:
    """Their ids end in the instant, which is not known beforehand."""
    (sealed,) = await _codec("daily").encode([PLAIN])

    if is_its_own:
        assert await _codec(found_in).decode([sealed]) == [PLAIN]
    else:
        with pytest.raises(CannotDecrypt):
            await _codec(found_in).decode([sealed])
