"""`make setup` shows how far it is, and what pip says where it fails."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

INSTALL = Path(__file__).parents[2] / "deploy" / "install.py"


def install(lock: Path) -> "subprocess.CompletedProcess[str]":
    """Without an index, so that nothing can be fetched."""
    return subprocess.run(
        [sys.executable, str(INSTALL), str(lock)],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_there_already_is_counted(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"pip=={version('pip')} --hash=sha256:{'0' * 64}\n")

    done = install(lock)

    assert done.returncode == 0
    assert " packages are installed (" in done.stdout
    assert done.stderr == ""


def test_what_fails_is_said_in_pips_words(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"there-is-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")

    done = install(lock)

    assert done.returncode == 1
    assert "No matching distribution found for there-is-no-such-package==1.0" in done.stderr
    assert "installed" not in done.stdout
