"""The one timer of a workflow: for the next instant at which something happens by itself."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


class DeadlineTimer:
    """One timer, for the next instant at which something happens by itself.

    Setting it to the same instant again keeps the timer it has: every timer costs two events.
    """

    def __init__(self) -> None:
        self.rang = False
        self._at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, at: datetime | None, what: str) -> None:
        """Ring at this UTC instant, at once if it has passed; ``what`` names the timer in the web UI."""
        self.rang = False
        if at == self._at:
            return
        if self._task:
            self._task.cancel()
        self._at, self._task = at, None
        if at:
            self._task = asyncio.create_task(self._ring(at, what))

    async def _ring(self, at: datetime, what: str) -> None:
        left = at - workflow.now()
        if left > timedelta(0):
            await workflow.sleep(left, summary=what)
        # A timer that fires a hair early is set anew for the rest.
        self.rang, self._at, self._task = True, None, None
