"""Orders over HTTP: placed, read, told things, listed."""

from tests.gateway.conftest import HttpStory


async def test_an_order_is_placed_once_and_read_by_its_parties(order: HttpStory) -> None:
    """R1: 201 and the view; the same again is 200; another one under its id is refused."""
    placed = await order.buyer.post("/v1/orders", order.body())
    again = await order.buyer.post("/v1/orders", order.body())
    other = await order.buyer.post(
        "/v1/orders", order.body(shipping_price={"amount": 1, "currency": "EUR"})
    )

    assert (placed.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert placed.headers["location"] == order.path
    assert placed.json()["status"] == "awaiting_payment"
    for person in (order.buyer, order.seller, order.support):
        assert (await person.get(order.path)).json()["order_id"] == order.order_id


async def test_a_refusal_gives_its_reason_and_instant(order: HttpStory) -> None:
    """R5: 409 with the sentence, the instant, and what can be done instead."""
    await order.place()
    await order.pay()

    refused = await order.buyer.post(f"{order.path}/cancel-request", {"reason": "changed_mind"})

    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "payment_review_in_progress"
    assert problem["order_status"] == "payment_review"
    assert problem["available_from"]
    assert "buyer_message" in problem["instead"]


async def test_a_refusal_is_in_the_requested_language(order: HttpStory) -> None:
    """``Accept-Language`` decides on ``detail``; ``reason`` stays as the contract has it."""
    await order.place()
    await order.pay()
    request, polish = {"reason": "changed_mind"}, {"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.5"}

    refused = await order.buyer.post(f"{order.path}/cancel-request", request, headers=polish)
    missing = await order.buyer.get("/v1/orders/nothing", headers=polish)

    assert refused.headers["content-language"] == "pl"
    assert refused.json()["detail"].startswith("Płatność jest sprawdzana")
    assert refused.json()["reason"].startswith("The payment is being checked")
    assert missing.json()["detail"] == "Na Twoim koncie nie ma zamówienia nothing."


async def test_an_idempotency_key_makes_a_message_count_once_with_one_body(
    order: HttpStory,
) -> None:
    """``Idempotency-Key`` is the message id: a repeat changes nothing, another body is refused."""
    await order.place()
    key = {"Idempotency-Key": "key-1"}

    said = {"text": "Does it charge a laptop?"}
    for _ in range(2):
        answer = await order.buyer.post(f"{order.path}/buyer-message", said, headers=key)
        assert answer.status_code == 200
        assert len(answer.json()["messages"]) == 1
    other = await order.buyer.post(f"{order.path}/buyer-message", {"text": "Other"}, headers=key)

    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


async def test_lists_have_the_callers_own_orders_newest_first(order: HttpStory) -> None:
    ids = [f"{order.order_id}-{number}" for number in range(3)]
    for order_id in ids:
        await order.place(order_id=order_id)

    mine = (await order.buyer.get("/v1/orders")).json()
    sellers = (await order.seller.get("/v1/orders?status=awaiting_payment")).json()
    nobodys = (await order.person("buyer", "somebody-else").get("/v1/orders")).json()

    assert [order["order_id"] for order in mine["orders"]] == ids[::-1]
    assert [order["order_id"] for order in sellers["orders"]] == ids[::-1]
    assert nobodys == {"orders": [], "next_cursor": None}


async def test_who_sent_a_message_is_whom_the_token_names(order: HttpStory) -> None:
    """R25: the timeline says it, and a caller cannot."""
    await order.place()
    said = {"text": "Does it charge a laptop?"}
    ours = await order.buyer.post(f"{order.path}/buyer-message", said | {"by_id": "somebody"})
    update = {"refund_id": "x", "status": "succeeded", "by": "provider"}
    theirs = await order.support.post(f"{order.path}/refund-update", update)

    answer = await order.buyer.post(f"{order.path}/buyer-message", said)

    assert (ours.status_code, theirs.status_code) == (422, 422)
    assert "from your token" in ours.json()["detail"]
    newest = answer.json()["timeline"][-1]
    assert (newest["by"], newest["by_id"]) == ("buyer", answer.json()["buyer"]["id"])
