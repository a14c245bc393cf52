"""Bad input: each is refused with a sentence that names the field and never repeats what came."""

import json
from datetime import timedelta
from typing import Any

import iso4217
import pytest
from pydantic import ValidationError

from orders.errors import InvalidInput
from orders.messages import MESSAGES, BuyerMessage, parse
from orders.place_order import PlaceOrder, must_be_placeable
from orders.policy import Policy
from orders.values import ANY_CASE, MAX_AMOUNT, Money, decimals
from tests.orders.builders import SHA, place

PAYMENT = {
    "payment_id": "pay-1",
    "money": {"amount": 2490, "currency": "EUR"},
    "method": "card",
    "paid_at": "2026-03-01T12:00:00Z",
}
CANARY = "Canary-4711"


def _must_refuse(name: str, *bodies: str | bytes | dict[str, Any]) -> str:
    """The sentence of a refusal: printable, short, one line, and without the input."""
    raw = [
        body
        if isinstance(body, bytes)
        else (body if isinstance(body, str) else json.dumps(body)).encode()
        for body in bodies
    ]
    with pytest.raises(InvalidInput) as caught:
        parse(name, raw)
    said = str(caught.value)
    assert said.isprintable()
    assert said.endswith(".")
    assert len(said) < 2000
    assert CANARY not in said
    return said


def _with(field: str, value: str) -> str:
    """A payment whose field is this JSON text."""
    text = json.dumps(PAYMENT | {field: "HERE"} if field in PAYMENT else _money(field))
    return text.replace('"HERE"', value)


def _money(field: str) -> dict[str, Any]:
    return PAYMENT | {"money": {"amount": 2490, "currency": "EUR"} | {field: "HERE"}}


def test_a_valid_payment_is_read() -> None:
    """R5: what all the bad ones below differ from by one thing."""
    assert parse("payment", [json.dumps(PAYMENT).encode()]).name == "payment"


@pytest.mark.parametrize(
    "amount",
    [
        "NaN",
        "1e400",
        "-1e400",
        "Infinity",
        "-1",
        "0",
        "1.5",
        "1.0",
        "1e2",
        "true",
        '"2490"',
        "null",
        "[]",
        "{}",
        str(MAX_AMOUNT + 1),
        "9" * 400,
    ],
)
def test_an_invalid_amount_is_refused(amount: str) -> None:
    """R5, case 17: whole minor units, more than nothing, within 64 bits; refused, nothing written."""
    assert "money" in _must_refuse("payment", _with("amount", amount))


def test_a_number_with_too_many_digits_is_refused() -> None:
    """R5, case 17: too long for the parser itself."""
    _must_refuse("payment", _with("amount", "9" * 100_000))


@pytest.mark.parametrize(
    "currency", ["XXX", "XTS", "XAU", "XSU", "XUA", "EURO", "E", "", "ZZZ", "E\\u0000R", "€"]
)
def test_an_unknown_currency_is_refused(currency: str) -> None:
    """R5, case 17: ISO 4217, and money people pay with."""
    assert "money.currency" in _must_refuse("payment", _with("currency", f'"{currency}"'))


@pytest.mark.parametrize("currency", ["eur", "Eur", "eUR"])
def test_a_currency_in_small_letters_is_refused(currency: str) -> None:
    """Case 93: with the remedy; a workflow's history may have such codes."""
    text = _with("currency", f'"{currency}"')
    assert "money.currency: must be in capitals, such as EUR" in _must_refuse("payment", text)
    assert "shipping_price.currency" in _not_placed(
        shipping_price={"amount": 0, "currency": currency}
    )
    assert parse("payment", [text.encode()], ANY_CASE) == parse(
        "payment", [json.dumps(PAYMENT).encode()]
    )


@pytest.mark.parametrize("order_id", [".", "..", "-rf", "_", ".A-1", "-"])
def test_a_new_order_has_an_id_that_begins_with_a_letter_or_a_digit(order_id: str) -> None:
    """Case 80: an old one is still read."""
    with pytest.raises(InvalidInput, match="order_id: must begin with a letter or a digit"):
        must_be_placeable(place(order_id=order_id))


@pytest.mark.parametrize("order_id", ["0", "z", "A-1..", "9_"])
def test_other_ids_are_placed(order_id: str) -> None:
    """Case 80."""
    must_be_placeable(place(order_id=order_id))


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_window": "PT0.09S"},
        {"shipment_window": "PT0.000001S"},
        {"refund_checks": ["P3D", "PT0.05S"]},
        {"payment_reminders": ["PT0.05S"]},
        {"dispute_reminder": "PT59S", "dispute_window": "PT0.05S"},
        {"dispute_reminder": "PT0.000001S", "dispute_window": "PT0.0001S"},
    ],
)
def test_no_duration_of_a_new_order_is_too_short(changes: dict[str, Any]) -> None:
    """Case 118, R22: a moment for what happens a few times, a minute for what happens for ever."""
    with pytest.raises(InvalidInput) as caught:
        must_be_placeable(place(policy=changes))
    for field in changes:
        assert f"policy.{field}: must be at least" in str(caught.value)


def test_the_shortest_durations_are_placed() -> None:
    """Case 118: for trying things out."""
    names = [
        name for name in Policy.model_fields if name.endswith(("_window", "_review", "_grace"))
    ]
    must_be_placeable(
        place(
            policy=dict.fromkeys(names, "PT0.1S")
            | {"dispute_reminder": "PT1M", "refund_checks": ["PT0.1S"], "shipment_window": None}
        )
    )


@pytest.mark.parametrize("currency", Money.model_json_schema()["properties"]["currency"]["enum"])
def test_decimals_are_those_of_iso_4217(currency: str) -> None:
    """R5: as the package iso4217 has them from the standard's own list."""
    assert decimals(currency) == iso4217.Currency(currency).exponent


@pytest.mark.parametrize("currency", ["EUR", "JPY", "PLN", "KWD", "UAH"])
def test_currencies_with_any_number_of_decimals_are_read(currency: str) -> None:
    """R5: none, two or three decimals; minor units are whole in all of them."""
    parse("payment", [_with("currency", f'"{currency}"').encode()])
    price = {"amount": MAX_AMOUNT, "currency": currency}
    line = {"sku": "A", "title": "A", "quantity": 1, "unit_price": price}
    order = place(lines=[line], shipping_price={"amount": 0, "currency": currency})
    assert order.total.amount == MAX_AMOUNT


@pytest.mark.parametrize(
    "paid_at",
    [
        '"2026-03-01T12:00:00"',
        '"2026-03-01"',
        '"yesterday"',
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31T23:59:59-14:00"',
        '"2026-13-01T00:00:00Z"',
        "NaN",
        "1e400",
        "true",
        "null",
    ],
)
def test_an_invalid_instant_is_refused(paid_at: str) -> None:
    """R5, case 45: naive, impossible, or outside the years that UTC has."""
    assert "paid_at" in _must_refuse("payment", _with("paid_at", paid_at))


def test_instants_are_kept_in_utc() -> None:
    """R5, case 45: daylight saving and offsets come to the same instant."""
    sent = parse("payment", [_with("paid_at", '"2026-03-29T03:00:00+02:00"').encode()])
    assert sent.model_dump(mode="json")["paid_at"] == "2026-03-29T01:00:00Z"


@pytest.mark.parametrize(
    "name", ["", "order", "Payment", "__init__", "payment ", "\x00", "x" * 999]
)
def test_an_unknown_message_name_is_refused(name: str) -> None:
    """R7, case 33: refused with the names that there are."""
    assert "cancel_request" in _must_refuse(name, {})


@pytest.mark.parametrize("name", MESSAGES)
def test_two_arguments_are_refused(name: str) -> None:
    """R7, case 33: one object, not two."""
    assert "2 arguments" in _must_refuse(name, {}, {})


@pytest.mark.parametrize("name", MESSAGES)
def test_a_missing_argument_is_refused(name: str) -> None:
    """R7, case 33: a message with no required field may come without one; the others say what is missing."""
    required = [n for n, field in MESSAGES[name].model_fields.items() if field.is_required()]
    for nothing in ([], [b""], [b"null"], [b"{}"]):
        if not required:
            assert parse(name, nothing) == MESSAGES[name]()
            continue
        said = _must_refuse(name, *nothing)
        assert all(f"{field}: Field required" in said for field in required[:5])


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b'"text"',
        b"true",
        b"\xff\xfe",
        b'{"note": "\xff"}',
        b'{"note": "\\ud800"}',
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"note": ' + b"[" * 500 + b"]" * 500 + b"}",
        b" ",
        b"{} {}",
    ],
)
def test_anything_but_a_json_object_is_refused(name: str, body: bytes) -> None:
    """R7, cases 33 and 51: garbage, deep JSON, bytes that are no text, lone surrogates."""
    assert name in _must_refuse(name, body)


@pytest.mark.parametrize("name", MESSAGES)
def test_an_unknown_field_is_refused(name: str) -> None:
    """R7, case 48: fields that the contract doesn't have are refused."""
    said = _must_refuse(name, {"order_status": CANARY})
    assert "order_status: Extra inputs are not permitted" in said or "and 1 more" in said


@pytest.mark.parametrize("field", [CANARY, "a\x00b\nc", "\u202eevil", "k" * 100_000])
def test_a_hostile_field_name_is_not_repeated(field: str) -> None:
    """R7, cases 51 and 54: the sentence goes to logs and databases, the sender's text doesn't."""
    said = _must_refuse("cancel_request", {"reason": "other", field: 1})

    assert field not in said
    assert "not permitted" in said


@pytest.mark.parametrize(
    "body",
    [
        '{"reason": "other", "reason": "out_of_stock"}',
        '{"reason": "other", "complaint": false, "complaint": true}',
        '{"reason": "other", "r\\u0065ason": "out_of_stock"}',
    ],
)
def test_duplicate_keys_are_refused(body: str) -> None:
    """R7, case 51: of two answers to one question none is taken."""
    _must_refuse("cancel_request", body)


def test_nested_duplicate_keys_are_refused() -> None:
    """R5, case 51: nor in money."""
    money = '{"amount": 1, "amount": 2490, "currency": "EUR"}'
    _must_refuse("payment", _with("money", money))


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [{}] * 20_000},
        {"buyer": {"id": "b", "name": "B", "locale": "pl", "notify": [0] * 20_000}},
        {"policy": {"refund_checks": [0] * 20_000}},
    ],
)
def test_a_long_list_of_mistakes_is_not_read_to_its_end(changes: dict[str, Any]) -> None:
    """R1, case 51: naming 80,000 mistakes would take seconds, for everybody who waits behind it."""
    body = json.dumps(json.loads(place().model_dump_json()) | changes)

    with pytest.raises(ValidationError) as caught:
        PlaceOrder.model_validate_json(body)

    assert caught.value.error_count() < 10


@pytest.mark.parametrize(
    ("name", "field", "most"),
    [
        ("cancel_request", "note", 1000),
        ("buyer_message", "text", 1000),
        ("seller_message", "text", 1000),
        ("payment_declined", "reason", 1000),
        ("payment", "method", 200),
        ("shipment_proof", "media_type", 200),
        ("shipment_proof", "reference", 1000),
        ("payment", "payment_id", 255),
        ("payment", "message_id", 64),
        ("offer_acceptance", "offer_id", 64),
        ("tracking_number", "number", 50),
        ("tracking_number", "carrier", 200),
    ],
)
def test_long_texts_are_refused(name: str, field: str, most: int) -> None:
    """R4, case 31: every text has its longest."""
    required: dict[str, dict[str, Any]] = {
        "cancel_request": {"reason": "other"},
        "seller_message": {"topic": "other"},
        "payment_declined": {"payment_id": "p"},
        "payment": PAYMENT,
        "shipment_proof": {
            "kind": "photo",
            "reference": "r",
            "media_type": "image/jpeg",
            "size": 1,
            "sha256": SHA,
        },
        "tracking_number": {"number": "ABCD1"},
    }
    fields = required.get(name, {})
    parse(name, [json.dumps(fields | {field: "x" * most}).encode()])
    assert field in _must_refuse(name, fields | {field: "x" * (most + 1)})
    assert field in _must_refuse(name, fields | {field: "x" * 5_000_000})


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x1b", "\x1f", "\x7f", "\x85", "\x9b"])
def test_control_characters_are_refused(control: str) -> None:
    """R4, case 51: no text hides anything from a terminal or breaks a database."""
    assert "text" in _must_refuse("buyer_message", {"text": f"Hello{control}"})
    assert "payment_id" in _must_refuse("payment", PAYMENT | {"payment_id": f"pay{control}"})


def test_ordinary_text_is_accepted() -> None:
    """R4: line breaks, Polish, emoji."""
    text = "Dzień dobry,\r\n\tzażółć gęślą jaźń 🙂"

    message = parse("buyer_message", [json.dumps({"text": text}).encode()])

    assert message == BuyerMessage(text=text)


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("seller_message", {"topic": "discount", "text": "x"}, "discount"),
        ("seller_message", {"topic": "other", "text": "x", "bonus": "y"}, "bonus"),
        ("seller_message", {"topic": "bonus", "text": "x"}, "bonus"),
        ("seller_message", {"topic": "gift", "text": "x"}, "topic"),
        ("seller_reply", {"decision": "accept", "tracking_number": "ABCD1"}, "tracking_number"),
        ("seller_reply", {"decision": "maybe"}, "decision"),
        ("dispute_decision", {"decision": "partial_refund"}, "money"),
        (
            "dispute_decision",
            {"decision": "no_refund", "money": {"amount": 1, "currency": "EUR"}},
            "money",
        ),
        ("cancel_request", {"reason": CANARY}, "reason"),
        ("shipment_extension", {"days": 0}, "days"),
        ("shipment_extension", {"days": 61}, "days"),
        ("shipment_extension", {"days": 1.0}, "days"),
        ("shipment_extension", {"days": True}, "days"),
        ("chargeback", {"payment_id": "p", "status": "maybe"}, "status"),
        ("refund_update", {"refund_id": "r", "status": "done"}, "status"),
        ("settlement_offer", {"money": {"amount": 0, "currency": "EUR"}}, "money"),
        ("tracking_number", {"number": "    "}, "number"),
        ("tracking_number", {"number": "<script>"}, "number"),
        ("payment", PAYMENT | {"payment_id": "../" + CANARY}, "payment_id"),
        ("payment", PAYMENT | {"message_id": ""}, "message_id"),
    ],
)
def test_invalid_field_values_are_refused(name: str, fields: dict[str, Any], field: str) -> None:
    """R4, R10, R16, R20a: each is named."""
    assert field in _must_refuse(name, fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", 0), ("size", 10 * 1024 * 1024 + 1), ("sha256", "zz"), ("kind", "x")],
)
def test_an_invalid_proof_is_refused(field: str, value: object) -> None:
    """R10, case 53: at most 10 MiB, and named by its hash."""
    proof = {
        "kind": "photo",
        "reference": "r",
        "media_type": "image/jpeg",
        "size": 1,
        "sha256": SHA,
    }
    assert field in _must_refuse("shipment_proof", proof | {field: value})


# --- orders as they are placed ---

ORDER: dict[str, Any] = place().model_dump(mode="json")


def _not_placed(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        PlaceOrder.model_validate_json(json.dumps(ORDER | changes))
    said = str(InvalidInput.from_validation("PlaceOrder", caught.value))
    assert CANARY not in said
    assert said.isprintable()
    return said


def test_of_thousands_of_problems_the_first_are_named() -> None:
    """Case 87: to word each of 6,000 took a tenth of a second."""
    said = _not_placed(**{f"k{number}": 1 for number in range(6000)})

    assert said.count("k") == 5
    assert said.endswith("; and 5995 more.")


def _line(**changes: Any) -> dict[str, Any]:
    line: dict[str, Any] = ORDER["lines"][0]
    return line | changes


def test_an_order_survives_serialisation() -> None:
    """R22: as it was placed, policy and all."""
    assert PlaceOrder.model_validate_json(json.dumps(ORDER)) == place()
    without = {name: value for name, value in ORDER.items() if name != "policy"}
    assert PlaceOrder.model_validate_json(json.dumps(without)).policy == Policy()


@pytest.mark.parametrize(
    "order_id", ["", "a b", "a/b", "ä", "x" * 65, "a\n", "\x00", "a:b", CANARY + "!", 1, None]
)
def test_an_invalid_order_id_is_refused(order_id: object) -> None:
    """R1: 1 to 64 of A-Z a-z 0-9 . _ -."""
    assert "order_id" in _not_placed(order_id=order_id)


@pytest.mark.parametrize("order_id", ["A", "x" * 64, "a.B_c-9"])
def test_a_valid_order_id_is_accepted(order_id: str) -> None:
    """R1: and those are taken."""
    assert place(order_id=order_id).order_id == order_id


def test_a_total_that_overflows_is_refused() -> None:
    """R5, case 17: each price fits, the sum does not."""
    price = {"amount": MAX_AMOUNT, "currency": "EUR"}
    assert "total" in _not_placed(lines=[_line(quantity=2, unit_price=price)])
    assert "total" in _not_placed(
        lines=[_line(quantity=1, unit_price=price)], shipping_price={"amount": 1, "currency": "EUR"}
    )


def test_a_total_of_zero_is_refused() -> None:
    """R5: there must be something to pay."""
    assert "total" in _not_placed(lines=[_line(unit_price={"amount": 0, "currency": "EUR"})])
    assert "lines" in _not_placed(lines=[])


def test_mixed_currencies_are_refused() -> None:
    """R5: one order, one currency."""
    zloty = {"amount": 1, "currency": "PLN"}
    assert "one currency" in _not_placed(shipping_price=zloty)
    assert "one currency" in _not_placed(lines=[_line(), _line(unit_price=zloty)])


@pytest.mark.parametrize("quantity", [0, -1, 1.0, "2", True, 1_000_001, None])
def test_an_invalid_quantity_is_refused(quantity: object) -> None:
    """R1: whole, and at least one."""
    assert "lines.0.quantity" in _not_placed(lines=[_line(quantity=quantity)])


def test_too_many_or_too_long_fields_are_refused() -> None:
    """R1, case 31: lists end, too."""
    assert "lines" in _not_placed(lines=[_line()] * 101)
    assert "notify" in _not_placed(buyer=ORDER["buyer"] | {"notify": ["mailto://x"] * 11})
    assert "title" in _not_placed(lines=[_line(title="x" * 201)])


@pytest.mark.parametrize(
    "changes",
    [
        {"buyer": {"id": "b", "name": "B", "locale": "de"}},
        {"buyer": {"id": CANARY + " ", "name": "B", "locale": "pl"}},
        {"buyer": {"id": "b", "name": "\x00", "locale": "pl"}},
        {"buyer": {"id": "b", "name": "B", "locale": "pl", "password": CANARY}},
        {"buyer": None},
        {"policy": None},
        {"status": "closed"},
    ],
)
def test_invalid_parties_are_refused(changes: dict[str, Any]) -> None:
    """R21, R22: languages that there are, and no field that isn't the caller's."""
    assert next(iter(changes)) in _not_placed(**changes)


@pytest.mark.parametrize("window", ["P0D", "-P1D", "PT0S", "P3651D", "P99999999999D", "NaN", "x"])
def test_an_invalid_duration_is_refused(window: str) -> None:
    """R22: longer than nothing, at most ten years."""
    assert "payment_window" in _not_placed(policy={"payment_window": window})
    assert "refund_checks" in _not_placed(policy={"refund_checks": [window]})


def test_an_invalid_policy_is_refused() -> None:
    """R22: what it doesn't know it refuses."""
    assert "payment_days" in _not_placed(policy={"payment_days": 20})
    assert "dispute_on_failed_proof" in _not_placed(policy={"dispute_on_failed_proof": "never"})
    assert "seller_reminders" in _not_placed(policy={"seller_reminders": ["P1D"] * 11})
    assert Policy.model_validate({"shipment_window": None}).shipment_window is None


@pytest.mark.parametrize(
    "duration", ["20", "20.5", '"3 days"', '"00:00:05"', '"P1M"', '"P"', '"-P1D"']
)
def test_durations_are_iso_8601(duration: str) -> None:
    """R22, case 45: a bare number would be seconds, and a month has no length."""
    with pytest.raises(ValidationError, match=r"ISO 8601|longer than nothing"):
        Policy.model_validate_json(f'{{"payment_window": {duration}}}')


@pytest.mark.parametrize("instant", ["1700000000", '"1700000000"', '"2026-11-23"'])
def test_instants_are_iso_8601(instant: str) -> None:
    """Case 45."""
    fields = f'"payment_id":"p","money":{{"amount":1,"currency":"EUR"}},"method":"card","paid_at":{instant}'
    with pytest.raises(InvalidInput, match=r"paid_at: .*ISO 8601"):
        parse("payment", [f"{{{fields}}}".encode()])


def test_too_many_reminders_are_refused() -> None:
    """R22: an order must stay small."""
    with pytest.raises(ValidationError, match="at most 200 reminders"):
        Policy(dispute_reminder=timedelta(minutes=10))
