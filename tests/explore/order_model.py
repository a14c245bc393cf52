"""An order as a model to explore: its states, and every move that its workflow may see.

What the workflow does at a move is done here as it does it: a message is applied, then time catches up, and a
payment that is refused is sent back. Every message is tried in every state; which of them lead on to further
states, and from where, is each model's choice.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orders.errors import NotAllowedNow
from orders.handlers import receive, record_refusal, send_back
from orders.lifecycle import Deadline
from orders.messages import MESSAGES, Message, PaymentReceived, RefundStatus
from orders.order import Order
from orders.policy import Policy
from orders.schedule import ScheduledEvent, schedule
from orders.shipments import tracking_verdict
from orders.tracking_numbers import TrackingVerdict
from tests.explore.canonical_form import BLUR, canonical
from tests.explore.copies import Witness, copy_of
from tests.explore.order_invariants import (
    pass_time,
    wrong_with_actions,
    wrong_with_end,
    wrong_with_money,
    wrong_with_order,
    wrong_with_refusal,
)
from tests.explore.order_moves import (
    Judge,
    Moment,
    OrderMove,
    Send,
    Wait,
    When,
    as_test,
    moments,
)
from tests.explore.order_step_invariants import wrong_with_step
from tests.explore.search import Transition, Violation
from tests.explore.small_data import START, Bounds, build, is_followed_no_further, small_messages
from tests.orders.builders import place

Situation = Sequence[tuple[str, dict[str, Any]] | None]

_CHECK_ANSWERS = (None, RefundStatus.SUCCEEDED, RefundStatus.FAILED)
_VERDICTS = {
    valid: TrackingVerdict.model_validate({"valid": valid, "carrier": "UPS"})
    for valid in (True, False, None)
}


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order at an instant, and what it took on its way there."""

    order: Order
    now: datetime
    taken: tuple[Message, ...] = ()


@dataclass
class OrderModel:
    """See ``tests.explore.search.Model``.

    Each of ``situations`` is what happens until then: a message's name with its fields, or None for what
    comes next by itself. Messages other than ``followed`` are tried at once alone, and lead no further; nor
    does any once ``is_past``.
    """

    name: str
    policy: Policy
    bounds: Bounds = field(default_factory=Bounds)
    situations: Sequence[Situation] = ((),)
    followed: Collection[str] = frozenset(MESSAGES)
    is_past: Callable[[Order], bool] = lambda _: False
    tried: Counter[str] = field(default_factory=Counter)

    def starts(self) -> Iterator[tuple[list[OrderMove], OrderState]]:
        """What has happened by each of the situations."""
        for situation in self.situations:
            yield live_through(self.policy, situation)

    def canonical(self, state: OrderState) -> Hashable:
        """See ``tests.explore.canonical_form``."""
        return self._key(state.order, state.now)

    def violations(self, state: OrderState) -> Iterator[Violation]:
        """What is wrong with an order by itself."""
        yield from wrong_with_order(state.order, state.now)
        messages = small_messages(state.order, self.bounds, "late")
        yield from wrong_with_end(state.order, state.now, messages)

    def as_code(self, path: list[OrderMove]) -> str:
        """See ``tests.explore.order_moves``."""
        return as_test(self.policy, path)

    def transitions(self, state: OrderState) -> Iterator[Transition[OrderState, OrderMove]]:
        """Every message and verdict at every moment, and waiting."""
        if self.is_past(state.order) or is_followed_no_further(state.order, self.bounds):
            return
        coming = next(iter(schedule(state.order)), None)
        messages = list(small_messages(state.order, self.bounds, f"{len(state.taken) + 1}"))
        if coming:
            yield from self._waits(state, coming)
        yield from self._repeats(state)
        now = Moment(When.AT_ONCE, state.now)
        at_once = [*self._sends(state, messages, now)]
        yield from at_once
        moved = [step.move for step in at_once if step.after and isinstance(step.move, Send)]
        taken = [move.message for move in moved if move.verb == "send"]
        if wrong := tuple(wrong_with_actions(state.order, state.now, messages, taken)):
            yield Transition(Wait(now), None, wrong)
        yield from self._verdicts(state, now)
        if coming is None:
            return
        # What is refused is so whenever it comes, but for the end of the payment's check.
        if coming.what != Deadline.PAYMENT_ACCEPTED:
            messages = [move.message for move in moved]
        messages = [it for it in messages if it.name in self.followed]
        before: dict[Message, Hashable] = {}
        for moment in moments(state.now, coming):
            for step in self._sends(state, messages, moment):
                yield self._compared(step, before)
            yield from self._verdicts(state, moment)

    def _key(self, order: Order, now: datetime, *, blurred: bool = False) -> Hashable:
        coming = [(due.what, due.at) for due in schedule(order)]
        return canonical(order, coming, now, blurred=blurred)

    def _waits(
        self, state: OrderState, coming: ScheduledEvent
    ) -> Iterator[Transition[OrderState, OrderMove]]:
        for answer in _CHECK_ANSWERS:
            after = copy_of(state.order)
            move = Wait(Moment(When.TIE, coming.at, coming), answer)
            try:
                asked = pass_time(after, coming.at, answer)
            except Exception as error:
                how = f"waiting for {coming.what} ends in {type(error).__name__}: {error}"
                yield Transition(move, None, (Violation("no_other_errors", how),))
                return
            wrong = tuple(wrong_with_step(state.order, move, after))
            reached = OrderState(after, coming.at, state.taken)
            yield Transition(move, reached, wrong)
            if not asked:
                return

    def _sends(
        self, state: OrderState, messages: list[Message], moment: Moment
    ) -> Iterator[Transition[OrderState, OrderMove]]:
        order = copy_of(state.order)
        witness = Witness(order)
        for message in messages:
            self.tried["messages"] += 1
            try:
                verb = _deliver(order, message, moment.at)
                if verb in ("send", "send_stray_payment"):
                    pass_time(order, moment.at)
            except Exception as error:
                how = f"{message.name} ends in {type(error).__name__}: {error}"
                yield Transition(Send(message, moment), None, (Violation("no_other_errors", how),))
                order = copy_of(state.order)
                witness = Witness(order)
                continue
            move = Send(message, moment, verb)
            if verb in ("must_refuse", "must_ignore"):
                self.tried["refused" if verb == "must_refuse" else "known"] += 1
                if verb == "must_refuse" and (wrong := [*wrong_with_refusal(order, message)]):
                    yield Transition(move, None, tuple(wrong))
                if not witness.is_unchanged():
                    how = f"{message.name} leaves a mark, though the order would not take it"
                    yield Transition(move, None, (Violation("refused_changes_nothing", how),))
                    order = copy_of(state.order)
                    witness = Witness(order)
                continue
            wrong = [*wrong_with_step(state.order, move, order)]
            taken = (*state.taken, message) if _is_remembered(order, message) else state.taken
            reached = OrderState(order, moment.at, taken)
            is_followed = message.name in self.followed
            if not is_followed:
                wrong += wrong_with_money(order, moment.at)
            yield Transition(move, reached, tuple(wrong), is_followed=is_followed)
            order = copy_of(state.order)
            witness = Witness(order)

    def _repeats(self, state: OrderState) -> Iterator[Transition[OrderState, OrderMove]]:
        """The same messages again, whatever came between."""
        order = copy_of(state.order)
        witness = Witness(order)
        moment = Moment(When.AT_ONCE, state.now)
        for message in state.taken:
            self.tried["repeats"] += 1
            verb = _deliver(order, message, state.now)
            if verb != "must_ignore" or not witness.is_unchanged():
                how = f"{message.name} is sent again under its id, and changes something"
                move = Send(message, moment, "must_ignore")
                yield Transition(move, None, (Violation("twice_changes_nothing", how),))
                order = copy_of(state.order)
                witness = Witness(order)

    def _verdicts(
        self, state: OrderState, moment: Moment
    ) -> Iterator[Transition[OrderState, OrderMove]]:
        given = state.order.shipment.tracking if state.order.shipment else []
        for position, evidence in enumerate(given):
            if not evidence.is_verifying:
                continue
            for valid, verdict in _VERDICTS.items():
                after = copy_of(state.order)
                judged = after.existing_shipment.tracking[position]
                tracking_verdict(after, judged, verdict, moment.at)
                pass_time(after, moment.at)
                move = Judge(position, valid, moment)
                wrong = tuple(wrong_with_step(state.order, move, after))
                yield Transition(move, OrderState(after, moment.at, state.taken), wrong)

    def _compared(
        self, step: Transition[OrderState, OrderMove], before: dict[Message, Hashable]
    ) -> Transition[OrderState, OrderMove]:
        """The buyer's tie: what comes with the deadline, or a hair after it, counts as in time."""
        move, after = step.move, step.after
        if after is None or not isinstance(move, Send) or (coming := move.moment.coming) is None:
            return step
        moment, message = move.moment, move.message
        order = copy_of(after.order)
        later = coming.at + BLUR
        pass_time(order, later)
        key = self._key(order, later, blurred=True)
        if moment.when is When.BEFORE:
            before[message] = key
            return step
        self.tried["ties"] += 1
        in_time = before.get(message)
        may_come_later = coming.what == Deadline.PAYMENT_ACCEPTED and in_time is None
        if in_time == key:
            return replace(step, is_followed=False)
        if may_come_later:
            return step
        how = f"{message.name} {moment.when} {coming.what} comes out otherwise than before it"
        return replace(step, violations=(*step.violations, Violation("ties_are_in_time", how)))


def live_through(policy: Policy, situation: Situation) -> tuple[list[OrderMove], OrderState]:
    """An order to which this has happened, and by what moves."""
    order, now = Order.new(place(policy=policy), START), START
    path: list[OrderMove] = []
    taken: list[Message] = []
    for step in situation:
        if step is None:
            coming = schedule(order)[0]
            now = coming.at
            path.append(Wait(Moment(When.TIE, now, coming)))
        else:
            name, fields = step
            sent = build(name, f"{len(taken) + 1}", **fields)
            if not receive(order, sent, now):
                raise AssertionError(f"{name} is no step of a situation")
            taken.append(sent)
            path.append(Send(sent, Moment(When.AT_ONCE, now)))
        pass_time(order, now)
    return path, OrderState(order, now, tuple(taken))


def _is_remembered(order: Order, message: Message) -> bool:
    """Whether the same message again is known; what contradicts an earlier one is refused each time."""
    if not isinstance(message, PaymentReceived):
        return True
    ours = order.payment if order.payment_id == message.payment_id else None
    return message.money in (ours and ours.money, order.sent_back.get(message.payment_id))


def _deliver(order: Order, message: Message, at: datetime) -> str:
    """What the workflow does with a message; the verb of a test that it comes to."""
    try:
        return "send" if receive(order, message, at) else "must_ignore"
    except NotAllowedNow as refused:
        if not isinstance(message, PaymentReceived):
            return "must_refuse"
        send_back(order, message, refused, at)
        record_refusal(order, message.name, str(refused), at)
        return "send_stray_payment"
