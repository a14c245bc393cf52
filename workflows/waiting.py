"""The one way in which a workflow waits, and the one in which it runs a short step."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.options import BRIEFLY, PATIENTLY, DurableOptions


class Alarm:
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


async def briefly(method: Callable[..., Any], argument: Any, summary: str) -> Any:
    """Run a short, repeatable step as a local activity. Raises what ``FAILED`` lists when it fails."""
    return await workflow.execute_local_activity_method(
        method, argument, summary=summary, **BRIEFLY
    )


async def surely(
    method: Callable[..., Any], argument: Any, summary: str, options: DurableOptions = PATIENTLY
) -> Any:
    """Run a short step: a brief try first, and a durable one when that fails."""
    try:
        return await briefly(method, argument, summary)
    except FAILED:
        return await workflow.execute_activity_method(method, argument, summary=summary, **options)


FAILED = (ActivityError, ApplicationError)
"""How a failed step shows: a local activity's own error comes bare, a timeout's comes wrapped."""
