"""Messages as a mail (R21): plain text and HTML, and headers by which readers and machines know it."""

import hashlib
import re
from collections.abc import Sequence
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import cache
from pathlib import Path
from unicodedata import category
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from activities.notifications import OutboxMessage
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.unsubscribe import UnsubscribeLinks
from i18n.catalogues import Locale, translator
from i18n.formats import money_text
from i18n.labels import label
from i18n.quoting import without_directions
from orders.keys import read_stray_ledger_id
from orders.messages import Role
from orders.notifications import REMINDERS

# RFC 5322's specials but for the dot, and what begins and ends an encoded word (RFC 2047).
_SPECIALS = re.compile(r'[]"(),/:;<=>?@\\[]')
_DOTS = re.compile(r"(?<!\S)\.+|(?<=\w)[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}](?=\w\w)")


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


class _Subject(str):
    """A subject's header that folds as RFC 2047 has it.

    Python's own folding loses the space between two words of which one is not ASCII (seen on 3.11).
    """

    name = "Subject"

    def fold(self, *, policy: EmailPolicy) -> str:
        """See ``email.headerregistry.BaseHeader``."""
        charset = None if self.isascii() else "utf-8"
        text = Header(str(self), charset, header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {text}{policy.linesep}"


class _Whole(str):
    """A header with an address that must not be folded: whoever follows it would miss its end."""

    name = "List-Unsubscribe"

    def fold(self, *, policy: EmailPolicy) -> str:
        """See ``email.headerregistry.BaseHeader``."""
        return f"{self.name}: {self}{policy.linesep}"


class MailComposer:
    """Writes mails from one sender.

    ``public_url`` is where the orders' pages are, if there are any, and ``support`` the address at which
    parties reach support. With ``unsubscribe`` reminders are turned off without signing in.
    """

    def __init__(
        self,
        sender: Address,
        renderer: NotificationRenderer,
        public_url: str | None = None,
        support: Address | None = None,
        unsubscribe: UnsubscribeLinks | None = None,
    ) -> None:
        self._unsubscribe = unsubscribe
        self.sender = sender
        self._renderer = renderer
        self._public_url = public_url
        self._support = support

    def write(self, messages: Sequence[OutboxMessage], local: str, domain: str) -> EmailMessage:
        """The mail of one moment's messages to one address; the same give the same mail, to the byte.

        What people wrote cannot add a header: each is one line when it gets here.
        """
        message = messages[0]
        about = _one_line(self._renderer.subject(messages))
        locale = self._renderer.locale_of(message)
        support = None if message.to is Role.SUPPORT else self._support
        link = self.link(message)
        preferences = self._preferences_link(messages)
        words = {
            "footer": _footer(locale, link, support),
            "preferences_link": preferences,
            "link": link,
            "locale": locale,
            "subject": about,
            "summary": _summary(message, locale),
            "paragraphs": self._renderer.paragraphs(messages),
            "tracking_link": self._renderer.tracking_link(messages),
        }
        name = _display_name(message.party.name) if message.party else ""
        mail = self._headed(messages, Address(name, local, domain), about)
        if support:
            mail["Reply-To"] = support
        if preferences:
            mail["List-Unsubscribe"] = _Whole(f"<{preferences}>")
            # RFC 8058 asks for HTTPS, and for a link that needs nobody to sign in.
            if self._unsubscribe and preferences.startswith("https:"):
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(
            _templates(locale).get_template("mail.txt.jinja").render(words), cte="quoted-printable"
        )
        html = _templates(locale).get_template("mail.html.jinja").render(words)
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
        mail.set_boundary(_digest(_keys(messages)))
        mail["Content-Language"] = locale
        return mail

    def write_plainly(
        self, messages: Sequence[OutboxMessage], local: str, domain: str, words: tuple[str, str]
    ) -> EmailMessage:
        """A mail of this subject and text, and of nothing that people wrote."""
        about, text = words
        mail = self._headed(messages, Address("", local, domain), about)
        link = self.link(messages[0])
        mail.set_content(f"{text}\n\n{link}\n" if link else f"{text}\n", cte="quoted-printable")
        return mail

    def _headed(self, messages: Sequence[OutboxMessage], to: Address, about: str) -> EmailMessage:
        message = messages[0]
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = to
        mail["Subject"] = _Subject(about)
        mail["Date"] = message.at
        mail["Message-ID"] = self._id(f"{_keys(messages)} {to.addr_spec}")
        # A thread for each order, and a list for each role, to be sorted by.
        mail["References"] = self._id(message.order_id)
        mail["List-Id"] = f"Unbuy, {message.to} <{message.to}.unbuy.{self.sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        return mail

    def link(self, message: OutboxMessage) -> str | None:
        """The order's page; a stray payment that came for no order has none."""
        if self._public_url is None or read_stray_ledger_id(message.order_id):
            return None
        return f"{self._public_url.rstrip('/')}/orders/{quote(message.order_id, safe='')}"

    def _preferences_link(self, messages: Sequence[OutboxMessage]) -> str | None:
        """Where its reader says that they want no reminders, of a mail that has one."""
        if self._public_url is None or REMINDERS.isdisjoint(it.what for it in messages):
            return None
        page, message = f"{self._public_url.rstrip('/')}/reminders", messages[0]
        if self._unsubscribe is None or message.party is None:
            return page
        return f"{page}/off?whose={self._unsubscribe.sign(message.to, message.party.id)}"

    def _id(self, of: str) -> str:
        return f"<{_digest(of)}@{self.sender.domain}>"


def _keys(messages: Sequence[OutboxMessage]) -> str:
    return " ".join(it.key for it in messages)


def _summary(message: OutboxMessage, locale: Locale) -> list[tuple[str, str]]:
    """The order in a few rows of a label and one line each; a row that goes on has no label of its own."""
    summary = message.summary
    if summary is None:
        return []
    said = translator(locale)
    _ = said.gettext
    items = [f"{it.quantity} \N{MULTIPLICATION SIGN} {_one_line(it.title)}" for it in summary.lines]
    if len(items) > _MOST_LINES:
        more = len(items) - _MOST_LINES
        text = said.ngettext("and {number} other item", "and {number} other items", more)
        items = [*items[:_MOST_LINES], text.format(number=more)]
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


def _footer(locale: Locale, link: str | None, support: Address | None) -> str:
    _ = translator(locale).gettext
    if link:
        where = _("This mail was sent automatically. To answer, use the order's page.")
    elif support:
        where = _("This mail was sent automatically.")
    else:
        where = _("This mail was sent automatically. Please do not answer it.")
    if support is None:
        return where
    ask = _("Any questions? Reply to this mail or write to {address}.")
    return f"{where} {ask.format(address=support.addr_spec)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _display_name(name: str) -> str:
    """Without what has a meaning in an address: Python loses the quotes of a name that it folds.

    A dot that stands alone, or begins a word, makes no word of a name in RFC 5322 either; and within one it
    makes a link, as a slash does.
    """
    return _one_line(_DOTS.sub(" ", _SPECIALS.sub(" ", name)))


def _one_line(text: str) -> str:
    """Without line breaks of any alphabet, and what else nobody sees."""
    return " ".join(
        "".join(
            " " if category(it) in ("Cc", "Zl", "Zp") else it for it in without_directions(text)
        ).split()
    )
