"""Steps that a workflow runs in the background."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.markdown import as_code
from workflows.steps import FAILED

# How long until a step that failed for good is tried again: somebody may have fixed the cause by then.
_RETRY_AFTER = timedelta(hours=1)


class BackgroundTasks:
    """Steps that run in the background, each at most once at a time; deadlines never wait for them."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._bug: BaseException | None = None

    @property
    def under_way(self) -> frozenset[str]:
        """The names of the steps that are running or waiting to be retried."""
        return frozenset(self._under_way)

    def start(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a step unless it is under way; one that has failed can be started again an hour later."""
        if name not in self._under_way:
            self._under_way[name] = asyncio.create_task(self._run(name, step))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition.

        Raises what a step raised beyond ``FAILED``: a bug fails the workflow task, so that it is noticed at
        once and retried after a redeploy. An ApplicationError given to ``end_with`` ends the workflow.
        """
        await workflow.wait_condition(lambda: self._bug is not None or condition())
        if self._bug:
            raise self._bug

    def end_with(self, error: ApplicationError) -> None:
        """Fail the workflow with this error: its ``until`` raises it."""
        self._bug = error

    async def _run(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await step()
        except FAILED as error:
            workflow.logger.error("Could not %s, trying again later: %s", name, error)
            await workflow.sleep(_RETRY_AFTER, summary=f"{as_code(name)} again")
        except Exception as bug:
            self._bug = bug
        finally:
            del self._under_way[name]


def should_continue_as_new() -> bool:
    """Whether the history is long and no handler is running, so that a new run loses nothing."""
    return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()
