"""Whole lives on PostgreSQL: what the adapters and the ledger do on it is tested with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from database.ledger import HeldBalance, SqlLedger
from database.orders import SqlOrders
from database.tables import refunds
from demo.system import ServerStory
from deploy.embedded import EmbeddedServer
from orders import messages as m
from orders.messages import CancelReason
from orders.place_order import PlaceOrder
from orders.status import CloseReason, Status
from tests.orders.builders import eur
from tests.real.site import Site, open_site

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, dev_server: EmbeddedServer, url: str) -> AsyncIterator[Site]:
    async with open_site(tmp_path, dev_server, url) as site, site.worker():
        yield site


async def _went_back(site: Site) -> list[tuple[int, str]]:
    query = select(refunds.c.amount, refunds.c.status).order_by(refunds.c.amount)
    async with site.database.reading() as connection:
        return [(row.amount, row.status) for row in await connection.execute(query)]


async def test_a_cancelled_order_and_its_stray_payment_are_refunded(
    site: Site, placed: PlaceOrder
) -> None:
    """R14, R17: every account is at zero in the end."""
    order = await ServerStory(site.system, placed).place()
    await order.until_cancellation_requested()
    await order.until_sent_back(await order.send_stray_payment(eur(700)))
    held = await SqlLedger(site.system.database).held_by_status()
    await order.send(m.SellerReply(decision="accept"))
    await order.days_pass(3)
    view = await order.must_end()

    assert held == [HeldBalance("EUR", Status.CANCELLATION_REQUESTED, 2490)]
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_refunded == placed.total
    assert await _went_back(site) == [(700, "succeeded"), (2490, "succeeded")]
    sums = await SqlLedger(site.system.database).trial_balance()
    assert {it.account: it.amount for it in sums} == {
        "cash": 0,
        "held": 0,
        "refunds": 0,
        "stray": 0,
    }
    assert await SqlLedger(site.system.database).held_by_status() == []
    assert await SqlOrders(site.system.database).find(placed.order_id) == view


async def test_a_dispute_ends_with_a_partial_refund(site: Site, placed: PlaceOrder) -> None:
    """R16: what does not go back is the seller's, and stays at the provider until it is paid out."""
    order = await ServerStory(site.system, placed).place()
    await order.until_cancellation_requested()
    await order.send(m.SellerReply(decision="refuse"))
    await order.until(Status.DISPUTED)
    await order.send(m.DisputeDecision(decision="partial_refund", money=eur(1000)))
    await order.days_pass(3)
    view = await order.must_end()

    assert view.amount_refunded == eur(1000)
    assert await _went_back(site) == [(1000, "succeeded")]
    assert await SqlLedger(site.system.database).balances(placed.order_id) == {
        "cash": 1490,
        "held": 0,
        "refunds": 0,
        "seller": -1490,
    }


async def test_a_chargeback_stops_the_refund_under_way(site: Site, placed: PlaceOrder) -> None:
    """R23: the refund that was stopped makes room for the one after the chargeback is won."""
    order = await ServerStory(site.system, placed).place()
    payment = await order.pay()
    await order.days_pass(1)
    await order.send(m.CancelRequest(reason=CancelReason.CHANGED_MIND))
    await order.send(m.SellerReply(decision="accept"))
    for status in ("opened", "won"):
        await order.send(
            m.ChargebackReported.model_validate(
                {"payment_id": payment, "money": placed.total, "status": status}
            )
        )
    await order.days_pass(7)
    view = await order.must_end()

    assert view.amount_refunded == placed.total
    assert sorted(await _went_back(site), key=str) == [(2490, "canceled"), (2490, "succeeded")]
    assert not any((await SqlLedger(site.system.database).balances(placed.order_id)).values())
