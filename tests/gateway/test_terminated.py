"""An order whose workflow somebody terminated says so (case 97)."""

from typing import Any

from client import orders
from demo.waiting import until
from tests.gateway.browsing import browser_at, sign_in
from tests.gateway.conftest import HttpStory
from tests.gateway.problem import must_be_problem

SAYS = "process was terminated: nothing happens to it until support has it started again."


async def _terminated(order: HttpStory) -> dict[str, Any]:
    await order.place()
    await order.settled_events()
    await orders.handle(order.system.server.client, order.order_id).terminate()
    view: dict[str, Any] = (await order.buyer.get(order.path)).json()
    return view


async def test_a_terminated_order_says_so_and_offers_nothing(order: HttpStory) -> None:
    """Case 97: nothing comes by itself, and what cannot be done says why."""
    view = await _terminated(order)

    assert view["terminated"] is True
    assert view["status"] == "awaiting_payment"
    assert view["next"] == []
    for role, listed in view["actions"].items():
        for action in listed:
            assert not action["available"], (role, action)
            assert SAYS in action["reason"] or action["action"] in (
                "refund_update",
                "unmatched_resolution",
            )


async def test_a_message_to_a_terminated_order_is_refused_as_its_view_says(
    order: HttpStory,
) -> None:
    """Case 97: and money that comes nevertheless goes back (R17)."""
    await _terminated(order)

    refused = await order.buyer.post(f"{order.path}/cancel-request", {"reason": "other"})
    paid = await order.pay()

    problem = must_be_problem(refused, 409)
    assert SAYS in problem["reason"]
    assert problem["code"] == "not_in_this_status"
    assert problem["instead"] == []
    assert "stray-payment-" in must_be_problem(paid, 409)["process"]


async def test_pages_and_lists_say_that_an_order_was_terminated(
    order: HttpStory, address: str
) -> None:
    """Case 97: also the lists, once anybody has seen it; and support's of what waits for it."""
    await _terminated(order)
    async with browser_at(address) as desk:
        waiting = await (await sign_in(desk, "support", "support-1")).http.get("/")
    browser = await sign_in(order.http, "buyer", order.buyer.id)

    page = await browser.http.get(f"/orders/{order.order_id}")
    home = await browser.http.get("/")
    [listed] = (await order.buyer.get("/v1/orders")).json()["orders"]

    assert SAYS in page.text
    assert 'id="pay"' not in page.text
    assert SAYS in home.text
    assert order.order_id in waiting.text
    assert (listed["terminated"], listed["next"]) == (True, [])


async def test_an_order_that_goes_on_is_not_terminated(order: HttpStory) -> None:
    """Case 97: nor one that is over."""
    view = await order.place()
    await order.buyer.post(f"{order.path}/cancel-request", {"reason": "other"})

    over = await until(
        lambda: order.buyer.get(order.path), lambda answer: answer.json()["status"] == "closed"
    )
    assert view["terminated"] is over.json()["terminated"] is False
