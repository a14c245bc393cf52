"""The program Unbuy: its version, and how people and its own processes call it."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

_ROOT = Path(__file__).parents[1]

PACKAGE: Final = __name__.removesuffix("runtime.program")
"""What each package's name begins with: ``unbuy.`` where it is installed, nothing in a checkout."""

COMMAND: Final = "unbuy" if PACKAGE else "python starter.py"
"""What people type before a command: in a checkout, and where it is installed."""

SETTLING_TIME: Final = timedelta(milliseconds=100)
"""How long a process waits after its last call to Temporal before it ends.

The SDK's threads deliver a call's result an instant before they are done with the interpreter: of processes
that ended in that instant, one in five aborted (temporalio/sdk-python#300).
"""


def argv(*arguments: str) -> list[str]:
    """The command line of a child process that runs one of its commands, such as ``argv("gateway")``."""
    if PACKAGE:
        # `-P`: modules that lie where the child runs are not ours.
        return [sys.executable, "-P", "-m", "unbuy", *arguments]
    # By its path, whose directory Python searches first, wherever the child runs.
    return [sys.executable, str(_ROOT / "starter.py"), *arguments]


def version() -> str:
    """The version of this checkout, or of the installed package."""
    # Both take their time to import, and few ask.
    if PACKAGE:
        import importlib.metadata

        return importlib.metadata.version("unbuy")
    import tomllib

    return str(tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"])
