"""R21: what a message looks like as a mail, for everyone and in both languages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from activities.notifications import OrderSummary, OutboxMessage, SummaryLine
from adapters.notifications.addresses import sender_of
from adapters.notifications.email import MailComposer
from adapters.notifications.render import NotificationRenderer
from adapters.notifications.unsubscribe import UnsubscribeLinks
from docs.samples import Sample, samples
from orders.messages import Role
from orders.place_order import Party
from orders.values import Money

SENDER = sender_of("Unbuy <orders@unbuy.test>")
MAILS = MailComposer(SENDER, NotificationRenderer(), "https://shop.test/")
ALL = list(samples())


def message(name: str = "Anna", text: str = "Hello") -> OutboxMessage:
    return OutboxMessage(
        key="A-1:seller_message:1:buyer",
        order_id="A-1",
        to=Role.BUYER,
        party=Party(id="buyer-7", name=name, locale="pl"),
        what="seller_message",
        at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        details={"text": text},
    )


def read(mail: EmailMessage) -> EmailMessage:
    """A mail as it comes out of the wire again."""
    return message_from_bytes(bytes(mail), policy=default)


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain
    assert html
    return plain.get_content(), html.get_content()


class Page(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _english() -> Iterator[str]:
    """What only an English mail has in it."""
    yield from (" the ", " your ", " has ", "Hello", "Please", "Order ", "automatically")


@pytest.mark.parametrize("one", ALL, ids=lambda it: it.name)
def test_every_notification_is_a_readable_mail_for_each_recipient(one: Sample) -> None:
    """R21: a subject, a plain and an HTML part, all in the reader's language and none with a gap in it."""
    mail = read(MailComposer(SENDER, one.renderer).write(one.messages, "anna", "example.org"))
    plain, html = parts(mail)
    page = Page(html)

    for text in (mail["Subject"], plain, page.text):
        assert text.strip()
        assert "{" not in text
        assert "None" not in text
        assert "_" not in text
    assert mail["Subject"] == one.renderer.subject(one.messages)
    assert len(mail["Subject"]) < 80
    if one.locale == "pl":
        assert not [it for it in _english() if it in f"{mail['Subject']} {plain} {page.text}"]
    assert mail["Content-Language"] == one.locale
    assert ("html", {"lang": one.locale}) in page.tags
    # Nothing is fetched when it is opened, and nothing needs a style sheet.
    assert not {"img", "link", "script", "style"} & {tag for tag, _ in page.tags}


def test_a_long_subject_arrives_as_it_is() -> None:
    """R21: wherever its header is folded; Python's own folding loses spaces there."""
    for one, length in product(ALL, range(1, 65, 13)):
        told = [it.model_copy(update={"order_id": "A" * length}) for it in one.messages]
        mail = MailComposer(SENDER, one.renderer).write(told, "a", "b.c")

        assert read(mail)["Subject"] == one.renderer.subject(told)


def test_headers_identify_an_automatic_mail() -> None:
    """R21: to people, to filters, and to machines that would answer."""
    mail = read(MAILS.write([message(name="Żaneta Łoś")], "anna", "example.org"))

    assert mail["From"] == "Unbuy <orders@unbuy.test>"
    assert mail["To"].addresses[0].display_name == "Żaneta Łoś"
    assert mail["To"].addresses[0].addr_spec == "anna@example.org"
    assert mail["Date"].datetime == message().at
    assert mail["List-Id"] == "Unbuy, buyer <buyer.unbuy.unbuy.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@unbuy.test>")
    assert mail["References"] not in (None, mail["Message-ID"])


def test_the_same_notification_gives_the_same_mail() -> None:
    """R21: a retry is not a second mail; to another address, or another message, is."""
    first = MAILS.write([message()], "anna", "example.org")
    again = MAILS.write([message()], "anna", "example.org")
    elsewhere = MAILS.write([message()], "anna", "example.net")
    another = MAILS.write([message().model_copy(update={"key": "A-1:x"})], "anna", "example.org")

    assert bytes(first) == bytes(again)
    assert len({it["Message-ID"] for it in (first, again, elsewhere, another)}) == 3
    assert len({it["References"] for it in (first, again, elsewhere, another)}) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Anna\r\nBcc: bob@example.org",
        "Anna\nSubject: x",
        "Anna\N{LINE SEPARATOR}Bcc: bob@example.org",
        '"Anna" <bob@example.org>, Bob',
        "Anna\r",
        "\n",
        "x" * 200,
        "Ż" * 200,
    ],
)
def test_a_name_cannot_add_headers_or_recipients(name: str) -> None:
    mail = read(MAILS.write([message(name=name)], "anna", "example.org"))

    assert mail["Bcc"] is None
    assert [it.addr_spec for it in mail["To"].addresses] == ["anna@example.org"]
    assert len(mail.get_all("Subject") or []) == 1
    assert max(map(len, bytes(MAILS.write([message(name=name)], "a", "b.c")).splitlines())) < 998


_ODD = [
    "bob@example.org",
    ",",
    ";",
    "<",
    ">",
    '"',
    "\\",
    "(",
    ")",
    ":",
    "=?utf-8?q?",
    "?=",
    "x" * 30,
]


@settings(deadline=None)
@given(
    pieces=st.lists(st.sampled_from([*_ODD, " ", ".", "a", "Ż", "\u202e", "日"]), max_size=60),
    local=st.integers(1, 64),
    domain=st.integers(1, 63),
)
@example(pieces=["x" * 60, ",bob@example.org?=", "x" * 30], local=4, domain=7)
@example(pieces=[".", "?=", "x" * 30, "<bob@example.org;", "x" * 30], local=3, domain=19)
@example(pieces=["=?utf-8?q?", ")", "\\", "?=", "\u202e", "?=", '"'], local=4, domain=7)
def test_a_mail_has_one_recipient_whatever_the_name(
    pieces: list[str], local: int, domain: int
) -> None:
    """Case 74."""
    address = f"{'a' * local}@{'b' * domain}.{'c' * domain}.org"
    name = "".join(pieces)[:200] or "Anna"

    mail = read(MAILS.write([message(name=name)], *address.split("@")))

    assert [[it.addr_spec for it in to.addresses] for to in mail.get_all("To") or []] == [[address]]


def test_a_name_keeps_the_characters_that_a_header_allows() -> None:
    mail = read(MAILS.write([message(name="J. Łoś-O'Neil, Shop (Kraków)")], "anna", "example.org"))

    assert mail["To"].addresses[0].display_name == "J. Łoś-O'Neil Shop Kraków"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Your parcel: https://evil.example/pay", "Your parcel https evil example pay"),
        ("www.evil.example", "www evil example"),
        ("t.co/x", "t co x"),
        ("evil\u3002example evil\uff0eexample", "evil example evil example"),
        ("J.R.R. Tolkien Jr.", "J.R.R. Tolkien Jr."),
    ],
)
def test_a_name_makes_no_link(name: str, shown: str) -> None:
    """Case 110: mail programs make links of what looks like a host."""
    mail = read(MAILS.write([message(name=name)], "anna", "example.org"))

    assert mail["To"].addresses[0].display_name == shown


def test_user_text_is_escaped_in_the_html_part() -> None:
    """What the seller wrote is shown in one line, whatever it would mean in HTML."""
    text = "<script>x</script> & <b>5 > 3</b> . second line"
    said = text.replace(" . ", "\n.\n")

    plain, html = parts(read(MAILS.write([message(text=said)], "anna", "example.org")))

    assert text in plain
    assert "<script>" not in html
    assert text in Page(html).text


def test_a_mail_links_to_the_orders_page_when_a_public_url_is_set() -> None:
    odd = message().model_copy(update={"order_id": "A|1 #?"})
    stray = message().model_copy(update={"order_id": "stray/pay-1"})
    nowhere = MailComposer(SENDER, NotificationRenderer())

    plain, html = parts(read(MAILS.write([message()], "anna", "example.org")))
    assert "https://shop.test/orders/A-1" in plain
    assert ("href", "https://shop.test/orders/A-1") in [
        it for tag, attributes in Page(html).tags if tag == "a" for it in attributes.items()
    ]
    assert MAILS.link(odd) == "https://shop.test/orders/A%7C1%20%23%3F"
    assert MAILS.link(stray) is None
    for body in parts(read(nowhere.write([message()], "anna", "example.org"))):
        assert "http" not in body


def summarised(*titles: str, seller: str = "Cable Shop") -> OutboxMessage:
    summary = OrderSummary(
        lines=tuple(SummaryLine(title=it, quantity=2) for it in titles),
        buyer="Anna",
        seller=seller,
        total=Money.model_validate({"amount": 2490, "currency": "EUR"}),
    )
    return message().model_copy(update={"summary": summary})


def test_a_mail_says_which_order_it_is_about() -> None:
    """R21: number, what was bought, from whom, total; the other party's name, and to support both."""
    plain, html = parts(read(MAILS.write([summarised("USB-C cable")], "anna", "example.org")))
    rows = [
        "Numer zamówienia: A-1",
        "Przedmioty: 2 \N{MULTIPLICATION SIGN} USB-C cable",
        "Sprzedawca: Cable Shop",
    ]

    assert "\n".join([*rows, "Razem: 24,90\xa0€"]) in plain.replace("\r\n", "\n")
    assert "Kupujący" not in plain
    for shown in ("A-1", "2 \N{MULTIPLICATION SIGN} USB-C cable", "Cable Shop", "24,90\xa0€"):
        assert shown in Page(html).text

    to_support = summarised("x").model_copy(update={"to": Role.SUPPORT, "party": None})
    plain, _ = parts(read(MAILS.write([to_support], "help", "example.org")))
    assert "Buyer: Anna" in plain
    assert "Seller: Cable Shop" in plain


def test_a_long_order_is_shortened_in_a_mail() -> None:
    titles = [f"thing {number}" for number in range(12)]
    plain, _ = parts(read(MAILS.write([summarised(*titles)], "anna", "example.org")))

    assert "2 \N{MULTIPLICATION SIGN} thing 9" in plain
    assert "thing 10" not in plain
    assert "i 2 inne produkty" in plain


def test_a_title_or_name_cannot_break_out_of_its_row() -> None:
    odd = "<b>x</b>\r\n\r\n-- \nRazem: 0\N{LINE SEPARATOR}y"
    plain, html = parts(read(MAILS.write([summarised(odd, seller=odd)], "anna", "example.org")))

    assert plain.count("\nRazem:") == 1
    assert plain.splitlines().count("-- ") == 1
    assert "b" not in {tag for tag, _ in Page(html).tags}
    assert Page(html).text.count("<b>x</b> -- Razem: 0 y") == 2


def test_nothing_in_a_mail_turns_the_order_of_our_words() -> None:
    """Nor in the name of its recipient, which a list of mails shows beside the subject."""
    mail = read(MAILS.write([summarised("Cable \u202e", seller="Shop \u2067")], "a", "b.test"))
    named = read(MAILS.write([message("Anna \u202e", "Hello \u202e")], "a", "b.test"))

    for text in (*parts(mail), *parts(named), str(named["To"])):
        assert not {"\u202e", "\u2067"} & set(text)


def test_a_mailbox_previews_what_the_mail_says() -> None:
    """R21: before the heading, which the subject has said already, and seen by nobody else."""
    _, html = parts(read(MAILS.write([message(text="<i>Hi</i>")], "anna", "example.org")))
    body = html.partition("<body")[2]

    assert body.index("display: none") < body.index("&lt;i&gt;Hi") < body.index("<h1")


def test_a_mail_says_where_to_answer() -> None:
    """R21: on the order's page and at support's address, where there are any."""
    support = sender_of("Help <help@unbuy.test>")
    plain, page = NotificationRenderer(), "https://shop.test"

    def footer(writer: MailComposer, one: OutboxMessage | None = None) -> str:
        body, _ = parts(mail := read(writer.write([one or message()], "anna", "example.org")))
        assert (mail["Reply-To"] == "Help <help@unbuy.test>") == ("help@unbuy.test" in body)
        return body.rpartition("-- \r\n")[2].strip() or body.rpartition("-- \n")[2].strip()

    automatic = "Ta wiadomość została wysłana automatycznie."
    on_page = f"{automatic} Odpowiedzieć można na stronie zamówienia."
    by_mail = "Masz pytania? Odpowiedz na tę wiadomość albo napisz na adres help@unbuy.test."
    assert footer(MailComposer(SENDER, plain, page)) == on_page
    assert footer(MailComposer(SENDER, plain, page, support)) == f"{on_page} {by_mail}"
    assert footer(MailComposer(SENDER, plain, None, support)) == f"{automatic} {by_mail}"
    assert footer(MailComposer(SENDER, plain)) == f"{automatic} Prosimy na nią nie odpowiadać."
    # Support does not write to itself.
    to_support = message().model_copy(update={"to": Role.SUPPORT, "party": None})
    assert "help@" not in footer(MailComposer(SENDER, plain, page, support), to_support)


def test_a_mail_of_several_events_is_one_page() -> None:
    """R21: a paragraph for each in both parts, the first one's subject; another Message-ID than of fewer."""
    first = message(text="First & foremost")
    second = message(text="Second").model_copy(update={"key": "A-1:seller_message:2:buyer"})
    both = read(MAILS.write([first, second], "anna", "example.org"))
    plain, html = parts(both)

    assert both["Subject"] == "Wiadomość od sprzedawcy: zamówienie A-1"
    assert plain.index("First & foremost") < plain.index("Second")
    assert html.index("First &amp; foremost") < html.rindex("Second")
    assert both["Message-ID"] != MAILS.write([first], "anna", "example.org")["Message-ID"]


def test_a_mail_links_to_the_parcels_way() -> None:
    """R11: beside the order's page."""
    details = {"carrier": "InPost", "number": "520000012680041086770098"}
    shipped = message().model_copy(update={"what": "order_shipped", "details": details})
    link = "https://inpost.pl/sledzenie-przesylek?number=520000012680041086770098"
    plain, html = parts(read(MAILS.write([shipped], "anna", "example.org")))

    assert f"Śledź przesyłkę: {link}" in plain
    assert ("a", link) in [(tag, it.get("href")) for tag, it in Page(html).tags]
    assert link not in "".join(parts(read(MAILS.write([message()], "anna", "example.org"))))


REMINDER = message().model_copy(
    update={
        "what": "payment_reminder",
        "details": {"due_by": "2026-03-21T12:00:00Z", "money": None},
    }
)


def test_a_reminder_says_where_to_turn_reminders_off() -> None:
    """R21: in a header that mailboxes show as a button (RFC 2369), and in both parts."""
    mail = read(MAILS.write([REMINDER], "anna", "example.org"))

    assert mail["List-Unsubscribe"] == "<https://shop.test/reminders>"
    assert all("https://shop.test/reminders" in part for part in parts(mail))
    other = read(MAILS.write([message()], "anna", "example.org"))
    assert other["List-Unsubscribe"] is None
    assert not any("/reminders" in part for part in parts(other))
    nowhere = read(MailComposer(SENDER, NotificationRenderer()).write([REMINDER], "a", "b.c"))
    assert nowhere["List-Unsubscribe"] is None


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_reminder_is_turned_off_with_one_click(scheme: str) -> None:
    """R21, RFC 8058: by a link on one line that says whose; a mailbox's own button needs HTTPS."""
    links = UnsubscribeLinks(SecretStr("for these tests alone, and long enough"))
    mails = MailComposer(SENDER, NotificationRenderer(), f"{scheme}://shop.test", unsubscribe=links)

    sent = mails.write([REMINDER], "anna", "example.org")
    mail = read(sent)

    link = mail["List-Unsubscribe"].strip("<>")
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in bytes(sent)
    page, signed = link.split("?whose=")
    assert page == f"{scheme}://shop.test/reminders/off"
    assert links.read(signed) == (Role.BUYER, "buyer-7")
    assert all(link in part for part in parts(mail))
    post = mail["List-Unsubscribe-Post"]
    assert post == ("List-Unsubscribe=One-Click" if scheme == "https" else None)
