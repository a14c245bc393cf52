"""A real SMTP server on loopback that can be out of order, and remembers what it took."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.waiting import until

HOST = "127.0.0.1"
USER, PASSWORD = "unbuy", "sesame"


@dataclass
class MailServer:
    """What aiosmtpd asks at each step, and the answers that a test wants of it."""

    tls: ssl.SSLContext | None = None
    from_the_start: bool = False
    """Whether TLS begins with the connection rather than with STARTTLS."""
    asks_for_login: bool = False
    takes_letters_of_all_alphabets: bool = False
    port: int = 0
    to_recipient: list[str] = field(default_factory=list)
    """Answers to the next RCPTs instead of 250."""
    busy: set[str] = field(default_factory=set)
    """Addresses whose next RCPT is answered with 450, once: letters to two readers go at the same time."""
    to_data: list[str] = field(default_factory=list)
    """Answers to the next mails instead of 250."""
    unknown: set[str] = field(default_factory=set)
    """Addresses that it has no mailbox for."""
    hangs: bool = False
    """Takes a mail and does not say so."""
    hangs_at_goodbye: bool = False
    tried: int = 0
    """How often somebody named a recipient."""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _sessions: set[SMTP] = field(default_factory=set)

    @property
    def url(self) -> str:
        """It, for ``UNBUY_SMTP_URL``."""
        login = f"{USER}:{PASSWORD}@" if self.asks_for_login else ""
        scheme = "smtps" if self.from_the_start else "smtp"
        return f"{scheme}://{login}{HOST}:{self.port}" + ("" if self.tls else "?starttls=no")

    @property
    def counted(self) -> Counter[str]:
        """How many mails it took by their Message-ID."""
        return Counter(mail["Message-ID"] for mail in self.mails)

    async def start(self) -> None:
        """Listen, on the same port as before."""
        loop = asyncio.get_running_loop()
        at_once = self.tls if self.from_the_start else None
        self._server = await loop.create_server(self._session, HOST, self.port, ssl=at_once)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Be away: nothing listens, and who was talking hears no more."""
        if self._server:
            self._server.close()
            self._server = None
        for session in self._sessions:
            if session.transport:
                session.transport.close()
        self._sessions.clear()

    def _session(self) -> SMTP:
        starttls = None if self.from_the_start else self.tls
        session = SMTP(
            self,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=self.asks_for_login,
            authenticator=self._login,
            enable_SMTPUTF8=self.takes_letters_of_all_alphabets,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        return session

    def _login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=login == right, handled=False)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's hook for RCPT."""
        self.tried += 1
        if self.to_recipient:
            return self.to_recipient.pop(0)
        if address in self.busy:
            self.busy.remove(address)
            return "450 4.2.1 later"
        if address in self.unknown:
            return "550 5.1.1 no such mailbox: " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook for DATA."""
        if self.to_data:
            return self.to_data.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=default))
        self.recipients += envelope.rcpt_tos
        self.secure.append(session.ssl is not None)
        await until(lambda: not self.hangs, within=None)
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook for QUIT."""
        await until(lambda: not self.hangs_at_goodbye, within=None)
        return "221 bye"


@asynccontextmanager
async def mail_server(**wishes: Any) -> AsyncIterator[MailServer]:
    """A server that listens for as long as the context lasts."""
    server = MailServer(**wishes)
    await server.start()
    try:
        yield server
    finally:
        server.hangs = server.hangs_at_goodbye = False
        await server.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side with a certificate of its own, and a client's side that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "mail.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)
