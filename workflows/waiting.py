"""The one way in which a workflow waits, and those in which it runs steps."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

from workflows.options import BRIEFLY, PATIENTLY, DurableOptions

# How long a step that was refused for good rests before it is tried again: somebody may put that right.
_REST = timedelta(hours=1)


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


class Steps:
    """Steps that run beside the story, each once at a time: deadlines never wait for them."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._bug: BaseException | None = None

    @property
    def under_way(self) -> frozenset[str]:
        """The names of those that run, or rest until they are tried again."""
        return frozenset(self._under_way)

    def start(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a step unless it is under way; one that fails rests before whoever wants it starts it again."""
        if name not in self._under_way:
            self._under_way[name] = asyncio.create_task(self._run(name, step))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition.

        What went wrong in a step otherwise than by failing is raised here: a bug fails the workflow task, so
        that it is seen at once and run anew after a redeploy, and an ApplicationError ends the workflow.
        """
        await workflow.wait_condition(lambda: self._bug is not None or condition())
        if self._bug:
            raise self._bug

    def end_with(self, error: ApplicationError) -> None:
        """End the workflow, which waits by ``until``, with this failure."""
        self._bug = error

    async def _run(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await step()
        except FAILED as error:
            workflow.logger.error("Could not %s, trying again later: %s", name, error)
            await workflow.sleep(_REST, summary=f"{name} again")
        except Exception as bug:
            self._bug = bug
        finally:
            del self._under_way[name]


def should_continue_as_new() -> bool:
    """Whether the history has grown long and nothing would be lost by starting a new one."""
    return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()


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


FAILED = (ActivityError, ApplicationError, TimeoutError)
"""How a failed step shows. A local activity's own error comes bare; its timeout comes wrapped when it
happens and bare when the history is replayed (seen on SDK 1.35), so both must be taken alike.
"""
