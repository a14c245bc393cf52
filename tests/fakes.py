"""The world behind the activities, by hand: each remembers what it was asked, and can be out of order."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from activities.disputes import DisputeCase
from activities.notifications import OutboxMessage
from activities.orders import OrderExists, OrderSnapshot, outbox_messages
from activities.refunds import ProviderRefusal, RefundQuestion, RefundRequest, RefundState
from activities.stray_payments import StoredStrayPayment, StrayPaymentSnapshot
from activities.tracking import CarrierRecord, NumberRules, NumberUse
from client import stray_payments
from orders.accounting import Balances, Posting
from orders.disputes import Dispute
from orders.lifecycle import Verdict
from orders.messages import RefundStatus
from orders.stray_payments import StrayPaymentInput, StrayPaymentState
from orders.tracking_numbers import TrackingVerdict
from orders.values import Money
from orders.view import OrderView
from runtime.wiring import Adapters
from testing.outage import Outage


@dataclass
class FakeLedger:
    """The postings of each order and stray payment, as they were last recorded."""

    state: Outage
    postings: dict[str, tuple[Posting, ...]] = field(default_factory=dict)
    before: dict[str, tuple[Posting, ...]] = field(default_factory=dict)
    """What was booked before a run that was started again, by its id."""

    def record(self, snapshot: OrderSnapshot) -> None:
        """Correct an order's postings to a snapshot's."""
        order_id, run_id = snapshot.view.order_id, snapshot.first_run_id
        booked = self.postings.get(order_id, ())
        kept = self.before.setdefault(run_id, booked) if snapshot.reopened else ()
        self.postings[order_id] = (*kept, *snapshot.postings)

    async def balances(self, order_id: str) -> dict[str, int]:
        await self.state.endure()
        return self.balances_of(order_id).balances

    def balances_of(self, order_id: str) -> Balances:
        """The balances, without asking a database that may be down."""
        balances = Balances()
        for posting in self.postings.get(order_id, ()):
            balances.add(posting)
        return balances


@dataclass
class FakeOutbox:
    """``Outbox`` in memory."""

    state: Outage
    messages: dict[str, OutboxMessage] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    """Keys of the messages that a channel accepted, in order."""

    async def undelivered(self, order_id: str) -> list[OutboxMessage]:
        await self.state.endure()
        return [
            message
            for message in self.messages.values()
            if message.order_id == order_id and message.key not in self.delivered
        ]

    async def mark_delivered(self, *keys: str) -> None:
        await self.state.endure()
        self.delivered.extend(key for key in keys if key not in self.delivered)

    def add(self, messages: Iterable[OutboxMessage], delivered: bool) -> None:
        for message in messages:
            if self.messages.setdefault(message.key, message) is message and delivered:
                self.delivered.append(message.key)

    def told(self, order_id: str) -> list[tuple[str, str]]:
        """Who is told what about an order, in the order of the outbox."""
        return [(it.to.value, it.what) for it in self.messages.values() if it.order_id == order_id]


@dataclass
class FakeOrders:
    """``OrderStore`` in memory."""

    state: Outage
    ledger: FakeLedger
    outbox: FakeOutbox
    latest: dict[str, OrderSnapshot] = field(default_factory=dict)

    async def find(self, order_id: str) -> OrderView | None:
        await self.state.endure()
        snapshot = self.latest.get(order_id)
        return self.view(order_id) if snapshot else None

    async def record(self, snapshot: OrderSnapshot, *, delivered: bool = False) -> None:
        await self.state.endure()
        order_id = snapshot.view.order_id
        before = self.latest.get(order_id, snapshot)
        if before.first_run_id != snapshot.first_run_id and not snapshot.reopened:
            raise OrderExists(order_id)
        if before.revision <= snapshot.revision:
            self.latest[order_id] = snapshot
            self.ledger.record(snapshot)
        self.outbox.add(outbox_messages(snapshot.view, snapshot.notifications), delivered)

    def view(self, order_id: str) -> OrderView:
        """The view that was last recorded, without asking a database that may be down."""
        return OrderView.model_validate_json(self.latest[order_id].view.model_dump_json())


@dataclass
class FakeStrayPayments:
    """``StrayPaymentStore`` in memory."""

    state: Outage
    ledger: FakeLedger
    outbox: FakeOutbox
    latest: dict[str, StoredStrayPayment] = field(default_factory=dict)

    async def find(self, payment_id: str) -> StrayPaymentState | None:
        await self.state.endure()
        stored = self.latest.get(payment_id)
        return stored.state.model_copy(deep=True) if stored else None

    async def record(self, snapshot: StrayPaymentSnapshot, *, delivered: bool = False) -> None:
        await self.state.endure()
        if snapshot.stored is None:
            for posting in snapshot.postings:
                booked = self.ledger.postings.setdefault(posting.order_id, ())
                if posting.key not in {it.key for it in booked}:
                    self.ledger.postings[posting.order_id] += (posting,)
        else:
            self._save(snapshot.stored)
        self.outbox.add(snapshot.messages, delivered)

    def _save(self, stored: StoredStrayPayment) -> None:
        payment_id = stored.state.payment_id
        before = self.latest.get(payment_id, stored)
        is_own = stored.reopened or before.first_run_id == stored.first_run_id
        if is_own and before.revision <= stored.revision:
            self.latest[payment_id] = stored.model_copy(deep=True)
            self.ledger.postings[stored.state.ledger_id] = tuple(stored.state.postings)


@dataclass
class FakeChannel:
    """``Channel`` that keeps what it is given."""

    state: Outage = field(default_factory=Outage)
    sent: list[OutboxMessage] = field(default_factory=list)

    async def send(self, messages: Sequence[OutboxMessage]) -> None:
        await self.state.endure()
        self.sent.extend(messages)

    def keys(self, order_id: str) -> Counter[str]:
        """How often each of an order's messages was sent."""
        return Counter(it.key for it in self.sent if it.order_id == order_id)


@dataclass
class FakeProvider:
    """``PaymentProvider``: refunds are pending for three days, unless it was told otherwise."""

    state: Outage = field(default_factory=Outage)
    settles_after: timedelta = timedelta(days=3) - timedelta(minutes=1)
    refunds: dict[str, RefundRequest] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    """The idempotency key of every request, also of those that failed."""
    said: dict[str, RefundState] = field(default_factory=dict)
    """What it answers of a refund (or, by payment id, of refunds to come) whatever the clock says."""
    stopped: list[str] = field(default_factory=list)
    by_hand: dict[str, int] = field(default_factory=dict)
    """What was refunded in its dashboard, by payment, in minor units."""

    async def refund(self, request: RefundRequest) -> RefundState:
        self.asked_for.append(request.refund_id)
        await self.state.endure()
        kept = self.refunds.get(request.refund_id, request)
        if (kept.payment_id, kept.money) != (request.payment_id, request.money):
            raise ProviderRefusal(f"Refund {request.refund_id} was asked for before.")
        if request.refund_id not in self.refunds and self._left_of(request) < request.money.amount:
            raise ProviderRefusal(f"Refund {request.refund_id} is more than what is left.")
        self.refunds[request.refund_id] = request
        if request.payment_id in self.said:
            self.said.setdefault(request.refund_id, self.said[request.payment_id])
        return self.said.get(request.refund_id, RefundState(status=RefundStatus.PENDING))

    async def refund_state(self, question: RefundQuestion) -> RefundState | None:
        await self.state.endure()
        request = self.refunds.get(question.refund_id)
        if request is None or question.refund_id in self.said:
            return self.said.get(question.refund_id)
        settled = question.at >= request.asked_at + self.settles_after
        return RefundState(status=RefundStatus.SUCCEEDED if settled else RefundStatus.PENDING)

    async def stop_refund(self, question: RefundQuestion) -> RefundState | None:
        await self.state.endure()
        self.stopped.append(question.refund_id)
        if question.refund_id not in self.refunds:
            return None
        stopped = RefundState(status=RefundStatus.CANCELED, reason="Stopped on request.")
        return self.said.setdefault(question.refund_id, stopped)

    def _left_of(self, request: RefundRequest) -> int:
        given_up = (RefundStatus.FAILED, RefundStatus.CANCELED)
        by_hand = self.by_hand.get(request.payment_id, 0)
        return (
            request.paid.amount
            - by_hand
            - sum(
                it.money.amount
                for it in self.refunds.values()
                if it.payment_id == request.payment_id
                and not (it.refund_id in self.said and self.said[it.refund_id].status in given_up)
            )
        )

    def fails(self, payment_or_refund_id: str, reason: str = "The card was closed.") -> None:
        """From now on it fails this refund, or those of this payment."""
        self.said[payment_or_refund_id] = RefundState(status=RefundStatus.FAILED, reason=reason)

    def refund_by_hand(self, payment_id: str, money: Money) -> None:
        """Somebody refunds a part of a payment in its dashboard."""
        self.by_hand[payment_id] = self.by_hand.get(payment_id, 0) + money.amount

    def settles(self, refund_id: str) -> None:
        """It has paid this refund out."""
        self.said[refund_id] = RefundState(status=RefundStatus.SUCCEEDED)


@dataclass
class FakeRegister:
    """``RefundRegister`` in memory."""

    claimed: dict[str, RefundRequest] = field(default_factory=dict)

    async def add(self, request: RefundRequest) -> None:
        self.claimed.setdefault(request.refund_id, request)
        of_payment = [it for it in self.claimed.values() if it.payment_id == request.payment_id]
        assert sum(it.money.amount for it in of_payment) <= request.paid.amount

    async def update(self, refund_id: str, state: RefundState) -> None:
        if state.status in (RefundStatus.FAILED, RefundStatus.CANCELED):
            self.claimed.pop(refund_id, None)


@dataclass
class FakeDisputeCases:
    """``DisputeCases`` that remembers each filing."""

    state: Outage = field(default_factory=Outage)
    filed: list[DisputeCase] = field(default_factory=list)

    async def file(self, case: DisputeCase) -> None:
        await self.state.endure()
        self.filed.append(case)

    async def open_cases(self) -> list[DisputeCase]:
        """What waits for support, longest first."""
        kept: dict[str, DisputeCase] = {}
        for case in self.filed:
            before = kept.get(case.dispute.dispute_id, case)
            if before.dispute.is_open or not case.dispute.is_open:
                kept[case.dispute.dispute_id] = case
        waiting = [case for case in kept.values() if case.dispute.is_open]
        return sorted(waiting, key=lambda it: (it.dispute.opened_at, it.dispute.dispute_id))

    def cases(self, order_id: str) -> dict[str, Dispute]:
        """An order's cases as they stand."""
        return {it.dispute.dispute_id: it.dispute for it in self.filed if it.order_id == order_id}


class FakeRules:
    """``NumberRules``: a number is good when it begins with RR, unknown when with U, and else wrong.

    A barcode may have ``BOX`` before the number.
    """

    def judge(self, number: str, carrier: str | None) -> TrackingVerdict:
        number = self.canonical(number, carrier)
        if number.startswith("RR"):
            return TrackingVerdict(verdict=Verdict.TRACKING_VALID, carrier=carrier or "Post")
        if number.startswith("U"):
            return TrackingVerdict(verdict=Verdict.TRACKING_UNKNOWN, reason="No rule.")
        return TrackingVerdict(verdict=Verdict.TRACKING_INVALID, reason="The check digit is wrong.")

    def canonical(self, number: str, carrier: str | None) -> str:
        return number.removeprefix("BOX")


@dataclass
class FakeRegistry:
    """``NumberRegistry`` in memory."""

    used: dict[str, NumberUse] = field(default_factory=dict)

    async def claim(self, number: str, use: NumberUse) -> NumberUse:
        return self.used.setdefault(number, use)


@dataclass
class FakeCarrier:
    """``CarrierService`` that knows every number but those it does not."""

    state: Outage = field(default_factory=Outage)
    unknown: set[str] = field(default_factory=set)

    async def find(self, number: str, carrier: str | None) -> CarrierRecord | None:
        await self.state.endure()
        return None if number in self.unknown else CarrierRecord()


@dataclass
class FakeStrayPaymentStarter:
    """``StrayPaymentStarter``: remembers each start, and really starts the process."""

    client: Client
    state: Outage = field(default_factory=Outage)
    started: list[str] = field(default_factory=list)

    async def start(self, payment: StrayPaymentInput) -> None:
        await self.state.endure()
        await stray_payments.refund(self.client, payment)
        # Whoever sees it here may ask the process at once.
        self.started.append(payment.payment_id)


class FakeWorld:
    """All of them, and the activities that reach them."""

    def __init__(self, client: Client) -> None:
        self.database = Outage()
        self.ledger = FakeLedger(self.database)
        self.outbox = FakeOutbox(self.database)
        self.orders = FakeOrders(self.database, self.ledger, self.outbox)
        self.stray_payments = FakeStrayPayments(self.database, self.ledger, self.outbox)
        self.channel = FakeChannel()
        self.provider = FakeProvider()
        self.register = FakeRegister()
        self.dispute_cases = FakeDisputeCases()
        self.number_rules: NumberRules = FakeRules()
        self.registry = FakeRegistry()
        self.carrier = FakeCarrier()
        self.stray_payment_starter = FakeStrayPaymentStarter(client)

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker serves; the same list as in production."""
        return Adapters(
            orders=self.orders,
            outbox=self.outbox,
            stray_payments=self.stray_payments,
            stray_payment_starter=self.stray_payment_starter,
            channel=self.channel,
            provider=self.provider,
            refund_register=self.register,
            dispute_cases=self.dispute_cases,
            number_rules=self.number_rules,
            number_registry=self.registry,
            carrier_service=self.carrier,
        ).activities()

    @property
    def outages(self) -> tuple[Outage, ...]:
        """What can be out of order."""
        fakes = (
            self.channel,
            self.provider,
            self.dispute_cases,
            self.carrier,
            self.stray_payment_starter,
        )
        return (self.database, *(fake.state for fake in fakes))
