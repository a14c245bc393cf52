"""Breadth-first search through all states that a model can come to: explicit-state model checking.

Every state is visited once, by a shortest path; what a model finds wrong on the way is reported with that
path, the counterexample. Where no new state turns up any more the search has come to its fixed point.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

State = TypeVar("State")
Move = TypeVar("Move")


class Violation(NamedTuple):
    """An invariant that does not hold, and how."""

    invariant: str
    how: str


@dataclass(frozen=True, slots=True)
class Transition(Generic[State, Move]):
    """What a move leads to; ``after`` is None where it leaves the state as it was.

    One that is not ``is_followed`` is looked at, and goes no further.
    """

    move: Move
    after: State | None = None
    violations: tuple[Violation, ...] = ()
    is_followed: bool = True


def violated(
    invariants: Iterable[Callable[..., Iterator[str]]], *given: object
) -> Iterator[Violation]:
    """Which of these invariants do not hold of what is given, and how; an error is a way not to hold."""
    for invariant in invariants:
        name = invariant.__name__.removeprefix("_")
        try:
            for how in invariant(*given):
                yield Violation(name, how)
        except Exception as error:
            yield Violation(name, f"{type(error).__name__}: {error}")


class Model(Protocol[State, Move]):
    """What is explored."""

    name: str
    tried: Counter[str]
    """How many of what has been tried, for the report."""

    def starts(self) -> Iterator[tuple[list[Move], State]]:
        """Where paths begin, and by what moves one comes there."""

    def canonical(self, state: State) -> Hashable:
        """What tells it from other states."""

    def violations(self, state: State) -> Iterator[Violation]:
        """What is wrong with a state by itself."""

    def transitions(self, state: State) -> Iterator[Transition[State, Move]]:
        """Every move that is possible in a state."""

    def as_code(self, path: list[Move]) -> str:
        """The path as a test lives through it."""


@dataclass
class Search(Generic[State, Move]):
    """One search: until there is nothing new, or as deep or as many CPU seconds as it may go."""

    model: Model[State, Move]
    most_depth: int | None = None
    most_seconds: float | None = None
    first_only: bool = False
    """Whether to end with the first counterexample."""

    depth: int = 0
    transitions: int = 0
    seconds: float = 0.0
    is_complete: bool = False
    found: Counter[str] = field(default_factory=Counter)
    """How often each invariant did not hold."""
    counterexamples: dict[Violation, str] = field(default_factory=dict)
    """The first for each, which is a shortest, as a test lives through it."""

    _numbers: dict[Hashable, int] = field(default_factory=dict, repr=False)
    _came_by: list[tuple[int | None, list[Move]]] = field(default_factory=list, repr=False)
    _begun: float = field(default=0.0, repr=False)

    @property
    def states(self) -> int:
        """How many there are so far."""
        return len(self._numbers)

    def run(self) -> None:
        """Explore, level by level."""
        self._begun = time.process_time()
        level: list[tuple[int, State]] = []
        for path, first in self.model.starts():
            number, is_new = self._add(first, (None, path))
            if is_new:
                level.append((number, first))
        while level and self.depth != self.most_depth and not self._must_end():
            following: list[tuple[int, State]] = []
            for number, state in level:
                self._expand(number, state, following)
                if self._must_end():
                    break
            else:
                self.depth += 1
                level = following
        self.is_complete = not level
        self.seconds = time.process_time() - self._begun

    def _must_end(self) -> bool:
        self.seconds = time.process_time() - self._begun
        is_late = self.most_seconds is not None and self.seconds > self.most_seconds
        return is_late or (self.first_only and bool(self.found))

    def _expand(self, number: int, state: State, following: list[tuple[int, State]]) -> None:
        for transition in self.model.transitions(state):
            self.transitions += 1
            for violation in transition.violations:
                self._report(violation, number, transition.move)
            if transition.after is None or not transition.is_followed:
                continue
            reached, is_new = self._add(transition.after, (number, [transition.move]))
            if is_new:
                following.append((reached, transition.after))

    def _add(self, state: State, came_by: tuple[int | None, list[Move]]) -> tuple[int, bool]:
        key = self.model.canonical(state)
        if (known := self._numbers.get(key)) is not None:
            return known, False
        number = self._numbers[key] = len(self._came_by)
        self._came_by.append(came_by)
        for violation in self.model.violations(state):
            self._report(violation, number)
        return number, True

    def _report(self, violation: Violation, number: int, move: Move | None = None) -> None:
        self.found[violation.invariant] += 1
        if violation not in self.counterexamples:
            self.counterexamples[violation] = self.model.as_code(self._path(number, move))

    def _path(self, number: int, last: Move | None) -> list[Move]:
        path = [] if last is None else [last]
        came_from: int | None = number
        while came_from is not None:
            came_from, moves = self._came_by[came_from]
            path = [*moves, *path]
        return path
