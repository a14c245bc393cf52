"""Tracking numbers as people paste them (R11)."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.errors import InvalidInput
from orders.messages import SellerReply, TrackingNumber, parse
from orders.tracking_numbers import MOST_PASTED, read_number

SCHEMA: dict[str, Any] = TrackingNumber.model_json_schema()["properties"]["number"]


@pytest.mark.parametrize(
    "text",
    [
        "RR473124829PL",
        " rr 473 124 829 pl\n",
        "RR-473-124-829-PL",
        "RR.473.124.829.PL",
        "(RR) 473124829 [PL]",
        "\N{LEFT DOUBLE QUOTATION MARK}RR473124829PL\N{RIGHT DOUBLE QUOTATION MARK}",
        "RR\N{NON-BREAKING HYPHEN}473\N{EN DASH}124\N{NO-BREAK SPACE}829\N{ZERO WIDTH SPACE}PL",
        "\N{LEFT-TO-RIGHT MARK}RR473124829PL\N{ZERO WIDTH NO-BREAK SPACE}",
        "\N{LEFT-TO-RIGHT EMBEDDING}RR473124829PL\N{POP DIRECTIONAL FORMATTING}",
        "".join(chr(ord(char) + 0xFEE0) for char in "RR473124829PL"),  # full width
        "".join(chr(ord(char) + 0xFEE0) for char in "rr473124829pl"),
        "https://emonitoring.poczta-polska.pl/?numer=RR473124829PL",
        "https://example.org/track/2026/rr473124829pl?lang=pl&step=1#history",
        "https://example.org/track?n=RR%20473%20124%20829%20PL",
        "example.org/track/RR473124829PL",
    ],
)
def test_a_number_is_found_in_what_people_paste(text: str) -> None:
    """R11, case 70: in messages, so whichever way they come; and schemas say so."""
    number = parse("tracking_number", [json.dumps({"number": text}).encode()])
    reply = parse(
        "seller_reply",
        [json.dumps({"decision": "already_shipped", "tracking_number": text}).encode()],
    )

    assert isinstance(number, TrackingNumber)
    assert isinstance(reply, SellerReply)
    assert number.number == reply.tracking_number == "RR473124829PL"
    assert re.search(SCHEMA["pattern"], text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "://",
        "/.",
        "AB 1",
        "x" * 51,
        "<script>",
        "RR473124829PL\0",
        "\u0436" * 13,
        "4" * 501,
    ],
)
def test_what_cannot_be_a_number_is_refused_in_words(text: str) -> None:
    """R11, case 70: without a pattern that nobody can read."""
    with pytest.raises(InvalidInput) as refused:
        parse("tracking_number", [json.dumps({"number": text}).encode()])

    assert "pattern" not in str(refused.value)
    assert not (re.search(SCHEMA["pattern"], text) and len(text) <= SCHEMA["maxLength"])


# What decides about a text, and what may stand between and around it.
_PASTED = st.text(st.sampled_from("aZ09 -._%2/?&=#<:\u200b\u2011\uff11\u0436"), max_size=60)


@given(text=_PASTED | st.from_regex(SCHEMA["pattern"]))
def test_schemas_say_exactly_what_is_taken(text: str) -> None:
    """R11: clients that are made of the description are right about it."""
    try:
        number = read_number(text)
    except ValueError:
        assert not re.search(SCHEMA["pattern"], text)
    else:
        assert re.search(SCHEMA["pattern"], text)
        assert re.fullmatch("[A-Z0-9]{4,50}", number)
        assert read_number(number) == number


def test_a_carriers_address_may_be_long() -> None:
    address = "https://example.org/track?number=RR473124829PL&session="

    assert read_number(address.ljust(MOST_PASTED, "x")) == "RR473124829PL"
