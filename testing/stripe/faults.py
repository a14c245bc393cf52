"""What goes wrong between us and a provider, one request at a time."""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum


class InjectedFault(StrEnum):
    """What happens to a request, and whether it has taken effect."""

    ERROR_BEFORE = "error_before"
    """500, nothing done, nothing stored."""
    TOO_MANY = "too_many"
    """429, nothing done, nothing stored."""
    HUGE_ERROR = "huge_error"
    """500 with a body of 5 MB, nothing done, nothing stored."""
    LOST_ANSWER = "lost_answer"
    """Done, and the connection breaks before the answer."""
    SLOW = "slow"
    """Done, and the answer comes when nobody waits for it any more."""
    STORED_UNDONE = "stored_undone"
    """500 without doing it, repeated for the same key."""
    STORED_DONE = "stored_done"
    """500 after doing it, repeated for the same key."""


BEFORE = frozenset({InjectedFault.ERROR_BEFORE, InjectedFault.TOO_MANY, InjectedFault.HUGE_ERROR})
STORED = frozenset({InjectedFault.STORED_UNDONE, InjectedFault.STORED_DONE})


@dataclass
class Faults:
    """The faults to come: first those that are planned, then by chance, the same for the same seed.

    ``planned`` ones befall requests that make something (POST), one each. ``rate`` is the share of such
    requests that suffer one of ``kinds`` by chance, ``reading_rate`` that of the others.
    """

    rate: float = 0.0
    reading_rate: float = 0.0
    seed: int = 0
    kinds: tuple[InjectedFault, ...] = tuple(InjectedFault)
    planned: deque[InjectedFault] = field(default_factory=deque)
    suffered: Counter[InjectedFault] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def plan(self, *faults: InjectedFault) -> None:
        """The next requests that make something suffer these, in turn."""
        self.planned.extend(faults)

    def next(self, makes_something: bool) -> InjectedFault | None:
        """What befalls the request that has just come."""
        fault = None
        if makes_something and self.planned:
            fault = self.planned.popleft()
        elif self._chance.random() < (self.rate if makes_something else self.reading_rate):
            kinds = [it for it in self.kinds if makes_something or it not in STORED]
            fault = self._chance.choice(kinds)
        if fault:
            self.suffered[fault] += 1
        return fault
