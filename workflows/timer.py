"""A workflow's one timer, for the next instant at which something happens automatically."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


class DeadlineTimer:
    """A timer for the next instant at which something happens automatically.

    Setting it to the same instant again changes nothing: each timer costs two history events.
    """

    def __init__(self) -> None:
        self.has_fired = False
        self._at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, at: datetime | None, what: str) -> None:
        """Fire at this UTC instant, at once if it has passed; ``what`` names the timer in the web UI."""
        self.has_fired = False
        if at == self._at:
            return
        if self._task:
            self._task.cancel()
        self._at, self._task = at, None
        if at:
            self._task = asyncio.create_task(self._fire(at, what))

    def leave(self) -> None:
        """Let it be what it is, and wait for what follows: the next instant is about to be known."""
        self.has_fired = False

    async def _fire(self, at: datetime, what: str) -> None:
        left = at - workflow.now()
        if left > timedelta(0):
            await workflow.sleep(left, summary=what)
        # A timer that fires slightly early is set again for the rest.
        self.has_fired, self._at, self._task = True, None, None
