"""How to reach the system that runs on this machine, in lines that fit a terminal.

Texts with tokens, too long for a line, are in files that only their owner can read.
"""

import html
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from deploy.embedded import EmbeddedServer
from gateway.access import Role
from gateway.tokens import SecretTokens
from i18n.current import current_locale, gettext
from runtime.program import COMMAND

PEOPLE: Final = ((Role.BUYER, "buyer-7"), (Role.SELLER, "seller-3"), (Role.SUPPORT, "support-1"))
"""The parties that get tokens: those of the sample orders, and a mediator."""

_LIFETIME = timedelta(days=1)
_LABEL_WIDTH = 10


@dataclass(frozen=True)
class SignInFiles:
    """A page with a sign-in link for each party, and a header for `curl` for each."""

    page: Path
    links: Mapping[str, str]
    headers: Mapping[str, Path]


def sign_in(gateway: str, secret: SecretStr, folder: Path) -> SignInFiles:
    """Write the sign-in files for this gateway, readable by their owner only."""
    signing = SecretTokens(secret)
    links, headers = {}, {}
    for role, sub in PEOPLE:
        token = signing.issue(role, sub, _LIFETIME)
        links[sub] = f"{gateway}/sign-in?token={token}"
        headers[sub] = folder / f"{sub}.header"
        _write(headers[sub], f"Authorization: Bearer {token}\n")
    page = folder / "links.html"
    _write(page, _page(links))
    return SignInFiles(page, links, headers)


def directions(
    server: EmbeddedServer,
    gateway: str,
    people: SignInFiles,
    variables: Mapping[str, str],
    logs: Mapping[str, Path],
) -> Iterator[str]:
    """What to open and to type; ``variables``: those that commands need to find this system."""
    yield _line(
        gettext("Pages"),
        gettext(
            "open {page}, as {people}",
            page=_link(str(people.page), people.page.resolve().as_uri()),
            people=", ".join(_link(sub, url) for sub, url in people.links.items()),
        ),
    )
    yield _line("API", gettext("{address} (try every request)", address=f"{gateway}/docs"))
    buyer = PEOPLE[0][1]
    yield _line("curl", f"curl -H @{people.headers[buyer]} {gateway}/v1/orders")
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


def _page(links: Mapping[str, str]) -> str:
    title = gettext("Sign in")
    items = "\n".join(
        f'<li><a href="{html.escape(url)}">{sub}</a></li>' for sub, url in links.items()
    )
    return (
        f'<!doctype html>\n<html lang="{current_locale()}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>Unbuy</title>\n'
        f"<h1>{title}</h1>\n<ul>\n{items}\n</ul>\n</html>\n"
    )


def _write(path: Path, text: str) -> None:
    """Write a file readable by its owner only."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
