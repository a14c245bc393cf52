"""Runs a program for as long as somebody holds the other end of its standard input, and no longer.

``die_with_parent.py SECONDS PROGRAM ARGUMENT...``: so many seconds the program then has to end by itself,
before it is killed. Whoever starts it need not live to end it: when that process dies, of whatever signal,
the pipe closes. What the program has started and left behind is killed with it.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def _end_with_parent(program: "subprocess.Popen[bytes]", patience: float) -> None:
    # Past Python's own buffer, whose lock a thread must not hold when the interpreter ends.
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
    # Its group outlives it where its own children do. (macOS does not permit to kill what is dead.)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
