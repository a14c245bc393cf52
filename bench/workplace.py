"""Where a bench has its databases and logs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(name: str, keep: Path | None) -> Iterator[Path]:
    """A directory for as long as the context lasts; the one to ``keep``, if there is one, stays."""
    with tempfile.TemporaryDirectory(prefix=f"unbuy-{name}-", ignore_cleanup_errors=True) as made:
        directory = keep or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
