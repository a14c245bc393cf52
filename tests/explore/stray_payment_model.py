"""A stray payment as a model to explore (R17, R23, R24): the same questions as of an order's money."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from orders.allocation import books, gone
from orders.messages import MESSAGES, ChargebackStatus, RefundStatus
from orders.refunds import refund_under_way, refunds_of
from orders.stray_payments import StrayPaymentInput, StrayPaymentMessage, StrayPaymentState
from tests.explore.canonical_form import canonical
from tests.explore.copies import copy_of
from tests.explore.order_moves import HAIR, clock
from tests.explore.search import Transition, Violation, violated
from tests.orders.builders import START, eur, notifications_must_be_valid, place

PAID: Final = 500
PART: Final = 200
MOST_REFUNDS: Final = 1
PAYMENT: Final = "pay-9"

_UNDER_WAY: Final = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})


@dataclass(frozen=True, slots=True)
class StrayMove:
    """What is said of it at an instant; nothing, while time passes."""

    message: StrayPaymentMessage | None
    at: datetime

    def as_code(self) -> Iterator[str]:
        """The lines of a test that do it."""
        days = (self.at - START) / timedelta(days=1)
        if self.message is None:
            yield f"story.until_day({days!r})"
            return
        fields = self.message.model_dump(mode="json", exclude_unset=True)
        yield f"story.now = {clock(self.at)}  # day {days:.2f}"
        yield f"story.stray.receive(message({self.message.name!r}, **{fields!r}), story.now)"


@dataclass(frozen=True, slots=True)
class StrayState:
    """A stray payment at an instant."""

    stray: StrayPaymentState
    now: datetime


@dataclass
class StrayPaymentModel:
    """See ``tests.explore.search.Model``: two chargebacks and a refund from outside at most."""

    name: str = "stray payment"
    tried: Counter[str] = field(default_factory=Counter)

    def starts(self) -> Iterator[tuple[list[StrayMove], StrayState]]:
        """It has just come in."""
        found = StrayPaymentInput(
            payment_id=PAYMENT,
            money=eur(PAID),
            method="blik",
            reason="unknown_order",
            payer=place().buyer,
        )
        yield [], StrayState(StrayPaymentState.new(found, START), START)

    def canonical(self, state: StrayState) -> Hashable:
        """See ``tests.explore.canonical_form``."""
        due = state.stray.next_due
        return canonical(state.stray, [(due.what, due.at)] if due else [], state.now)

    def as_code(self, path: list[StrayMove]) -> str:
        """The path as a test lives through it."""
        lines = (line for move in path for line in move.as_code())
        return "\n".join(("story = StrayPaymentStory()", *lines))

    def violations(self, state: StrayState) -> Iterator[Violation]:
        """Every invariant of a state that does not hold."""
        return violated(_INVARIANTS, state.stray, state.now)

    def transitions(self, state: StrayState) -> Iterator[Transition[StrayState, StrayMove]]:
        """Whatever may be said, at once and around the next instant, and waiting for that."""
        if len(refunds_of(state.stray)) > MOST_REFUNDS:
            return
        due = state.stray.next_due
        if due:
            stray = copy_of(state.stray)
            _let_time_pass(stray, due.at)
            yield Transition(StrayMove(None, due.at), StrayState(stray, due.at))
        for message in _messages(state.stray):
            for at in (state.now, *((due.at - HAIR, due.at, due.at + HAIR) if due else ())):
                yield self._tried(state, StrayMove(message, at), message)

    def _tried(
        self, state: StrayState, move: StrayMove, message: StrayPaymentMessage
    ) -> Transition[StrayState, StrayMove]:
        self.tried["messages"] += 1
        stray = copy_of(state.stray)
        try:
            is_new = stray.receive(message, move.at)
        except Exception as error:
            how = f"{message.name} ends in {type(error).__name__}: {error}"
            return Transition(move, None, (Violation("no_other_errors", how),))
        if not is_new:
            self.tried["known"] += 1
            how = f"{message.name} says nothing new, and changes something"
            wrong = (Violation("twice_changes_nothing", how),)
            return Transition(move, None, wrong if stray != state.stray else ())
        broken = [*violated(_STEP_INVARIANTS, state.stray, stray)]
        again = copy_of(stray)
        again.receive(message, move.at)
        # One that had failed before is answered the same again, and has been stopped then (R23).
        if again != stray and not (stray.refund and stray.refund.stopping):
            broken.append(Violation("twice_changes_nothing", f"{message.name} comes again"))
        _let_time_pass(stray, move.at)
        return Transition(move, StrayState(stray, move.at), tuple(broken))


def _messages(stray: StrayPaymentState) -> Iterator[StrayPaymentMessage]:
    for refund in refunds_of(stray):
        for status in RefundStatus:
            yield _message("refund_update", refund_id=refund.refund_id, status=status)
    for chargeback_id, amounts in (("dp_1", (PAID,)), ("dp_2", (PART,))):
        for word in ChargebackStatus:
            for amount in amounts:
                claim = {"chargeback_id": chargeback_id, "status": word, "money": eur(amount)}
                yield _message("chargeback", payment_id=PAYMENT, **claim)
    for status in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
        sent = {"provider_refund_id": "re_1", "status": status, "money": eur(PART)}
        yield _message("outside_refund", payment_id=PAYMENT, **sent)
    yield _message("payment_declined", payment_id=PAYMENT, reason="Account closed")


def _message(name: str, **fields: object) -> StrayPaymentMessage:
    made = MESSAGES[name].model_validate(fields)
    assert isinstance(made, StrayPaymentMessage)
    return made


def _let_time_pass(stray: StrayPaymentState, now: datetime) -> None:
    stray.let_time_pass(now)
    if stray.refund_check_due and stray.refund:
        stray.refund_checked(stray.refund, None, now)


def _can_be_read(stray: StrayPaymentState, now: datetime) -> Iterator[str]:
    if StrayPaymentState.model_validate_json(stray.model_dump_json()) != stray:
        yield "it is another one when it has been JSON"


def _money_adds_up(stray: StrayPaymentState, now: datetime) -> Iterator[str]:
    if any(sum(accounts.values()) for accounts in books(stray.postings).values()):
        yield "the accounts do not sum to zero"
    found = gone(stray)
    if stray.held != PAID - found.refunded - found.outside - found.charged_back:
        yield "what is held is not what came in less what went back"


def _nobody_waits_for_ever(stray: StrayPaymentState, now: datetime) -> Iterator[str]:
    due = stray.next_due
    if due and due.at <= now:
        yield "what is next has passed"
    if stray.is_over and (due or stray.held > 0):
        yield "it is over, and something is held or to come"
    if not (stray.is_over or due):
        yield "it is not over, and nothing is to come"


_INVARIANTS: Final[tuple[Callable[[StrayPaymentState, datetime], Iterator[str]], ...]] = (
    _can_be_read,
    _money_adds_up,
    _nobody_waits_for_ever,
)


def _nothing_takes_effect_twice(
    before: StrayPaymentState, after: StrayPaymentState
) -> Iterator[str]:
    for name, keys in (
        ("notification", [it.key for it in after.notifications]),
        ("posting", [it.key for it in after.postings]),
    ):
        if len(set(keys)) != len(keys):
            yield f"a {name} is there twice"


def _what_is_told_makes_sense(before: StrayPaymentState, after: StrayPaymentState) -> Iterator[str]:
    notifications_must_be_valid(after.notifications[len(before.notifications) :])
    yield from ()


def _refunds_are_what_is_due(before: StrayPaymentState, after: StrayPaymentState) -> Iterator[str]:
    known = {it.refund_id for it in refunds_of(before)}
    refunds = refunds_of(after)
    if known - {it.refund_id for it in refunds}:
        yield "a refund is forgotten"
    for refund in refunds:
        if refund.refund_id in known:
            continue
        if any(it.status in _UNDER_WAY for it in refunds if it is not refund):
            yield "a second refund begins while one is under way"
        if refund.money.amount > after.held:
            yield "more goes back than is held"
    under_way = refund_under_way(after)
    if after.held > 0 and under_way is None and not after.is_over and not after.chargebacks:
        yield "money is held, and does not go back"


_STEP_INVARIANTS: Final[
    tuple[Callable[[StrayPaymentState, StrayPaymentState], Iterator[str]], ...]
] = (_nothing_takes_effect_twice, _what_is_told_makes_sense, _refunds_are_what_is_due)
