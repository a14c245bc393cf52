"""Histories that are decided once more."""

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from runtime.sandbox import lenient_converter, workflow_runner
from runtime.worker import WORKFLOWS


async def replay(history: WorkflowHistory, *, sandboxed: bool = True) -> None:
    """Raises when the same events do not lead to the same decisions again (cases 36 and 37)."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(sandboxed=sandboxed),
        data_converter=lenient_converter(pydantic_data_converter),
    )
    await replayer.replay_workflow(history)
