"""Stray payments over HTTP and on their page (R17, R23): support says what unmatched money was."""

from typing import Any

import pytest

from database.ledger import SqlLedger
from demo.waiting import until
from tests.gateway.browsing import Browser
from tests.gateway.conftest import HttpStory
from tests.gateway.problem import must_be_problem
from tests.gateway.test_page_safety import must_be_safe, people

__all__ = ["people"]

_NOTE = "The bank's exchange rate."


async def _stray(order: HttpStory) -> str:
    """A payment of 24.90 for an order that does not exist; its id."""
    payment_id = f"nowhere-{order.number}"
    paid = {
        "payment_id": payment_id,
        "money": {"amount": 2490, "currency": "EUR"},
        "method": "card",
        "paid_at": "2026-11-25T12:00:00Z",
    }
    answer = await order.provider.post(f"/v1/orders/NOWHERE-{order.number}/payment", paid)
    assert must_be_problem(answer, 404)["process"] == f"stray-payment-{payment_id}"
    return payment_id


def _chargeback(payment_id: str, **changes: Any) -> dict[str, Any]:
    taken = {
        "payment_id": payment_id,
        "chargeback_id": "dp_1",
        "money": {"amount": 2533, "currency": "EUR"},
        "status": "lost",
    }
    return taken | changes


async def _with_unmatched(order: HttpStory) -> tuple[str, dict[str, Any]]:
    payment_id = await _stray(order)
    path = f"/v1/stray-payments/{payment_id}"
    answer = await order.provider.post(f"{path}/chargeback", _chargeback(payment_id))
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return path, view


async def test_support_says_who_bears_a_stray_payments_unmatched_money(order: HttpStory) -> None:
    """R23, R25: listed until then, by name; nothing is moved twice, and no seller can bear it."""
    path, view = await _with_unmatched(order)
    assert view["unmatched"] == [{"amount": 43, "currency": "EUR"}]
    (action,) = [it for it in view["actions"] if it["action"] == "unmatched_resolution"]
    assert action["choices"] == {"borne_by": ["marketplace"]}
    resolve, said = f"{path}/unmatched-resolution", {"borne_by": "marketplace", "note": _NOTE}
    must_be_problem(await order.support.post(resolve, said | {"borne_by": "seller"}), 422)

    key = {"Idempotency-Key": "once"}
    first = await order.support.post(resolve, said, headers=key)
    again = await order.support.post(resolve, said, headers=key)

    assert first.status_code == again.status_code == 200, again.text
    found = (await order.support.get(path)).json()
    assert found["unmatched"] == []
    (resolution,) = found["unmatched_resolutions"]
    assert (resolution["by_id"], resolution["note"]) == (order.support.id, _NOTE)
    (entry,) = [it for it in found["timeline"] if it["what"] == "unmatched_resolved"]
    assert (entry["by"], entry["by_id"]) == ("support", order.support.id)
    must_be_problem(await order.support.post(resolve, said), 422)


@pytest.mark.parametrize("role", ["buyer", "seller", "provider"])
async def test_a_stray_payment_is_for_support(order: HttpStory, role: str) -> None:
    """Case 48: the provider reports, and reads nothing."""
    payment_id = await _stray(order)
    path = f"/v1/stray-payments/{payment_id}"

    must_be_problem(await order.person(role).get(path), 403)
    said = {"borne_by": "marketplace", "note": _NOTE}
    must_be_problem(await order.person(role).post(f"{path}/unmatched-resolution", said), 403)
    if role != "provider":
        answer = await order.person(role).post(f"{path}/chargeback", _chargeback(payment_id))
        must_be_problem(answer, 403)


async def test_an_unknown_stray_payment_is_not_found(order: HttpStory) -> None:
    for odd in ("no-such-payment", "%00", "a%2Fb", "x" * 300):
        must_be_problem(await order.support.get(f"/v1/stray-payments/{odd}"), 404)
        said = _chargeback("no-such-payment")
        path = f"/v1/stray-payments/{odd}/chargeback"
        must_be_problem(await order.provider.post(path, said), 404)


async def test_what_is_said_of_a_stray_payment_under_its_orders_id_reaches_it(
    order: HttpStory,
) -> None:
    """R17, R23: whoever reports need not know which payments an order took."""
    await order.place()
    await order.pay()
    payment_id = f"twice-{order.number}"
    paid = {
        "payment_id": payment_id,
        "money": {"amount": 2490, "currency": "EUR"},
        "method": "card",
        "paid_at": "2026-11-25T12:00:00Z",
    }
    must_be_problem(await order.provider.post(f"{order.path}/payment", paid), 409)
    path = f"/v1/stray-payments/{payment_id}"
    found = await until(
        lambda: order.support.get(path), lambda it: it.status_code == 200 and it.json()["refund"]
    )
    refund_id = found.json()["refund"]["refund_id"]

    opened = _chargeback(payment_id, status="opened")
    taken = await order.provider.post(f"{order.path}/chargeback", opened)
    failed = {"refund_id": refund_id, "status": "failed", "reason": "closed account"}
    told = await order.provider.post(f"{order.path}/refund-update", failed)

    assert taken.status_code == told.status_code == 200, told.text
    assert taken.json()["chargebacks"] == []
    after = (await order.support.get(path)).json()
    assert [it["status"] for it in after["chargebacks"]] == ["opened"]
    refunds = [*after["earlier_refunds"], *([after["refund"]] if after["refund"] else [])]
    assert [it["status"] for it in refunds] == ["failed"]
    nowhere = f"/v1/orders/NOWHERE-{order.number}/chargeback"
    won = await order.provider.post(nowhere, _chargeback(payment_id, status="won"))
    assert must_be_problem(won, 404)["process"] == f"stray-payment-{payment_id}"
    after = (await order.support.get(path)).json()
    assert [it["status"] for it in after["chargebacks"]] == ["won"]


async def test_support_decides_on_its_page(people: dict[str, Browser], order: HttpStory) -> None:
    """R23: found in the queue, decided by a form, and gone from the queue."""
    path, _ = await _with_unmatched(order)
    support, page = people["support"], path.removeprefix("/v1")
    queue = await until(lambda: support.http.get("/"), lambda it: page in it.text)
    must_be_safe(queue)
    shown = must_be_safe(await support.http.get(page))
    assert "0.43" in shown.text
    borne_by = [it.get("value") for _, it in shown.elements if it.get("name") == "borne_by"]
    assert borne_by == ["marketplace"]

    form = f"{page}/unmatched-resolution"
    said = {"borne_by": "marketplace", "note": _NOTE}
    asked = must_be_safe(await support.post(form, **said))
    assert "cannot be undone" in asked.text
    done = await support.post(form, **said, confirmed="yes")

    assert done.status_code == 303, done.text
    decided = must_be_safe(await support.http.get(done.headers["location"]))
    assert "Decision saved." in decided.text
    assert _NOTE in decided.text
    assert order.support.id in decided.text
    await until(lambda: support.http.get("/"), lambda it: page not in it.text)
    wrong = must_be_safe(await support.post(form, **said, confirmed="yes"))
    assert "accounted for" in wrong.text
    for role in ("buyer", "seller"):
        refused = await people[role].http.get(page)
        assert refused.status_code == 403
        assert (await people[role].post(form, **said)).status_code == 403


async def test_its_books_say_who_bears_it(order: HttpStory) -> None:
    """R23: from the account of its own to the marketplace's, by name."""
    path, _ = await _with_unmatched(order)
    said = {"borne_by": "marketplace", "note": _NOTE}
    assert (await order.support.post(f"{path}/unmatched-resolution", said)).status_code == 200

    ledger = SqlLedger(order.system.database)
    ledger_id = path.removeprefix("/v1/stray-payments/").join(("stray/", ""))
    booked = await until(lambda: ledger.balances(ledger_id), lambda it: it.get("marketplace") == 43)
    assert not booked.get("unmatched")
