"""Where people may have themselves told: what an entry of ``notify`` means, and which are allowed (R21).

Entries come from whoever places an order, so only what is allowed reaches a channel: mail, and services with
an address of their own. What can be pointed at any machine is for those who ask for it, and what acts on
this one is for nobody.
"""

import re
from collections.abc import Iterable
from email.headerregistry import Address
from email.policy import default
from typing import Final
from urllib.parse import quote, unquote

import idna

from adapters.notifications.errors import PermanentFailure
from i18n.current import gettext

MAIL: Final = "mailto"

HOSTED: Final = frozenset(
    {
        "discord",
        "gchat",
        "line",
        "pbul",
        "pover",
        "slack",
        "tgram",
        "threema",
        "twilio",
        "viber",
        "vonage",
        "whatsapp",
    }
)
"""Services whose address Apprise itself knows: an entry cannot point them anywhere else."""

ANYWHERE: Final = frozenset(
    {
        *("apprise", "apprises", "form", "forms", "gotify", "gotifys", "json", "jsons"),
        *("matrix", "matrixs", "mmost", "mmosts", "ntfy", "ntfys", "rocket", "rockets"),
        *("signal", "signals", "xml", "xmls"),
    }
)
"""What talks to the machine that the entry names, which may be one of a private network."""

NEVER: Final = frozenset(
    {
        *("blink1", "dbus", "exec", "file", "gio", "glib", "gnome", "kde", "macosx", "qt"),
        *("rsyslog", "syslog", "windows"),
    }
)
"""What acts on the worker's own machine."""

_SCHEME = re.compile(r"([a-z][a-z0-9]{1,31}):", re.IGNORECASE)
_MAILBOX = re.compile(r"mailto:(?://)?([^/?#]+)/?", re.IGNORECASE)
# What RFC 5322 calls a dot-atom, with letters of all alphabets (RFC 6531).
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}\Z){_ATOM}(\.{_ATOM})*")


def allowed(named: Iterable[str] | None, *, anywhere: bool) -> frozenset[str]:
    """The schemes that entries may have: those that are named, or mail and the hosted services.

    Raises ValueError, with the remedy, for one that acts on the worker's own machine.
    """
    schemes = frozenset({MAIL} | HOSTED) if named is None else frozenset(map(str.lower, named))
    if own := schemes & NEVER:
        raise ValueError(
            gettext(
                "{schemes} would act on the worker's own machine: leave it out",
                schemes=", ".join(sorted(own)),
            )
        )
    return schemes | ANYWHERE if anywhere else schemes


def scheme_of(entry: str) -> str:
    """An entry's scheme in small letters; empty where it has none."""
    found = _SCHEME.match(entry)
    return found[1].lower() if found else ""


def label(entry: str, schemes: frozenset[str]) -> str:
    """What support is told of an entry: its scheme where that is a known one, and nothing else of it."""
    scheme = scheme_of(entry)
    return scheme if scheme in schemes | {MAIL} | HOSTED | ANYWHERE | NEVER else "unknown"


def check(entry: str, schemes: frozenset[str]) -> None:
    """Raises GivenUp unless the entry's scheme is allowed, and it says where and nothing more.

    Options after a ``?`` could name files of this machine, switch off the check of a certificate or make a
    channel wait for ever.
    """
    scheme = scheme_of(entry)
    if scheme not in schemes:
        raise PermanentFailure(
            "Its scheme is not allowed here; UNBUY_NOTIFY_SCHEMES lists those that are."
        )
    if "?" in entry or "," in entry or any(map(str.isspace, entry)):
        raise PermanentFailure("It is not one address without options after a question mark.")


def mailbox(entry: str) -> tuple[str, str]:
    """The local part and the domain, in ASCII (IDNA 2008), of a ``mailto:`` entry. Raises PermanentFailure.

    A domain without a dot, such as localhost, is one: whether it leads anywhere the mail server knows.
    """
    found = _MAILBOX.fullmatch(entry)
    local, _, domain = unquote(found[1]).rpartition("@") if found else ("", "", "")
    try:
        domain = idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        domain = ""
    # A dot at the end is good in DNS, and in no mail address.
    if not _LOCAL.fullmatch(local) or not domain or domain.endswith("."):
        raise PermanentFailure("It is not a mail address such as mailto:anna@example.org.")
    return local, domain


def sender_of(text: str) -> Address:
    """A sender as ``Unbuy <orders@example.org>`` or its address alone. Raises ValueError."""
    try:
        header = default.header_factory("From", text)
        [sender] = header.addresses
        local, domain = mailbox(f"{MAIL}:{quote(sender.addr_spec)}")
        if not header.defects:
            return Address(sender.display_name, local, domain)
    except (PermanentFailure, ValueError):
        pass
    raise ValueError(gettext("is not a sender such as Unbuy <orders@example.org>"))
