"""A workflow's one timer, for the next instant at which something happens automatically."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


class DeadlineTimer:
    """A timer for the next instant at which something happens automatically.

    Setting it to the same instant again changes nothing: starting and cancelling a timer are an event each.
    """

    def __init__(self) -> None:
        self.has_fired = False
        self._running: dict[datetime, asyncio.Task[None]] = {}

    def set(self, at: datetime | None, what: str) -> None:
        """Fire at this UTC instant, at once if it has passed; ``what`` names the timer in the web UI."""
        self.has_fired = False
        if at in self._running:
            return
        for running in self._running.values():
            running.cancel()
        self._running.clear()
        if at:
            self._start(at, what)

    def set_by(self, at: datetime | None, what: str) -> None:
        """The same, and cancel nothing: a timer that runs may fire before, and is then set again."""
        self.has_fired = False
        if at and not any(it <= at for it in self._running):
            self._start(at, what)

    def leave(self) -> None:
        """Let it be what it is, and wait for what follows: the next instant is about to be known."""
        self.has_fired = False

    def _start(self, at: datetime, what: str) -> None:
        self._running[at] = asyncio.create_task(self._fire(at, what))

    async def _fire(self, at: datetime, what: str) -> None:
        left = at - workflow.now()
        if left > timedelta(0):
            await workflow.sleep(left, summary=what)
        # A timer that fires slightly early is set again for the rest.
        self.has_fired = True
        del self._running[at]
