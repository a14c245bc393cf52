"""A message as a mail (R21): plain text and HTML, and headers by which readers and machines know it."""

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from unicodedata import category
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.notifications import OutboxMessage
from adapters.notifications.render import wording
from adapters.notifications.subjects import locale_of, subject
from i18n.catalogues import Locale, translator
from i18n.formats import money_text
from i18n.labels import label
from orders.keys import read_stray_ledger_id
from orders.messages import Role

# RFC 5322's specials but for the dot, and what begins and ends an encoded word (RFC 2047).
_SPECIALS = re.compile(r'[]"(),:;<=>?@\\[]')


# Of an order's items in a mail; the order's page has all of them.
_MOST_LINES = 10


@cache
def _templates(locale: Locale) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("layouts")),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_translations(translator(locale), newstyle=True)  # type: ignore[attr-defined]
    return templates


class MailComposer:
    """Writes mails from one sender. ``public_url`` is where the orders' pages are, if there are any."""

    def __init__(self, sender: Address, public_url: str | None = None) -> None:
        self.sender = sender
        self._public_url = public_url

    def write(self, message: OutboxMessage, local: str, domain: str) -> EmailMessage:
        """The mail of a message to one address; the same message gives the same mail, to the byte.

        What people wrote cannot add a header: each is one line when it gets here.
        """
        about = _one_line(subject(message))
        locale = locale_of(message)
        words = {
            "link": self.link(message),
            "locale": locale,
            "subject": about,
            "summary": _summary(message, locale),
            "text": wording(message),
        }
        name = _display_name(message.party.name) if message.party else ""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = Address(display_name=name, username=local, domain=domain)
        mail["Subject"] = about
        mail["Date"] = message.at
        mail["Message-ID"] = self._id(f"{message.key} {local}@{domain}")
        # A thread for each order, and a list for each role, to be sorted by.
        mail["References"] = self._id(message.order_id)
        mail["List-Id"] = f"Unbuy, {message.to} <{message.to}.unbuy.{self.sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(
            _templates(locale).get_template("mail.txt.jinja").render(words), cte="quoted-printable"
        )
        html = _templates(locale).get_template("mail.html.jinja").render(words)
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
        mail.set_boundary(_digest(message.key))
        mail["Content-Language"] = locale
        return mail

    def link(self, message: OutboxMessage) -> str | None:
        """The order's page; a stray payment that came for no order has none."""
        if self._public_url is None or read_stray_ledger_id(message.order_id):
            return None
        return f"{self._public_url.rstrip('/')}/orders/{quote(message.order_id, safe='')}"

    def _id(self, of: str) -> str:
        return f"<{_digest(of)}@{self.sender.domain}>"


def _summary(message: OutboxMessage, locale: Locale) -> list[tuple[str, str]]:
    """The order in a few rows of a label and one line each; a row that goes on has no label of its own."""
    summary = message.summary
    if summary is None:
        return []
    _ = translator(locale).gettext
    items = [f"{it.quantity} \N{MULTIPLICATION SIGN} {_one_line(it.title)}" for it in summary.lines]
    if len(items) > _MOST_LINES:
        more = _("and {number} more").format(number=len(items) - _MOST_LINES)
        items = [*items[:_MOST_LINES], more]
    names = {Role.BUYER: summary.buyer, Role.SELLER: summary.seller}
    return [
        (_("Order number"), _one_line(message.order_id)),
        *zip([_("Items"), *[""] * len(items)], items, strict=False),
        *(
            (label("role", role, locale), _one_line(name))
            for role, name in names.items()
            if role != message.to
        ),
        (_("Total"), money_text(summary.total, locale)),
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _display_name(name: str) -> str:
    """Without what has a meaning in an address: Python loses the quotes of a name that it folds.

    A dot that stands alone, or begins a word, makes no word of a name in RFC 5322 either.
    """
    return _one_line(re.sub(r"(?<!\S)\.+", " ", _SPECIALS.sub(" ", name)))


def _one_line(text: str) -> str:
    """Without line breaks of any alphabet, and what else nobody sees."""
    return " ".join(
        "".join(" " if category(it) in ("Cc", "Zl", "Zp") else it for it in text).split()
    )
