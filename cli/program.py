"""How each program reads its command line and ends: errors as sentences, never a traceback for them.

With --json an error is JSON as well, and both go to standard output (docs/commands.md).

Exit status: 0 done, 1 refused or impossible now, 2 asked for wrongly, 130 interrupted.
"""

import inspect
import io
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from cyclopts import App, CycloptsError
from rich.text import Text

from cli.arguments import JSON
from cli.console import err, plain, print_json
from cli.failure import Failure
from cli.help import FORMAT, TranslatedHelp, usage_error

QUIETLY: Final[dict[str, Any]] = {"exit_on_error": False, "print_error": False}
"""What cyclopts is to leave to ``run``."""

Parsed = tuple[Callable[..., object], inspect.BoundArguments, dict[str, Any]]


def new_app(name: str, **options: Any) -> App:
    """A program with our help, which people start by this name."""
    return App(
        name=name,
        help_format=FORMAT,
        help_formatter=TranslatedHelp(),
        **{"version_flags": (), **options},
    )


def run(
    app: App, arguments: Sequence[str], parse: Callable[[Sequence[str]], Parsed] | None = None
) -> int:
    """Run the command that the arguments ask for, read by ``parse`` or else ``app``; its exit status."""
    # What a program and its children make is its owner's alone: databases, logs, secrets, proofs.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets a question mark, not an error.
            stream.reconfigure(errors="replace")
    try:
        command, bound, _ = parse(arguments) if parse else app.parse_args(arguments, **QUIETLY)
        result = command(*bound.args, **bound.kwargs)
        if inspect.iscoroutine(result):
            result = _completed(result)
    except Failure as failure:
        return _report(failure, arguments)
    except CycloptsError as error:
        return _report(Failure(usage_error(error, app.name[0])), arguments)
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _completed(command: Coroutine[Any, Any, object]) -> object:
    """What a command returns, once it has run. Raises KeyboardInterrupt where it is cancelled."""
    # Help needs no event loop, nor the time that it takes to import one.
    import asyncio

    try:
        return asyncio.run(command)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _report(failure: Failure, arguments: Sequence[str]) -> int:
    if JSON in arguments:
        print_json(failure.as_json())
    else:
        err.print(Text(plain(str(failure)), style="red"), soft_wrap=not sys.stderr.isatty())
    return failure.status
