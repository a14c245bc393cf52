"""How to reach the system that runs on this machine, in lines that fit a terminal.

Tokens, too long for a line, are in files that only their owner can read.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from deploy.embedded import EmbeddedServer
from gateway.pages.sample_orders import PEOPLE
from gateway.tokens import SecretTokens
from i18n.current import gettext
from runtime.program import COMMAND

_LIFETIME = timedelta(days=1)
_LABEL_WIDTH = 10


def header_files(secret: SecretStr, folder: Path) -> dict[str, Path]:
    """Write a header for `curl` for each person of the playground, readable by its owner only."""
    signing = SecretTokens(secret)
    files = {}
    for person in PEOPLE:
        token = signing.issue(person.role, person.id, _LIFETIME)
        files[person.id] = folder / f"{person.id}.header"
        _write(files[person.id], f"Authorization: Bearer {token}\n")
    return files


def directions(
    server: EmbeddedServer,
    gateway: str,
    headers: Mapping[str, Path],
    variables: Mapping[str, str],
    logs: Mapping[str, Path],
) -> Iterator[str]:
    """What to open and to type; ``variables``: those that commands need to find this system."""
    yield _line(gettext("Open"), _link(gateway, gateway))
    yield ""
    yield _line("API", gettext("{address} (try every request)", address=f"{gateway}/docs"))
    yield _line("curl", f"curl -H @{headers[PEOPLE[0].id]} {gateway}/v1/orders")
    for number, command in enumerate(commands(variables)):
        yield _line("" if number else gettext("Commands"), command)
    yield _line("Temporal", f"{server.address}, web UI {server.ui_url}")
    yield _line(gettext("Logs"), ", ".join(map(str, logs.values())))
    yield gettext("Ctrl-C stops it.")


def commands(variables: Mapping[str, str]) -> Iterator[str]:
    """How to reach this system from another terminal in this directory."""
    for name, value in variables.items():
        yield f"export {name}={value}"
    yield f"{_python(COMMAND)} list"


def _python(command: str) -> str:
    """This interpreter's path, relative if it is below the working directory."""
    here, interpreter = Path.cwd(), Path(sys.executable)
    if not command.startswith("python ") or not interpreter.is_relative_to(here):
        return command
    return command.replace("python", str(interpreter.relative_to(here)), 1)


def _line(label: str, text: str) -> str:
    return f"{label:{_LABEL_WIDTH}}{text}"


def _link(text: str, address: str) -> str:
    """The text as a terminal hyperlink (OSC 8)."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"


def _write(path: Path, text: str) -> None:
    """Write a file readable by its owner only."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
