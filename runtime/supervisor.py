"""Several processes that serve as one."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress


def serve_together(serve: Callable[[int], None], processes: int) -> int:
    """Serve with several processes, which stop together, also when one dies or this; the worst exit status.

    ``serve`` is given the number of its process, from 1; it must be picklable: the processes are spawned.
    """
    spawn = multiprocessing.get_context("spawn")
    children = [
        spawn.Process(target=_serve_with_parent, args=(serve, number), name=f"worker-{number}")
        for number in range(1, processes + 1)
    ]
    for child in children:
        child.start()

    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        if stopping:
            return  # a second signal would reach a process whose event loop is closing
        stopping = True
        for child in children:
            if child.pid and child.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    multiprocessing.connection.wait([child.sentinel for child in children])
    stop()
    for child in children:
        child.join()
    return max(_status(child.exitcode) for child in children)


def _serve_with_parent(serve: Callable[[int], None], number: int) -> None:
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    serve(number)


def _stop_with_parent() -> None:
    # One that is killed can ask nobody to stop.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _status(exitcode: int | None) -> int:
    # One that does not yet handle the signal when it is told to stop ends by it.
    return 0 if exitcode == -signal.SIGTERM else abs(exitcode or 0)
