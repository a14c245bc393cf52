"""Installs a lock file into this virtual environment and shows its progress: `make setup`.

On a terminal it updates one line; elsewhere it prints a line now and then. It runs before anything is
installed, so it needs only Python and pip.
"""

import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from threading import Thread

_LOOK_EVERY = 0.2
_WRITE_EVERY = 10.0
_PINNED = re.compile(r"^[A-Za-z0-9._-]+(\[.*\])?==", re.MULTILINE)
_WIDTH = 79
_LAST_LINES = 20


class Installation:
    """One run of pip on a lock file."""

    def __init__(self, lock: Path) -> None:
        self._wanted = len(_PINNED.findall(lock.read_text()))
        self._there = _installed()
        self._collected = 0
        self._installs = False
        self._said: list[str] = []
        self._began = time.monotonic()
        self._pip = subprocess.Popen(
            # Modules are compiled on first import, and most are never imported.
            [
                *(sys.executable, "-u", "-m", "pip", "install", "--disable-pip-version-check"),
                *("--no-input", "--progress-bar=off", "--no-compile"),
                *("--require-hashes", "--requirement", str(lock)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> int:
        """Wait for it; pip's exit status."""
        listening = Thread(target=self._listen)
        listening.start()
        is_live, wrote = sys.stdout.isatty(), self._began
        while self._pip.poll() is None:
            time.sleep(_LOOK_EVERY)
            if is_live:
                print(f"\r{self._text():{_WIDTH}}", end="", flush=True)
            elif time.monotonic() - wrote >= _WRITE_EVERY:
                wrote = time.monotonic()
                print(self._text(), flush=True)
        listening.join()
        if is_live:
            print(f"\r{'':{_WIDTH}}\r", end="")
        if self._pip.returncode:
            print("".join(self._said[-_LAST_LINES:]), file=sys.stderr)
        else:
            print(f"{_installed()} packages are installed ({self._seconds()} s).", flush=True)
        return self._pip.returncode

    def _listen(self) -> None:
        assert self._pip.stdout
        for line in self._pip.stdout:
            self._said.append(line)
            if line.startswith("Ignoring "):
                self._wanted -= 1  # for another platform or version of Python
            elif line.startswith(("Collecting ", "Requirement already satisfied: ")):
                self._collected += 1
            elif line.startswith("Installing collected packages: "):
                self._wanted = line.count(",") + 1
                self._installs = True

    def _text(self) -> str:
        doing, done = "Downloading", self._collected
        if self._installs:
            doing, done = "Installing", _installed() - self._there
        return f"{doing} {done} of {self._wanted} packages ({self._seconds()} s) ..."

    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)


def _installed() -> int:
    return sum(1 for _ in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))


if __name__ == "__main__":
    sys.exit(Installation(Path(sys.argv[1])).run())
