"""The API's description is what the gateway does, where `make soak-http` has found that it was not."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.openapi import EXAMPLES
from orders.messages import MESSAGES
from orders.values import Duration
from tests.gateway.conftest import Town


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/orders", "GET, POST"),
        ("/v1/orders/A-1", "GET"),
        ("/v1/orders/A-1/payment", "POST"),
        ("/metrics", "GET"),
        ("/docs/ui/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_all_that_an_address_knows(
    town: Town, path: str, methods: str
) -> None:
    answer = await town.http.request("DELETE", path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == methods


async def test_metrics_say_what_they_are(town: Town) -> None:
    described = (await town.http.get("/openapi.json")).json()["paths"]["/metrics"]["get"]
    answer = await town.http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert [*described["responses"]["200"]["content"]] == [answer.headers["content-type"]]


@pytest.mark.parametrize("key", ["", "two words", "ł", "k" * 65])
async def test_a_key_is_visible_ascii_only(town: Town, key: str) -> None:
    """What HTTP may change on the way is no name for a message."""
    await town.place()

    answer = await town.buyer.post(
        f"{town.path}/buyer-message",
        {"text": "Hello"},
        headers={"Idempotency-Key": key.encode()},
    )

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize("cursor", ["", "!", "Zm9v", "MjAyNi0xMS0yNVQxMjowMDowMCBB"])
async def test_a_cursor_that_no_list_has_given_is_refused(town: Town, cursor: str) -> None:
    """Empty, of other letters, of no instant, of an instant without a zone."""
    answer = await town.buyer.get("/v1/orders", params={"cursor": cursor})

    assert answer.status_code == 422
    assert "next_cursor" in answer.json()["detail"]


async def test_amounts_are_described_exactly(town: Town) -> None:
    """2**63 - 1 is no float."""
    schemas = (await town.http.get("/openapi.json")).json()["components"]["schemas"]

    assert schemas["Money"]["properties"]["amount"]["maximum"] == 2**63 - 1


@pytest.mark.parametrize("name", MESSAGES)
def test_each_message_has_an_example_that_is_one(name: str) -> None:
    read = MESSAGES[name].model_validate(EXAMPLES[name])

    assert read.model_dump(mode="json", exclude_unset=True) == EXAMPLES[name]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("P20D", True),
        ("PT0.1S", True),
        ("P1Y2W3DT4H5M6.7S", True),
        ("PT36H", True),
        ("P", False),
        ("PT", False),
        ("P1M", False),
        ("P1D2W", False),
        ("20D", False),
    ],
)
def test_durations_are_described_as_they_are_read(text: str, is_one: bool) -> None:
    """R22: RFC 3339's own format has months, which have no length, and no fractions."""
    durations = TypeAdapter[object](Duration)
    try:
        durations.validate_python(text)
        is_read = True
    except ValidationError:
        is_read = False

    assert is_read is is_one
    assert bool(re.search(durations.json_schema()["pattern"], text)) is is_one
