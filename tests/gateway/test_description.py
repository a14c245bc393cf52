"""The API's description is what the gateway does, where `make soak-http` has found that it was not."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import TypeAdapter, ValidationError

from orders.values import Duration
from tests.gateway.conftest import HttpStory


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
async def test_method_not_allowed_lists_the_allowed_methods(
    order: HttpStory, path: str, methods: str
) -> None:
    answer = await order.http.request("DELETE", path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == methods


async def test_metrics_are_described(order: HttpStory) -> None:
    described = (await order.http.get("/openapi.json")).json()["paths"]["/metrics"]["get"]
    answer = await order.http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert [*described["responses"]["200"]["content"]] == [answer.headers["content-type"]]


@pytest.mark.parametrize("key", ["", "two words", "ł", "k" * 65])
async def test_an_idempotency_key_is_visible_ascii_only(order: HttpStory, key: str) -> None:
    """What HTTP may change on the way is no name for a message."""
    await order.place()

    answer = await order.buyer.post(
        f"{order.path}/buyer-message",
        {"text": "Hello"},
        headers={"Idempotency-Key": key.encode()},
    )

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize("cursor", ["", "!", "Zm9v", "MjAyNi0xMS0yNVQxMjowMDowMCBB"])
async def test_an_invalid_cursor_is_refused(order: HttpStory, cursor: str) -> None:
    """Empty, of other letters, of no instant, of an instant without a zone."""
    answer = await order.buyer.get("/v1/orders", params={"cursor": cursor})

    assert answer.status_code == 422
    assert "next_cursor" in answer.json()["detail"]


@pytest.fixture
async def description(order: HttpStory) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = (await order.http.get("/openapi.json")).json()
    return found


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from _nodes(child)


def test_the_description_is_valid_in_the_version_that_it_declares(
    description: dict[str, Any],
) -> None:
    assert description["openapi"] == "3.1.0"
    validate(description)


def test_client_generators_accept_the_description(description: dict[str, Any]) -> None:
    """They drop what stands beside a $ref, and schemas of which all is an alternative."""
    for node in _nodes(description):
        assert "$ref" not in node or len(node) == 1
        assert not {"allOf", "default"} <= node.keys() or not isinstance(node["default"], dict)
    for schema in description["components"]["schemas"].values():
        assert not {"anyOf", "oneOf", "allOf"} & schema.keys()
        assert schema["type"] in ("object", "string")


def test_operations_have_ids_and_tags(description: dict[str, Any]) -> None:
    operations = [it for path in description["paths"].values() for it in path.values()]
    names = [it["operationId"] for it in operations]
    tags = {tag for it in operations for tag in it["tags"]}

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    assert tags == {it["name"] for it in description["tags"]}


def test_the_description_names_no_internal_rules(description: dict[str, Any]) -> None:
    for node in _nodes(description):
        for name in ("summary", "description"):
            if isinstance(text := node.get(name), str):
                assert not re.search(r"\bR[0-9]+|\bcase [0-9]|``", text), text


async def test_amounts_are_described_exactly(order: HttpStory) -> None:
    """2**63 - 1 is no float."""
    schemas = (await order.http.get("/openapi.json")).json()["components"]["schemas"]

    assert schemas["Money"]["properties"]["amount"]["maximum"] == 2**63 - 1


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
