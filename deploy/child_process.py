"""Runs a program for as long as somebody holds the other end of its standard input, and no longer.

``child_process.py SECONDS PROGRAM ARGUMENT...``: so long the program has to end by itself, then it is killed.
Whoever starts it need not live to end it: when that process dies, of whatever signal, the pipe closes.
"""

import os
import subprocess
import sys
import threading


def _end_when_let_go(program: "subprocess.Popen[bytes]", patience: float) -> None:
    # Past Python's own buffer, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    program.terminate()
    try:
        program.wait(patience)
    except subprocess.TimeoutExpired:
        program.kill()


def main() -> int:
    """Run the program of the arguments; its exit status."""
    patience, *command = sys.argv[1:]
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_when_let_go, args=(program, float(patience)), daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
