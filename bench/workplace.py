"""Where a bench keeps its databases and logs, and the machine that it ran on."""

import logging
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deploy.embedded import EmbeddedServer
from deploy.local import environment_of

Keep = Annotated[Path | None, Parameter(help="Directory where databases and logs stay.")]
"""The option of every bench; without it they go when it ends."""


@contextmanager
def workplace(name: str, keep: Path | None) -> Iterator[Path]:
    """A temporary directory, or the one to ``keep``, which stays."""
    with tempfile.TemporaryDirectory(prefix=f"unbuy-{name}-", ignore_cleanup_errors=True) as made:
        directory = keep or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        yield directory


def environment_for(server: EmbeddedServer, **settings: str) -> dict[str, str]:
    """The environment of a process of the server's, with these settings and no others of Unbuy's."""
    environment = {
        name: value
        for name, value in environment_of(server).items()
        if not name.startswith("UNBUY_")
    }
    return environment | {f"UNBUY_{name.upper()}": value for name, value in settings.items()}


@contextmanager
def hushed() -> Iterator[None]:
    """Without what servers and libraries log of load and faults: what goes wrong is counted."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def machine() -> str:
    """What numbers depend on, as one reads them: "2 cores, load 0.4, x86_64, Python 3.12.3"."""
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
