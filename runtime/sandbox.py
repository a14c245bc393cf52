"""How workflows run, in workers, tests and replay alike: their sandbox and how their input is decoded."""

import dataclasses

from temporalio.converter import DataConverter
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.program import PACKAGE
from workflows.messages import LenientInputConverter


def workflow_runner(*, sandboxed: bool = True) -> WorkflowRunner:
    """What runs our workflows; the sandbox finds what is not deterministic in them, and costs time.

    The rules are passed through it: they are pure, and a class that exists twice fails ``isinstance``.
    """
    if not sandboxed:
        return UnsandboxedWorkflowRunner()
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            *(f"{PACKAGE}orders", f"{PACKAGE}activities"),
            "pydantic",
            "pydantic_core",
            "pydantic_extra_types",
            "pycountry",
        )
    )


def lenient_converter(converter: DataConverter) -> DataConverter:
    """A data converter that hands workflows their input undecoded."""
    return dataclasses.replace(converter, payload_converter_class=LenientInputConverter)
