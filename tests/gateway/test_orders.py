"""Orders over HTTP: placed, read, told things, listed."""

from tests.gateway.conftest import Town


async def test_an_order_is_placed_once_and_read_by_its_parties(town: Town) -> None:
    """R1: 201 and the view; the same again is 200; another one under its id is refused."""
    placed = await town.buyer.post("/v1/orders", town.order())
    again = await town.buyer.post("/v1/orders", town.order())
    other = await town.buyer.post(
        "/v1/orders", town.order(shipping_price={"amount": 1, "currency": "EUR"})
    )

    assert (placed.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert placed.headers["location"] == town.path
    assert placed.json()["status"] == "awaiting_payment"
    for person in (town.buyer, town.seller, town.support):
        assert (await person.get(town.path)).json()["order_id"] == town.order_id


async def test_a_refusal_gives_its_reason_and_instant(town: Town) -> None:
    """R5: 409 with the sentence, the instant, and what can be done instead."""
    await town.place()
    await town.pay()

    refused = await town.buyer.post(f"{town.path}/cancel-request", {"reason": "changed_mind"})

    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "payment_review_in_progress"
    assert problem["order_status"] == "payment_review"
    assert problem["available_from"]
    assert "buyer_message" in problem["instead"]


async def test_a_refusal_is_in_the_requested_language(town: Town) -> None:
    """``Accept-Language`` decides on ``detail``; ``reason`` stays as the contract has it."""
    await town.place()
    await town.pay()
    request, polish = {"reason": "changed_mind"}, {"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.5"}

    refused = await town.buyer.post(f"{town.path}/cancel-request", request, headers=polish)
    missing = await town.buyer.get("/v1/orders/nothing", headers=polish)

    assert refused.headers["content-language"] == "pl"
    assert refused.json()["detail"].startswith("Płatność jest sprawdzana")
    assert refused.json()["reason"].startswith("The payment is being checked")
    assert missing.json()["detail"] == "Na Twoim koncie nie ma zamówienia nothing."


async def test_an_idempotency_key_makes_a_message_count_once_with_one_body(town: Town) -> None:
    """``Idempotency-Key`` is the message id: a repeat changes nothing, another body is refused."""
    await town.place()
    key = {"Idempotency-Key": "key-1"}

    said = {"text": "Does it charge a laptop?"}
    for _ in range(2):
        answer = await town.buyer.post(f"{town.path}/buyer-message", said, headers=key)
        assert answer.status_code == 200
        assert len(answer.json()["messages"]) == 1
    other = await town.buyer.post(f"{town.path}/buyer-message", {"text": "Other"}, headers=key)

    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


async def test_lists_have_the_callers_own_orders_newest_first(town: Town) -> None:
    ids = [f"{town.order_id}-{number}" for number in range(3)]
    for order_id in ids:
        await town.place(order_id=order_id)

    mine = (await town.buyer.get("/v1/orders")).json()
    sellers = (await town.seller.get("/v1/orders?status=awaiting_payment")).json()
    nobodys = (await town.person("buyer", "somebody-else").get("/v1/orders")).json()

    assert [order["order_id"] for order in mine["orders"]] == ids[::-1]
    assert [order["order_id"] for order in sellers["orders"]] == ids[::-1]
    assert nobodys == {"orders": [], "next_cursor": None}
