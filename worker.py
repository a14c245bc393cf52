"""The worker: settings, adapters, activities and workflows put together, and served.

``python worker.py`` serves the task queue ``orders`` of the Temporal service that Temporal's own environment
configuration names (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, ...).
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from pydantic import ValidationError

from i18n.current import gettext, use_locale
from i18n.negotiation import of_terminal
from i18n.sentences import refusal
from runtime.namespace import register_search_attributes, schedule_reconciliation
from runtime.settings import Settings, complaints
from runtime.supervisor import serve_together
from runtime.temporal import BadConfiguration, CannotServe, open_database, wait_for_temporal
from runtime.wiring import Adapters
from runtime.worker import WORKFLOWS, build_worker
from workflows import ids

log = logging.getLogger("unbuy.worker")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then take nothing new and finish what runs."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    connecting = asyncio.create_task(wait_for_temporal())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        connecting.cancel()
        return
    client = connecting.result()
    await register_search_attributes(client)
    await schedule_reconciliation(client)
    database = await open_database(settings.database_url)
    try:
        worker = build_worker(
            client,
            Adapters.from_settings(settings, database, client).activities(),
            max_cached_workflows=settings.max_cached_workflows,
            graceful_shutdown=settings.graceful_shutdown,
            sticky_timeout=settings.sticky_timeout,
        )
        async with worker:
            log.info(
                "Serving %s on task queue %s of %s, namespace %s (process %d)",
                ", ".join(w.__name__ for w in WORKFLOWS),
                ids.TASK_QUEUE,
                client.service_client.config.target_host,
                client.namespace,
                os.getpid(),
            )
            await stop.wait()
            log.info("Stopping: finishing what runs")
    finally:
        await database.close()


def _serve_process(settings: Settings) -> NoReturn:
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    status = 0
    try:
        asyncio.run(serve(settings))
    except (BadConfiguration, CannotServe) as error:
        log.debug("The worker cannot serve", exc_info=True)
        # Said again here only: what is served and logged knows no terminal's language.
        print(refusal(str(error), of_terminal(os.environ)), file=sys.stderr)
        status = 1
    except Exception as error:
        log.error("The worker stopped: %s", error, exc_info=settings.log_level == "DEBUG")
        status = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # The SDK's threads may still hold the interpreter when it ends, and then it aborts
    # (temporalio/sdk-python#300). All is closed and flushed: end without asking them.
    os._exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve with as many processes as asked for; they stop together, and are missed when one dies."""
    parser = argparse.ArgumentParser(description="Serve orders on a Temporal service.")
    parser.add_argument(
        "--processes",
        type=int,
        default=None,
        help="how many worker processes (default: one per core)",
    )
    options = parser.parse_args(arguments)
    with use_locale(of_terminal(os.environ)):
        try:
            settings = Settings()
        except ValidationError as error:
            print(complaints(error), file=sys.stderr)
            return 2
        if options.processes is not None and options.processes < 1:
            print(gettext("--processes must be at least 1."), file=sys.stderr)
            return 2
    processes = options.processes or settings.worker_processes or os.cpu_count() or 1
    if processes == 1:
        _serve_process(settings)
    return serve_together(partial(_serve_process, settings), processes)


if __name__ == "__main__":
    sys.exit(main())
