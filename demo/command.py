"""The demo from start to end: start the system, live through the scenarios, check the ledger."""

import asyncio
import logging
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from rich.console import Console
from temporalio.exceptions import TemporalError

from cli.arguments import Flag
from cli.console import out
from cli.failure import Failure
from cli.progress import progress
from database.ledger import SqlLedger
from demo import report
from demo.report import Outcome
from demo.scenarios import SCENARIOS, Scenario
from demo.story import StoryFailed
from demo.system import DemoSystem, ServerStory, set_up
from deploy.embedded import EmbeddedServerError
from i18n.current import gettext, ngettext
from runtime.program import COMMAND
from runtime.temporal import quiet_core

# More at once would only wait for each other on two cores.
_AT_ONCE = 6


async def demo(*, keep: Flag = False) -> int:
    """Live through every ending of an order, on a real Temporal server, in virtual time.

    Parameters
    ----------
    keep
        Leave server, web UI and worker running until Ctrl-C.
    """
    quiet_core()
    try:
        return await run(out, keep=keep)
    except EmbeddedServerError as error:
        raise Failure(str(error), status=1) from None


async def run(console: Console, *, keep: bool) -> int:
    """Run the whole demo; 0 if every story ended as it must and the ledger agrees, else 1."""
    began = monotonic()
    log = _new_log()
    logging.basicConfig(filename=log, level=logging.INFO, force=True)
    wrong: Sequence[str] | None = None
    try:
        async with _interruptible(console) as system:
            console.print(
                gettext(
                    "A Temporal server and a worker are up at {address}.",
                    address=system.server.address,
                ),
                ngettext(
                    "{number} story happens there now, in virtual time.",
                    "{number} stories happen there now, in virtual time.",
                    len(SCENARIOS),
                ),
            )
            with progress(console, gettext("stories"), len(SCENARIOS)) as lived_through:

                def show(outcome: Outcome) -> None:
                    report.print_outcome(console, outcome)
                    lived_through(SCENARIOS.index(outcome.scenario) + 1)

                outcomes = await run_all(system, SCENARIOS, show)
            wrong = await find_faults(system, outcomes)
            report.conclude(console, outcomes, wrong)
            took = round(monotonic() - began)
            console.print(ngettext("It took {number} second.", "It took {number} seconds.", took))
            if keep:
                await _stay(console, system, log)
    except asyncio.CancelledError:
        wrong = wrong or ()
        raise
    finally:
        if wrong is None or wrong:
            console.print(gettext("The log is kept: {log}", log=log), soft_wrap=True)
        else:
            log.unlink()
    return 1 if wrong else 0


def _new_log() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="unbuy-demo-", suffix=".log")
    os.close(descriptor)
    return Path(name)


async def run_all(
    system: DemoSystem, scenarios: Sequence[Scenario], ended: Callable[[Outcome], None]
) -> list[Outcome]:
    """Live through scenarios concurrently; ``ended`` hears of their outcomes, in their order."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(scenario: Scenario) -> Outcome:
        async with turns:
            return await run_scenario(system, scenario)

    outcomes = []
    async with asyncio.TaskGroup() as group:
        for running in [group.create_task(in_turn(it)) for it in scenarios]:
            outcomes.append(await running)
            ended(outcomes[-1])
    return outcomes


async def run_scenario(system: DemoSystem, scenario: Scenario) -> Outcome:
    """Live through one scenario, to its end or to its failure."""
    order = await ServerStory(system, scenario.order()).place()
    problem = None
    try:
        await scenario.happens(order)
        await order.must_end()
    except StoryFailed as error:
        problem = str(error)
    except (TemporalError, TimeoutError) as error:
        problem = f"{type(error).__name__}: {error}"
    stray_payments = [await order.stray_payment(payment_id) for payment_id in order.stray_payments]
    return Outcome(
        scenario=scenario,
        view=await order.view(),
        refused=tuple(order.refused),
        stray_payments=tuple(stray_payments),
        balances=await SqlLedger(system.database).balances(scenario.order_id),
        stray_balances=tuple(
            [
                await SqlLedger(system.database).balances(stray_payment.postings[0].order_id)
                for stray_payment in stray_payments
            ]
        ),
        cost=await order.cost(),
        problem=problem,
    )


async def find_faults(system: DemoSystem, outcomes: Sequence[Outcome]) -> list[str]:
    """All faults of the outcomes and of the ledger."""
    return [
        *(fault for outcome in outcomes for fault in report.faults(outcome)),
        *report.endings_not_seen(outcomes),
        *report.ledger_faults(await SqlLedger(system.database).trial_balance()),
    ]


@asynccontextmanager
async def _interruptible(console: Console) -> AsyncIterator[DemoSystem]:
    """Shut the system down gracefully, with a message, when this process is signalled."""
    if running := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    with tempfile.TemporaryDirectory(prefix="unbuy-demo-", ignore_cleanup_errors=True) as made:
        async with set_up(Path(made)) as system:
            try:
                yield system
            except asyncio.CancelledError:
                console.print(gettext("Stopping ..."))
                raise


async def _stay(console: Console, system: DemoSystem, log: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print()
    for line in addresses(system.server.address, system.server.ui_url, system.database_url, log):
        console.print(line, markup=False, soft_wrap=True)
    await stop.wait()
    console.print(gettext("Stopping ..."))


def addresses(address: str, ui_url: str | None, database_url: str, log: Path) -> Iterator[str]:
    """The addresses of what is still running, and how to stop it."""
    variables = f"TEMPORAL_ADDRESS={address} UNBUY_DATABASE_URL={database_url}"
    found = {
        "Temporal": address,
        "Web UI": ui_url,
        gettext("Log"): log,
        gettext("Commands"): f"{variables} {COMMAND} list",
    }
    width = max(map(len, found))
    for name, where in found.items():
        yield f"{name:<{width}}  {where}"
    yield gettext("Ctrl-C stops it.")
