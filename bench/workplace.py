"""The directory for the databases and logs of a bench."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(name: str, keep: Path | None) -> Iterator[Path]:
    """A temporary directory, or the one to ``keep``, which stays."""
    with tempfile.TemporaryDirectory(prefix=f"unbuy-{name}-", ignore_cleanup_errors=True) as made:
        directory = keep or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
