"""Mail by a real SMTP server, and each of its failures."""

import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest

from adapters.notifications.errors import PermanentFailure, TemporaryFailure
from adapters.notifications.smtp import SmtpChannel
from adapters.notifications.smtp_url import SmtpServer
from testing.mail_server import MailServer, certificate, mail_server

ANNA = "anna@example.org"


def mail(to: str = ANNA) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = (
        "orders@unbuy.test",
        to,
        "<1@unbuy.test>",
    )
    message.set_content("Zażółć gęślą jaźń")
    return message


async def send(
    server: MailServer, to: str = ANNA, tls: ssl.SSLContext | None = None, patience: float = 5
) -> None:
    channel = SmtpChannel(SmtpServer.of(server.url), tls, patience)
    await channel.send(mail(to), "orders@unbuy.test", to)


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with mail_server() as server:
        await send(server)

    [taken] = server.mails
    assert taken.get_content().strip() == "Zażółć gęślą jaźń"
    assert server.recipients == [ANNA]


@pytest.mark.parametrize("answer", ["421 4.3.2 too many", "450 4.2.1 greylisted", "452 4.2.2 full"])
async def test_a_temporary_failure_is_retried(answer: str) -> None:
    """R21: 4xx, to the recipient and to the mail, is for later."""
    async with mail_server(to_recipient=[answer], to_data=[answer]) as server:
        for _ in range(2):
            with pytest.raises(TemporaryFailure, match=answer[:3]):
                await send(server)
        await send(server)

    assert len(server.mails) == 1


async def test_a_refused_recipient_fails_for_good_without_being_named() -> None:
    """R21, case 54: 5xx to a recipient, in words of ours: the server's own repeat the address."""
    async with mail_server(unknown={ANNA}) as server:
        with pytest.raises(
            PermanentFailure, match=r"^The mail server refuses it \(550\)\.$"
        ) as raised:
            await send(server)

    assert raised.value.__cause__ is None


async def test_a_refused_mail_fails_for_good() -> None:
    async with mail_server(to_data=["554 5.7.1 not wanted"]) as server:
        with pytest.raises(PermanentFailure, match="554"):
            await send(server)


@pytest.mark.parametrize("answer", ["530 5.7.0 log in first", "503 5.5.1 not now"])
async def test_an_error_about_the_sender_is_retried(answer: str) -> None:
    async with mail_server(to_recipient=[answer]) as server:
        with pytest.raises(TemporaryFailure, match=answer[:3]):
            await send(server)


async def test_the_login_waits_for_tls(tmp_path: Path) -> None:
    """STARTTLS comes first: then the password may be said."""
    theirs, ours = certificate(tmp_path)
    async with mail_server(tls=theirs, asks_for_login=True) as server:
        await send(server, tls=ours)

    assert server.secure == [True]


async def test_a_wrong_password_is_retried(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path)
    async with mail_server(tls=theirs, asks_for_login=True) as server:
        wrong = SmtpServer.of(server.url.replace("sesame", "guess"))
        with pytest.raises(TemporaryFailure, match="535"):
            await SmtpChannel(wrong, ours, 5).send(mail(), "orders@unbuy.test", ANNA)

    assert server.mails == []


async def test_an_untrusted_certificate_gets_no_mail(tmp_path: Path) -> None:
    theirs, _ = certificate(tmp_path)
    async with mail_server(tls=theirs) as server:
        with pytest.raises(TemporaryFailure):
            await send(server)

    assert server.tried == 0


async def test_a_server_without_tls_gets_no_mail_unless_configured() -> None:
    async with mail_server() as server:
        secure = SmtpServer.of(server.url.removesuffix("?starttls=no"))
        with pytest.raises(TemporaryFailure):
            await SmtpChannel(secure, patience=5).send(mail(), "orders@unbuy.test", ANNA)

    assert server.tried == 0


async def test_smtps_uses_tls_from_the_start(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path)
    async with mail_server(tls=theirs, from_the_start=True) as server:
        await send(server, tls=ours)

    assert server.url.startswith("smtps://")
    assert len(server.mails) == 1


async def test_a_server_that_hangs_times_out() -> None:
    async with mail_server(hangs=True) as server:
        with pytest.raises(TemporaryFailure):
            await send(server, patience=0.3)


async def test_an_unreachable_server_is_retried() -> None:
    async with mail_server() as server:
        await server.stop()
        with pytest.raises(TemporaryFailure, match="SMTPConnectError"):
            await send(server)
        await server.start()
        await send(server)

    assert len(server.mails) == 1


async def test_a_hanging_quit_does_not_send_a_second_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is taken with the 250, whatever comes after it."""
    monkeypatch.setattr("adapters.notifications.smtp._GOODBYE", 0.1)
    async with mail_server(hangs_at_goodbye=True) as server:
        await send(server)

    assert len(server.mails) == 1


async def test_a_non_ascii_address_needs_smtputf8() -> None:
    async with mail_server(takes_letters_of_all_alphabets=True) as server:
        await send(server, "żaneta@example.org")
    async with mail_server() as plain:
        with pytest.raises(PermanentFailure, match="beyond ASCII"):
            await send(plain, "żaneta@example.org")

    assert server.recipients == ["żaneta@example.org"]


@pytest.mark.parametrize(
    ("address", "port", "from_the_start", "starttls"),
    [
        ("smtp://mail.example.org", 587, False, True),
        ("smtp://mail.example.org:25?starttls=no", 25, False, False),
        ("smtps://mail.example.org", 465, True, False),
    ],
)
def test_the_url_decides_how_the_connection_is_secured(
    address: str, port: int, from_the_start: bool, starttls: bool
) -> None:
    server = SmtpServer.of(address)

    assert (server.port, server.tls_from_the_start, server.starttls) == (
        port,
        from_the_start,
        starttls,
    )


def test_a_password_with_special_characters_is_decoded() -> None:
    server = SmtpServer.of("smtp://anna%40example.org:a%2Fb@mail.example.org")

    assert (server.user, server.password) == ("anna@example.org", "a/b")
    assert "a/b" not in repr(server)


@pytest.mark.parametrize(
    "address",
    [
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org:port",
        "smtp://mail.example.org/inbox",
        "smtp://mail.example.org?tls=off",
        "smtp://mail.example.org?starttls=maybe",
        "smtp://canary:canary@mail.example.org?starttls=no",
    ],
)
def test_an_invalid_url_is_not_repeated_in_the_error(address: str) -> None:
    with pytest.raises(ValueError, match=r"smtp://|in clear") as raised:
        SmtpServer.of(address)

    assert "canary" not in str(raised.value)
