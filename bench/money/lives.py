"""Orders that follow their plans by public messages, with injected faults and a simulated bank."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.stripe.events import read_event
from adapters.stripe.money import to_stripe
from adapters.stripe.provider import ProviderUnavailable
from bench.money.plan import SHIPPED, Kind, Moment, Plan, tracking_number
from client import orders, stray_payments
from client.errors import NoAnswer, NotRunning
from client.provider_events import PaymentNotYetKnown, ProviderEventHandler
from database.connection import DATABASE_UNAVAILABLE
from orders import keys
from orders import messages as m
from orders.errors import NotAllowedNow
from orders.messages import CancelReason
from orders.values import Money
from testing.stripe.checkout import Checkout, CheckoutUnavailable
from testing.stripe.front import DECLINED, VISA, Front
from testing.stripe.webhooks import signature

_LIKE_A_PERSON = 0.2
"""Seconds between retries."""
_MOST_TRIES = 5
"""Attempts at one payment before the buyer makes another one: a failure may repeat for ever."""


@dataclass
class EventDelivery:
    """Delivers the provider's events: late, out of order, some twice, some of refunds never.

    ``lose``: the share of the events of orders' refunds that is lost for good, as orders poll those
    refunds; of all other events, the share that is refused at first and sent again.
    """

    front: Front
    handler: ProviderEventHandler
    seed: int
    lose: float = 0.4
    lost: int = 0
    delivered: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """By id of the charge or dispute: set once an event of it has been accepted."""
    refunds: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """By our refund's id: set once the provider has made it."""
    heard: dict[str, asyncio.Event] = field(default_factory=dict)
    """By our refund's id, of those whose order has ended and polls no more: set once an event of it has been
    accepted.
    """
    on_refund: Callable[[str, str], None] = lambda _refund, _charge: None

    _in_flight: int = 0

    @property
    def has_delivered_all(self) -> bool:
        """Whether no event is waiting or being delivered."""
        return not (self.front.webhooks.waiting or self._in_flight)

    async def run(self) -> None:
        """Run until cancelled."""
        webhooks = self.front.webhooks
        async with asyncio.TaskGroup() as rounds:
            while True:
                bodies, webhooks.waiting = webhooks.waiting, []
                for body in bodies:
                    self._in_flight += 1
                    rounds.create_task(self._deliver(body)).add_done_callback(self._is_done)
                await asyncio.sleep(0.02)

    def _is_done(self, _task: asyncio.Task[None]) -> None:
        self._in_flight -= 1

    async def _deliver(self, body: bytes) -> None:
        event = json.loads(body)
        about = event["data"]["object"]
        refund_id = about.get("metadata", {}).get("refund_id")
        if event["type"] == "refund.created" and refund_id:
            self.refunds[refund_id].set()
            self.on_refund(refund_id, about["charge"])
        chance = random.Random(f"{self.seed}:{event['id']}")
        await asyncio.sleep(chance.uniform(0, 0.4))
        unlucky = chance.random() < self.lose
        while True:
            now = datetime.now(UTC)
            signed = signature(body, self.front.webhooks.secret)
            received = read_event(body, signed, [SecretStr(self.front.webhooks.secret)], now)
            if unlucky:
                unlucky = False
                is_polled = str(about["metadata"].get("process")).startswith("order-")
                if is_polled and refund_id not in self.heard:
                    self.lost += 1
                    return
            else:
                try:
                    await self.handler.handle(received)
                except (
                    ProviderUnavailable,
                    PaymentNotYetKnown,
                    *DATABASE_UNAVAILABLE,
                    *_NOT_REACHED,
                ):
                    # As in the gateway: an error makes the provider send it again.
                    pass
                else:
                    self.delivered[about["id"]].set()
                    if refund_id in self.heard:
                        self.heard[refund_id].set()
                    return
            await asyncio.sleep(chance.uniform(0.2, 1.0))


@dataclass
class Bank:
    """Pays refunds after a while; some fail first and are paid later, some wait for the buyer first."""

    front: Front
    seed: int
    undecided: set[str] = field(default_factory=set)
    """Charges whose refunds are decided elsewhere."""
    did: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def decide(self, refund_id: str, charge: str) -> None:
        """Decide the outcome of a refund."""
        if charge in self.undecided and _is_first_of(refund_id, charge, is_stray_payment=False):
            return
        task = asyncio.create_task(self._decide(refund_id, charge))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _decide(self, refund_id: str, charge: str) -> None:
        chance = random.Random(f"{self.seed}:{refund_id}")
        what = chance.choices(("paid", "failed, then paid", "waited, then paid"), (75, 17, 8))[0]
        self.did[what] += 1
        await asyncio.sleep(chance.uniform(0.2, 3.0))
        if what == "failed, then paid":
            await self.front.fail(refund_id)
        elif what == "waited, then paid":
            await self.front.wait_for_buyer(refund_id)
        if what != "paid":
            await asyncio.sleep(chance.uniform(0.5, 4.0))
        if what == "failed, then paid" and self._is_stopped(refund_id, charge):
            self.did[what] -= 1
            self.did["failed, and charged back"] += 1
            return
        await self.front.settle(refund_id)

    def _is_stopped(self, refund_id: str, charge: str) -> bool:
        """Whether it is a disputed stray payment's first refund, which another one or the bank replaces."""
        disputed = any(it["charge"] == charge for it in self.front.disputes())
        return disputed and _is_first_of(refund_id, charge, is_stray_payment=True)


def _is_first_of(refund_id: str, charge: str, *, is_stray_payment: bool) -> bool:
    parts = keys.read_refund_id(refund_id, charge)
    return parts is not None and parts.number == 1 and (parts.order_id is None) is is_stray_payment


@dataclass
class SoakedOrder:
    """One plan, carried out."""

    plan: Plan
    client: Client
    checkout: Checkout
    events: EventDelivery
    bank: Bank
    _payments: int = 0
    _messages: int = 0

    async def live(self) -> None:
        """Everything that people and the bank do, until only the product is left to act."""
        plan = self.plan
        if placed := plan.placed:
            await orders.place(self.client, placed)
        match plan.kind:
            case Kind.UNKNOWN:
                await self._pay(plan.total)
                return
            case Kind.UNKNOWN_WON | Kind.UNKNOWN_LOST:
                await self._pay_and_charge_back()
                return
            case Kind.UNKNOWN_PARTS | Kind.UNKNOWN_UNMATCHED | Kind.UNKNOWN_RETURNED:
                await self._late_facts_of_stray_payment()
                return
            case Kind.UNPAID:
                await self._request_cancellation()
                await self._pay(plan.total)
                return
            case Kind.WRONG_AMOUNT:
                await self._pay(plan.part)
            case _:
                pass
        if plan.chance.random() < 0.05:
            await self._pay(plan.total, DECLINED)
        await self._pay(plan.total)
        if plan.kind is Kind.TWICE:
            await self._pay(plan.total)
        if plan.kind is Kind.SEIZED:
            await self._charge_back(await self._charge(), "lost")
            return
        if plan.kind in SHIPPED:
            charge = await self._charge()
            number = tracking_number(int(plan.order_id[1:]))
            await self._send(m.TrackingNumber(number=number))
            await orders.handle(self.client, plan.order_id).result()
            await self._late_facts(charge)
            return
        if plan.kind is Kind.REST:
            await self._refund_by_hand(await self._charge())
        await self._request_cancellation()
        await self._answer()
        if plan.kind is Kind.RETURNED:
            await orders.handle(self.client, plan.order_id).result()
            await self._return_and_pay_again(keys.order_refund_id(plan.order_id, 1))

    async def _request_cancellation(self) -> None:
        await self._send(m.CancelRequest(reason=self.plan.chance.choice(list(CancelReason))))

    async def _answer(self) -> None:
        plan = self.plan
        match plan.kind:
            case Kind.SILENT:
                pass
            case Kind.PARTIAL | Kind.FULL | Kind.NOTHING | Kind.AWARDED:
                await self._send(m.SellerReply(decision="refuse"))
                if plan.kind is Kind.AWARDED:
                    await self._end_and_charge_back(self._decision(), "won")
                    return
                if plan.kind is Kind.NOTHING:
                    await self._prove_shipment()
                await self._send(self._decision())
            case Kind.WON | Kind.LOST:
                accepts = m.SellerReply(decision="accept")
                await self._end_and_charge_back(accepts, "won" if plan.kind is Kind.WON else "lost")
            case _:
                await self._send(m.SellerReply(decision="accept"))
        if plan.kind is Kind.LATE:
            await self._pay(plan.total)

    async def _prove_shipment(self) -> None:
        """R16a: without it the claim would be turned down, and the order go on."""
        proof = {"reference": "proofs/receipt.jpg", "media_type": "image/jpeg", "sha256": "7c" * 32}
        await self._send(
            m.ShipmentProof.model_validate({"kind": "postal_receipt", "size": 97_310, **proof})
        )
        await self._send(m.ProofReview(accepted=True))

    def _decision(self) -> m.DisputeDecision:
        match self.plan.kind:
            case Kind.PARTIAL | Kind.AWARDED:
                return m.DisputeDecision(decision="partial_refund", money=self.plan.part)
            case Kind.FULL:
                return m.DisputeDecision(decision="full_refund")
            case _:
                return m.DisputeDecision(decision="no_refund")

    async def _end_and_charge_back(self, ending: m.Message, status: str) -> None:
        """R23: a chargeback of it all, with any outcome of the refund meanwhile; ``ending`` starts that."""
        plan, front = self.plan, self.events.front
        charge = await self._charge()
        refund_id = keys.order_refund_id(plan.order_id, 1)
        match plan.moment:
            case Moment.BEFORE:
                dispute = await front.dispute(charge)
                await self._send(ending)
                await self._decide_dispute(dispute, status)
            case Moment.DURING:
                self.bank.undecided.add(charge)
                await self._send(ending)
                await self.events.refunds[refund_id].wait()
                what = plan.chance.choice(("stopped", "failed", "paid", "paid in the end"))
                self.bank.did[f"charged back, {what}"] += 1
                if what == "stopped":
                    await front.wait_for_buyer(refund_id)
                dispute = await front.dispute(charge)
                await asyncio.sleep(plan.chance.uniform(0, 2))
                if what == "failed":
                    await front.fail(refund_id)
                elif what == "paid":
                    await front.settle(refund_id)
                await self._decide_dispute(dispute, status)
                await asyncio.sleep(plan.chance.uniform(0, 2))
                # A cancelled one stays cancelled.
                if what in ("stopped", "paid in the end"):
                    await front.settle(refund_id)
            case Moment.AFTER:
                await self._send(ending)
                await orders.handle(self.client, plan.order_id).result()
                await self._charge_back(charge, status)

    async def _pay_and_charge_back(self) -> None:
        """R17, R23: the same for a stray payment, whose refund may succeed or fail."""
        charge = await self._take_payment(self.plan.total)
        match self.plan.moment:
            case Moment.BEFORE:
                pass
            case Moment.DURING:
                await self.events.refunds[keys.stray_refund_id(charge, 1)].wait()
            case Moment.AFTER:
                await self.events.delivered[charge].wait()
                await stray_payments.handle(self.client, charge).result()
        won = self.plan.kind is Kind.UNKNOWN_WON
        await self._charge_back(charge, "won" if won else "lost")

    async def _late_facts(self, charge: str) -> None:
        """R6, R23, R24: of an order whose process has ended."""
        match self.plan.kind:
            case Kind.BY_HAND:
                await self._refund_by_hand(charge)
            case Kind.REVERSED:
                await self.events.front.decline(charge)
            case Kind.SHIPPED:
                pass
            case _:
                await self._charge_back_parts(charge)

    async def _charge_back_parts(self, charge: str) -> None:
        """R23: by chargebacks of parts, decided again and again, of more than was paid, or in another
        currency.
        """
        plan = self.plan
        part, rest = plan.part, plan.total.of(plan.total.amount - plan.part.amount)
        match plan.kind:
            case Kind.UNMATCHED | Kind.UNKNOWN_UNMATCHED:
                more = plan.total.of(plan.total.amount + plan.part.amount)
                other = {} if plan.chance.random() < 0.5 else {"currency": "usd"}
                await self._decide_dispute(await self._dispute(charge, more, **other), "lost")
            case Kind.ANEW:
                dispute = await self._dispute(charge, part)
                for status in ("won", "lost", "won"):
                    await self._decide_dispute(dispute, status)
                    await self._until_known(dispute, status)
            case _:
                first, second = await self._dispute(charge, part), await self._dispute(charge, rest)
                await self._decide_dispute(second, "won")
                await self._decide_dispute(first, "lost")

    async def _until_known(self, dispute: str, status: str) -> None:
        """Until the order has it: what the bank said twice within one workflow task is told twice at once."""
        while True:
            with suppress(*_NOT_REACHED):
                chargebacks = (await orders.show(self.client, self.plan.order_id)).chargebacks
                if any(it.chargeback_id == dispute and it.status == status for it in chargebacks):
                    return
            await asyncio.sleep(_LIKE_A_PERSON)

    async def _dispute(self, charge: str, money: Money, **fields: str) -> str:
        return await self.events.front.dispute(charge, to_stripe(money)[0], **fields)

    async def _refund_by_hand(self, charge: str) -> None:
        """R24: until the order has heard of it."""
        front, part = self.events.front, to_stripe(self.plan.part)[0]
        refund = await front.refund_by_hand(charge, part)
        await front.settle(refund)
        await self.events.delivered[refund].wait()

    async def _late_facts_of_stray_payment(self) -> None:
        charge = await self._take_payment(self.plan.total)
        await self.events.delivered[charge].wait()
        await stray_payments.handle(self.client, charge).result()
        if self.plan.kind is Kind.UNKNOWN_RETURNED:
            await self._return_and_pay_again(keys.stray_refund_id(charge, 1))
        else:
            await self._charge_back_parts(charge)

    async def _return_and_pay_again(self, refund_id: str) -> None:
        """R15: it comes back days after it was paid, and is paid again once that is known."""
        front, heard = self.events.front, self.events.heard
        for turn in (front.fail, front.settle):
            heard[refund_id] = asyncio.Event()
            await turn(refund_id)
            await heard[refund_id].wait()

    async def _charge_back(self, charge: str, status: str) -> None:
        dispute = await self.events.front.dispute(charge)
        await self._decide_dispute(dispute, status)

    async def _charge(self) -> str:
        """The charge that the order accepted: not always the one the buyer got an answer for."""
        while True:
            try:
                payment = (await orders.show(self.client, self.plan.order_id)).payment
            except _NOT_REACHED:
                payment = None  # no worker answers in time
            if payment:
                return payment.payment_id
            await asyncio.sleep(_LIKE_A_PERSON)

    async def _decide_dispute(self, dispute: str, status: str) -> None:
        # A bank takes weeks: by then the first event has arrived.
        await self.events.delivered[dispute].wait()
        await asyncio.sleep(self.plan.chance.uniform(0.2, 2))
        self.events.front.end_dispute(dispute, status)

    async def _pay(self, money: Money, method: str = VISA) -> None:
        """Pay at the provider, until it has answered and the order has received the event."""
        charge = await self._take_payment(money, method)
        await self.events.delivered[charge].wait()

    async def _take_payment(self, money: Money, method: str = VISA) -> str:
        """Pay at the provider, until it has answered; returns the charge's id.

        Charges of earlier attempts, reported by events only, become stray payments.
        """
        while True:
            self._payments += 1
            for tries in range(_MOST_TRIES):
                try:
                    return await self.checkout.pay(
                        self.plan.order_id, money, method, self._payments
                    )
                except CheckoutUnavailable:
                    await asyncio.sleep(_LIKE_A_PERSON * 2**tries)

    async def _send(self, message: m.Message) -> None:
        """Send a message, retrying until there is an answer, and later if it is too early."""
        self._messages += 1
        message = message.model_copy(update={"message_id": f"{self._messages}"})
        while True:
            try:
                await orders.update(self.client, self.plan.order_id, message)
                return
            except NotAllowedNow as refused:
                if refused.available_from is None:
                    raise
                left = refused.available_from - datetime.now(UTC)
                await asyncio.sleep(max(left.total_seconds(), 0) + 0.01)
            except NotRunning:
                return  # it was received, and the order has ended
            except _NOT_REACHED:
                await asyncio.sleep(_LIKE_A_PERSON)


_NOT_REACHED = (RPCError, NoAnswer)
