"""Runs a program until the other end of its standard input is closed.

``die_with_parent.py SECONDS PROGRAM ARGUMENT...``: the program then has this many seconds to exit before it
is killed. The pipe closes when the parent dies, whatever the signal. Children that the program leaves
behind are killed with it.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def _end_with_parent(program: "subprocess.Popen[bytes]", patience: float) -> None:
    # Bypasses Python's buffer, whose lock a thread must not hold when the interpreter exits.
    while os.read(0, 1):
        os.killpg(program.pid, signal.SIGKILL)
    program.terminate()
    try:
        program.wait(patience)
    except subprocess.TimeoutExpired:
        program.kill()


def main() -> int:
    """Run the program of the arguments; its exit status, as a shell gives it."""
    patience, *command = sys.argv[1:]
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_parent, args=(program, float(patience)), daemon=True).start()
    status = program.wait()
    # Its process group outlives it if its children do. (macOS refuses to signal a dead group.)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
