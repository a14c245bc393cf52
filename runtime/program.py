"""Our own program: its version, and how it is called by people and by other processes of ours."""

import importlib.metadata
import sys
import tomllib
from pathlib import Path
from typing import Final

_ROOT = Path(__file__).parents[1]
_PYPROJECT = _ROOT / "pyproject.toml"

COMMAND: Final = "python starter.py" if _PYPROJECT.is_file() else "unbuy"
"""What people type before a command: in a checkout, and where it is installed."""


def argv(*arguments: str) -> list[str]:
    """The command line of a child process that runs a command of ours, such as ``argv("gateway")``."""
    # By its path, whose directory Python searches first: wherever the child runs, and under whatever name
    # the rooms are installed.
    return [sys.executable, str(_ROOT / "starter.py"), *arguments]


def version() -> str:
    """The version of this checkout, or of the installed package."""
    if _PYPROJECT.is_file():
        return str(tomllib.loads(_PYPROJECT.read_text())["project"]["version"])
    return importlib.metadata.version("unbuy")
