"""Each effect once: adapters that die between doing it and saying so, workers that keep nothing in memory,
messages that come into an order's last moment.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from activities.disputes import DisputeCase
from activities.notifications import OutboxMessage
from activities.orders import OrderSnapshot
from activities.refunds import RefundQuestion, RefundRequest, RefundState
from activities.stray_payments import StrayPaymentSnapshot
from activities.tracking import NumberUse
from adapters.local.disputes import LocalDisputeCases
from adapters.local.provider import LocalProvider
from adapters.temporal import TemporalStrayPayments
from adapters.tracking.registry import SqlNumberRegistry
from client import orders
from client.errors import NotRunning
from database.connection import Database
from database.ledger import SqlLedger
from database.orders import SqlOrders
from database.outbox import SqlOutbox
from database.stray_payments import SqlStrayPayments
from orders.errors import NotAllowedNow
from orders.status import CloseReason, Status
from orders.stray_payments import StrayPaymentInput
from runtime.wiring import Adapters
from runtime.worker import build_worker
from tests.fakes import FakeChannel
from tests.orders.builders import eur, message, place
from tests.stories.conftest import order_id_of
from tests.stories.time_skipping import TimeSkippingStory, forget, time_skipping_story
from workflows import ids


class Died(Exception):
    """The worker is gone: what it did is done, and nobody has heard of it."""


class Deaths:
    """Lets the worker die once after each effect."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def after(self, effect: str) -> None:
        if effect not in self.seen:
            self.seen.add(effect)
            raise Died(effect)


class DyingOrders(SqlOrders):
    def __init__(self, database: Database, deaths: Deaths) -> None:
        super().__init__(database)
        self._deaths = deaths

    async def record(self, snapshot: OrderSnapshot, *, delivered: bool = False) -> None:
        await super().record(snapshot, delivered=delivered)
        self._deaths.after(f"record {snapshot.revision}")


class DyingStrayPayments(SqlStrayPayments):
    def __init__(self, database: Database, deaths: Deaths) -> None:
        super().__init__(database)
        self._deaths = deaths

    async def record(self, snapshot: StrayPaymentSnapshot, *, delivered: bool = False) -> None:
        await super().record(snapshot, delivered=delivered)
        assert snapshot.stored
        self._deaths.after(f"record stray payment {snapshot.stored.revision}")


class DyingProvider(LocalProvider):
    def __init__(self, database: Database, deaths: Deaths) -> None:
        super().__init__(database)
        self._deaths = deaths
        self.asked_for: list[str] = []

    async def refund(self, request: RefundRequest) -> RefundState:
        self.asked_for.append(request.refund_id)
        done = await super().refund(request)
        self._deaths.after("refund")
        return done

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        done = await super().refund_state(question)
        self._deaths.after("refund state")
        return done


class DyingDesk(LocalDisputeCases):
    def __init__(self, database: Database, deaths: Deaths) -> None:
        super().__init__(database)
        self._deaths = deaths

    async def file(self, case: DisputeCase) -> None:
        await super().file(case)
        self._deaths.after(f"file {case.dispute.status}")


class DyingRegistry(SqlNumberRegistry):
    def __init__(self, database: Database, deaths: Deaths) -> None:
        super().__init__(database)
        self._deaths = deaths

    async def claim(self, number: str, use: NumberUse) -> NumberUse:
        done = await super().claim(number, use)
        self._deaths.after("claim")
        return done


class DyingStarter(TemporalStrayPayments):
    def __init__(self, tale: TimeSkippingStory, deaths: Deaths) -> None:
        super().__init__(tale.environment.client)
        self._tale = tale
        self._deaths = deaths

    async def start(self, payment: StrayPaymentInput) -> None:
        await super().start(payment)
        self._tale.world.stray_payment_starter.started.append(payment.payment_id)
        self._deaths.after("stray")


class ForgetfulChannel(FakeChannel):
    """Sends each letter, and the first time says that it did not."""

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        await super().send(messages)
        for letter in messages:
            if self.keys(letter.order_id)[letter.key] == 1 and letter.what == "order_closed":
                raise Died(letter.key)


class Dying:
    """An order whose worker dies after every effect; everything it does goes to real tables."""

    def __init__(self, tale: TimeSkippingStory, database: Database) -> None:
        self.tale = tale
        self.deaths = Deaths()
        self.database = database
        self.provider = DyingProvider(database, self.deaths)
        self.world = dataclasses.replace(
            Adapters.local(database, tale.environment.client),
            orders=DyingOrders(database, self.deaths),
            channel=ForgetfulChannel(),
            provider=self.provider,
            dispute_cases=DyingDesk(database, self.deaths),
            number_registry=DyingRegistry(database, self.deaths),
            stray_payments=DyingStrayPayments(database, self.deaths),
            stray_payment_starter=DyingStarter(tale, self.deaths),
        )


@pytest_asyncio.fixture(loop_scope="session")
async def dying(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Dying]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'unbuy.db'}")
    async with time_skipping_story(environment, order_id_of(request), serves=False) as order:
        dying = Dying(order, database)
        async with build_worker(
            environment.client, dying.world.activities(), task_queue=ids.TASK_QUEUE
        ):
            yield dying
            await forget(order)
    await database.close()


async def test_a_worker_that_dies_after_every_effect_has_each_effect_once(dying: Dying) -> None:
    """Case 19: two calls of everything, one refund, one dispute, one entry, one letter of each kind."""
    order = dying.tale
    await order.place()
    await order.until_cancellation_requested(complaint=True)
    stray = await order.payment(eur(5))
    await order.signal(stray)
    await order.signal("seller_reply", decision="accept")
    await order.days_pass(3)
    await order.days_pass(4)

    async with asyncio.timeout(20):
        view = await order.handle.result()
    assert view.close_reason is CloseReason.SELLER_ACCEPTED
    assert view.amount_refunded == eur(2490)
    assert await SqlOrders(dying.database).find(view.order_id) == view
    assert set((await SqlLedger(dying.database).balances(view.order_id)).values()) == {0}
    assert set(
        (await SqlLedger(dying.database).balances(f"stray/{stray.payment_id}")).values()
    ) == {0}
    own = [it for it in dying.provider.asked_for if not it.startswith("stray-")]
    assert len(set(own)) == 1
    assert len(dying.provider.asked_for) > len(set(dying.provider.asked_for))
    letters = await SqlOutbox(dying.database).entries(view.order_id)
    assert len({entry.message.key for entry in letters}) == len(letters)
    assert all(entry.delivered_at for entry in letters)
    assert dying.deaths.seen >= {"refund", "refund state", "stray"}


async def test_a_tracking_number_verified_twice_belongs_to_its_order(dying: Dying) -> None:
    """R11, case 19: the second try finds the number claimed by its own order."""
    order = dying.tale
    await order.place()
    await order.until_awaiting_shipment()
    await order.send("tracking_number", number="RR123456785PL")

    await order.until(Status.SHIPPED)
    assert "claim" in dying.deaths.seen


async def _expires(order: TimeSkippingStory) -> CloseReason:
    await order.days_pass(20)
    return CloseReason.PAYMENT_EXPIRED


async def _is_not_answered(order: TimeSkippingStory) -> CloseReason:
    await order.until_cancellation_requested()
    await order.days_pass(14)
    await order.days_pass(3)
    return CloseReason.SELLER_NO_RESPONSE


async def _gets_stray_money(order: TimeSkippingStory) -> CloseReason:
    payment_id = await order.send_stray_payment(eur(5))
    await order.days_pass(3)
    assert (await order.stray_payment(payment_id)).is_over
    await order.signal("cancel_request", reason="other")
    return CloseReason.BUYER_CANCELED_UNPAID


async def _is_decided(order: TimeSkippingStory) -> CloseReason:
    await order.until_disputed()
    await order.send("dispute_decision", decision="full_refund")
    await order.days_pass(3)
    return CloseReason.DISPUTE_FULL_REFUND


@pytest.mark.parametrize("happens", [_expires, _is_not_answered, _gets_stray_money, _is_decided])
async def test_a_worker_without_a_cache_decides_the_same(
    environment: WorkflowEnvironment,
    request: pytest.FixtureRequest,
    happens: Callable[[TimeSkippingStory], Awaitable[CloseReason]],
) -> None:
    """Case 43: every task is replayed from history."""
    async with time_skipping_story(
        environment, order_id_of(request), max_cached_workflows=0
    ) as order:
        await order.place()
        expected = await happens(order)

        assert (await order.must_end()).close_reason is expected


@pytest.mark.parametrize("as_update", [False, True])
async def test_a_payment_during_the_expiry_is_refunded(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest, as_update: bool
) -> None:
    """R17, case 2: acknowledged while the expiry is being recorded, so the workflow does not end before it
    is on its way back.
    """
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        await order.days_pass(19.5)
        order.world.database.hangs = True
        asleep = asyncio.create_task(order.days_pass(0.6))
        await order.until(lambda view: view.status is Status.CLOSED)
        payment = await order.payment()
        if as_update:
            with pytest.raises(NotAllowedNow):
                await order.update(payment)
        else:
            await order.signal(payment)
        order.world.database.hangs = False
        await asleep

        view = await order.must_end()
        assert view.close_reason is CloseReason.PAYMENT_EXPIRED
        assert [it.name for it in view.refused] == ["payment"]
        assert order.world.stray_payment_starter.started == [payment.payment_id]
        await order.environment.sleep(order.placed.policy.payment_window)
        assert (await order.stray_payment(payment.payment_id)).is_over


async def test_updates_that_arrive_with_the_end_are_answered(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """Case 39: none is left unfinished (which would be a warning, and those are errors here)."""
    async with time_skipping_story(environment, order_id_of(request), serves=False) as order:
        await order.driver.place(order.placed)
        updates = [
            asyncio.create_task(order.update("buyer_message", text=f"{number}"))
            for number in range(10)
        ]
        updates.append(asyncio.create_task(order.update("cancel_request", reason="other")))
        updates += [
            asyncio.create_task(order.update("buyer_message", text=f"{number}"))
            for number in range(10, 20)
        ]
        async with order.working():
            async with asyncio.timeout(20):
                answers = await asyncio.gather(*updates, return_exceptions=True)
                view = await order.handle.result()

    taken = [it for it in answers if not isinstance(it, BaseException)]
    refused = [it for it in answers if isinstance(it, NotAllowedNow)]
    too_late = [it for it in answers if isinstance(it, NotRunning)]
    assert len(taken) + len(refused) + len(too_late) == len(answers)
    assert view.close_reason is CloseReason.BUYER_CANCELED_UNPAID
    assert len(taken) == len(view.messages) + 1


async def test_one_message_id_has_one_effect_however_it_is_sent(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """Case 40: as a signal, as an update with its id, as an update with another, again after the answer."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        told = message("buyer_message", text="Once.", message_id="m-1")
        await order.signal(told)
        await orders.update(environment.client, order.placed.order_id, told)
        await order.handle.execute_update("buyer_message", told, id="another")
        await order.signal(told)

        view = await order.view()
        assert [it.text for it in view.messages] == ["Once."]
        assert order.notified("seller").count(("seller", "buyer_message")) == 1
        assert view.refused == []


async def test_the_same_order_placed_twice_runs_once(
    environment: WorkflowEnvironment, request: pytest.FixtureRequest
) -> None:
    """Case 41: at once, with other contents, and after it ended: refused; the first stands."""
    async with time_skipping_story(environment, order_id_of(request)) as order:
        await order.place()
        other = place(order_id=order.placed.order_id, shipping_price=eur(100))
        placed = await asyncio.gather(
            *(orders.place(environment.client, it) for it in (order.placed, other)),
            return_exceptions=True,
        )
        before = await order.view()
        await order.signal("cancel_request", reason="other")
        await order.must_end()
        again = await asyncio.gather(
            orders.place(environment.client, other), return_exceptions=True
        )

    names = {type(it).__name__ for it in (*placed, *again)}
    assert names == {"OrderIdReused"}
    assert before.amount_due == eur(2490)
