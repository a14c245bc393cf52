"""What can happen to an order from one state to the next, and how a test says it.

Messages and verdicts come at four instants: at once, a hair before the next thing that happens by itself, at
its very instant, and a hair after it, when its timer has not been seen yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from orders.messages import Message, RefundStatus
from orders.policy import Policy
from orders.schedule import ScheduledEvent
from tests.orders.builders import START

HAIR: Final = timedelta(microseconds=1)


class When(StrEnum):
    """When a move is made, seen from the next thing that happens by itself."""

    AT_ONCE = "at once"
    BEFORE = "a hair before"
    TIE = "at the instant of"
    AFTER = "a hair after"


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and how it stands to what comes next by itself."""

    when: When
    at: datetime
    coming: ScheduledEvent | None = None

    def __str__(self) -> str:
        days = (self.at - START) / timedelta(days=1)
        return f"day {days:.2f}, {self.when} {self.coming.what if self.coming else ''}".strip()

    @property
    def clock(self) -> str:
        """As a test says it."""
        return clock(self.at)


@dataclass(frozen=True, slots=True)
class Send:
    """Somebody sends a message, and the order takes it, refuses it, knows it or sends the money back."""

    message: Message
    moment: Moment
    verb: str = "send"

    def as_code(self) -> Iterator[str]:
        """The lines of a test that do it."""
        yield f"story.now = {self.moment.clock}  # {self.moment}"
        fields = self.message.model_dump(mode="json", exclude_unset=True)
        if self.verb == "send_stray_payment":
            payment_id, amount = fields["payment_id"], fields["money"]["amount"]
            yield f"story.send_stray_payment(payment_id={payment_id!r}, money=eur({amount}))"
        else:
            given = "".join(f", {name}={value!r}" for name, value in fields.items())
            yield f"story.{self.verb}({self.message.name!r}{given})"


@dataclass(frozen=True, slots=True)
class Judge:
    """Verifying a tracking number, one of those given, comes to this: good, wrong or, with None, unknown."""

    position: int
    valid: bool | None
    moment: Moment

    def as_code(self) -> Iterator[str]:
        """The lines of a test that do it."""
        yield f"story.now = {self.moment.clock}  # {self.moment}"
        yield f"story.verdict(story.shipment.tracking[{self.position}], valid={self.valid})"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing comes until then; ``answer`` is the provider's, where that is a refund's check."""

    moment: Moment
    answer: RefundStatus | None = None

    def as_code(self) -> Iterator[str]:
        """The lines of a test that do it."""
        answer = f"RefundStatus.{self.answer.name}" if self.answer else None
        yield f"story.provider = {answer}"
        yield f"story.pass_until({self.moment.clock})  # {self.moment}"


OrderMove = Send | Judge | Wait


def moments(now: datetime, coming: ScheduledEvent) -> Iterator[Moment]:
    """The instants around what comes next."""
    if coming.at - HAIR > now:
        yield Moment(When.BEFORE, coming.at - HAIR, coming)
        yield Moment(When.TIE, coming.at, coming)
        yield Moment(When.AFTER, coming.at + HAIR, coming)


def clock(at: datetime) -> str:
    """An instant as a test says it."""
    past = at - START
    parts = (("days", past.days), ("seconds", past.seconds), ("microseconds", past.microseconds))
    given = ", ".join(f"{unit}={number}" for unit, number in parts if number)
    return f"START + timedelta({given})"


def as_test(policy: Policy, path: list[OrderMove]) -> str:
    """A path as a test lives through it."""
    choices = policy.model_dump(exclude_unset=True)
    given = ", ".join(f"{name}={value!r}" for name, value in choices.items())
    return "\n".join((f"story = Story({given})", *(line for it in path for line in it.as_code())))
