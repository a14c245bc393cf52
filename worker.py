"""The worker: settings, adapters, activities and workflows put together, and served.

``python worker.py`` serves the task queue ``orders`` of the Temporal service that Temporal's own environment
configuration names (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, ...).
"""

import asyncio
import logging
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import Parameter

from cli.app import main
from cli.console import err, plain
from cli.failure import Failure
from cli.settings import read_settings
from i18n.catalogues import LOCALES
from i18n.current import gettext, use_locale
from i18n.negotiation import of_terminal
from i18n.sentences import localize
from runtime.health import Health
from runtime.logs import log_in_lines
from runtime.monitoring import Monitoring, monitoring
from runtime.namespace import register_search_attributes, schedule_daily_work
from runtime.settings import Settings
from runtime.supervisor import serve_together
from runtime.temporal import BadConfiguration, CannotServe, open_database, wait_for_temporal
from runtime.tracing import tracing
from runtime.wiring import Adapters
from runtime.worker import WORKFLOWS, build_worker
from workflows import ids

if TYPE_CHECKING:
    from runtime.spans import Tracing

log = logging.getLogger("unbuy.worker")


async def serve(settings: Settings, number: int = 1) -> None:
    """Serve until SIGTERM or SIGINT; then take nothing new and finish what runs.

    ``number`` tells several processes apart.
    """
    port = settings.worker_port and settings.worker_port + number - 1
    with tracing(settings, "unbuy-worker") as traced:
        async with monitoring(settings.worker_host, port) as watched:
            await _serve(settings, watched, traced)


async def _serve(settings: Settings, watched: Monitoring, traced: "Tracing | None") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    connecting = asyncio.create_task(
        wait_for_temporal(settings.encryption_keys, [traced.interceptor] if traced else [])
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        connecting.cancel()
        return
    client = connecting.result()
    await register_search_attributes(client)
    await schedule_daily_work(client)
    database = await open_database(settings.database_url)
    try:
        if traced:
            traced.of_database(database)
        worker = build_worker(
            client,
            Adapters.from_settings(settings, database, client).activities(),
            max_cached_workflows=settings.max_cached_workflows,
            graceful_shutdown=settings.graceful_shutdown,
            sticky_timeout=settings.sticky_timeout,
            sandboxed=settings.workflow_sandbox,
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
            with watched.ready(Health(client, database), database):
                await stop.wait()
            log.info("Stopping: finishing what runs")
    finally:
        await database.close()


def worker(*, processes: Annotated[int | None, Parameter(metavar="NUMBER")] = None) -> int:
    """Serve orders on the Temporal service of the environment, until SIGTERM or SIGINT.

    Its processes stop together, also when one of them dies.

    Parameters
    ----------
    processes
        How many worker processes; else UNBUY_WORKER_PROCESSES, or one for each core.
    """
    settings = read_settings()
    if processes is not None and processes < 1:
        raise Failure(gettext("--processes must be at least 1."))
    together = processes or settings.worker_processes or os.cpu_count() or 1
    serve_process = partial(_serve_process, settings)
    if together == 1:
        serve_process(1)
    return serve_together(serve_process, together)


def _serve_process(settings: Settings, number: int) -> NoReturn:
    log_in_lines(settings.log_level, settings.log_format)
    status = 0
    try:
        # What is served and logged knows no terminal's language.
        with use_locale(LOCALES[0]):
            asyncio.run(serve(settings, number))
    except (BadConfiguration, CannotServe) as error:
        log.debug("The worker cannot serve", exc_info=True)
        err.print(plain(localize(str(error), of_terminal(os.environ))))
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


if __name__ == "__main__":
    sys.exit(main(["worker", *sys.argv[1:]]))
