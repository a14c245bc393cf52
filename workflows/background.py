"""What a workflow does beside its story."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.steps import FAILED

# How long a step that was refused for good rests before it is tried again: somebody may put that right.
_REST = timedelta(hours=1)


class BackgroundTasks:
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
