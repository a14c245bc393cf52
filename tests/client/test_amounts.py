"""Amounts that the provider could never pay or take, refused before they are decided (case 62)."""

from typing import Any

import pytest

from adapters.stripe.money import amount_problem
from client.amounts import any_amount, refuse_unpayable
from client.errors import UnknownOrder
from orders.errors import NotAllowedNow, RefusalCode
from orders.place_order import Line
from orders.values import Money
from orders.view import OrderView
from tests.orders.builders import Story, message, place


def dinars(amount: int) -> Money:
    """So many fils, of which Stripe takes tens only."""
    return Money.model_validate({"amount": amount, "currency": "KWD"})


def placed(due: int = 24_900) -> Story:
    """An order of 24.900 KWD."""
    line = Line(sku="CAB-2", title="USB-C cable", quantity=1, unit_price=dinars(due))
    return Story(place(lines=(line,), shipping_price=dinars(0)))


async def judge(story: Story, name: str, rule: Any = amount_problem, **fields: Any) -> None:
    async def show() -> OrderView:
        return story.view

    await refuse_unpayable(message(name, **fields), rule, show)


async def must_refuse(story: Story, name: str, **fields: Any) -> NotAllowedNow:
    with pytest.raises(NotAllowedNow) as caught:
        await judge(story, name, **fields)
    assert caught.value.code is RefusalCode.WRONG_AMOUNT
    assert caught.value.status == story.view.status
    await judge(story, name, any_amount, **fields)
    return caught.value


async def test_a_decision_that_cannot_be_paid_is_refused() -> None:
    """R16."""
    story = placed().until_disputed()

    refused = await must_refuse(
        story, "dispute_decision", decision="partial_refund", money=dinars(505)
    )

    assert refused.reason == "Stripe takes KWD only with a last digit of 0, not 0.505 KWD."
    await judge(story, "dispute_decision", decision="partial_refund", money=dinars(510))
    for decision in ("full_refund", "no_refund"):
        await judge(story, "dispute_decision", decision=decision)


async def test_a_settlement_that_cannot_be_paid_is_refused() -> None:
    """R16b."""
    story = placed().until_disputed()

    await must_refuse(story, "settlement_offer", money=dinars(505))

    await judge(story, "settlement_offer", money=dinars(510))


async def test_a_discount_that_leaves_what_cannot_be_paid_is_refused() -> None:
    """R4: what counts is what would be left to pay, not the discount."""
    story = placed(due=24_905)

    refused = await must_refuse(
        story, "seller_message", topic="discount", text="Yours?", discount=dinars(500)
    )

    assert refused.reason.startswith("What would be left to pay, 24.405 KWD, cannot be paid: ")
    for sent in (
        {"topic": "discount", "discount": dinars(505)},
        {"topic": "bonus", "bonus": "A case"},
        {"topic": "other"},
    ):
        await judge(story, "seller_message", text="Yours?", **sent)


async def test_what_the_order_refuses_itself_is_left_to_it() -> None:
    story = placed()
    money = dinars(505)

    await judge(story, "dispute_decision", decision="partial_refund", money=money)
    await judge(story, "settlement_offer", money=money)
    for more in (
        dinars(24_900),
        dinars(25_000),
        Money.model_validate({"amount": 1, "currency": "EUR"}),
    ):
        await judge(story, "seller_message", topic="discount", text="Yours?", discount=more)


async def test_an_unknown_order_is_left_to_whoever_looks_for_it() -> None:
    async def unknown() -> OrderView:
        raise UnknownOrder("A-1")

    sent = message("settlement_offer", money=dinars(505))
    await refuse_unpayable(sent, amount_problem, unknown)
