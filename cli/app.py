"""The command line ``unbuy``: every command, in the language of whoever types it.

Temporal is found by its own environment configuration, and orders whose history is gone in the database of
the settings.
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from cli import help as cli_help
from cli.commands import COMMANDS
from cli.program import QUIETLY, Parsed, new_app, run
from i18n.catalogues import Locale
from i18n.current import use_locale
from i18n.negotiation import known, of_terminal
from runtime import program

app = new_app(program.COMMAND, version=program.version, version_flags=("--version",))
for _name, _path in COMMANDS.items():
    _path = f"{program.PACKAGE}{_path}"
    app.command(_path, name=_name, help=cli_help.description(_path))


@app.meta.default
def _in_language(
    *command: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    lang: Locale | None = None,
) -> Parsed:
    """Place orders, send them messages, see how they stand; and run the servers that process them.

    Parameters
    ----------
    lang
        The language of answers; else that of UNBUY_LANG, LC_ALL, LC_MESSAGES or LANG.
    """
    # `run_command` uses it already, since help and errors do not come by here.
    return app.parse_args(command, **QUIETLY)


def run_command(arguments: Sequence[str]) -> int:
    """Run a command; its exit status."""
    ordered = _language_first(arguments)
    with use_locale(_language_of(ordered) or of_terminal(os.environ)):
        return run(app, ordered, _parse)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of these arguments, or of the process's own, as the last thing that it does."""
    status = run_command(sys.argv[1:] if arguments is None else arguments)
    if "temporalio" in sys.modules:
        time.sleep(program.SETTLING_TIME.total_seconds())
    return status


def _parse(arguments: Sequence[str]) -> Parsed:
    command, bound, ignored = app.meta.parse_args(arguments, **QUIETLY)
    return (
        command(*bound.args, **bound.kwargs)
        if command is _in_language
        else (command, bound, ignored)
    )


def _language_first(arguments: Sequence[str]) -> list[str]:
    """The same with ``--lang`` in front: behind, it could be a payload, which may begin with a hyphen."""
    given = list(arguments)
    for at, argument in enumerate(given):
        if argument == "--lang" or argument.startswith("--lang="):
            end = at + (2 if argument == "--lang" else 1)
            return [*given[at:end], *given[:at], *given[end:]]
    return given


def _language_of(ordered: Sequence[str]) -> Locale | None:
    match ordered:
        case ["--lang", locale, *_]:
            return known(locale)
        case [first, *_] if first.startswith("--lang="):
            return known(first.removeprefix("--lang="))
        case _:
            return None
