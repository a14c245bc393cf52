"""Mail by SMTP (R21): one mail to one address, with an answer that is sure as far as SMTP lets it be.

When the connection breaks between the mail's last byte and the server's 250, nobody knows whether it was
taken: the mail is sent again, with the same Message-ID, by which most mailboxes show it once.
"""

import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage

import aiosmtplib

from adapters.notifications.errors import PermanentFailure, TemporaryFailure
from adapters.notifications.smtp_url import SmtpServer

# Seconds. Well under the lease of a delivery (``database.deliveries``) and the time of its activity.
_PATIENCE = 20.0
_GOODBYE = 2.0

# These are about us, not about the one who is written to: our login, or how we speak.
_OURS = frozenset({500, 502, 503, 504, 530, 534, 535, 538})


class SmtpChannel:
    """One SMTP server. ``tls`` is what its certificate is judged by; if None, what the machine trusts."""

    def __init__(
        self, server: SmtpServer, tls: ssl.SSLContext | None = None, patience: float = _PATIENCE
    ) -> None:
        self._server = server
        self._tls = tls
        self._patience = patience

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Hand over a mail. Raises GivenUp when the server will never take it, NotNow otherwise."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls_from_the_start,
            start_tls=server.starttls,
            tls_context=self._tls,
            timeout=self._patience,
            # Else the machine is asked for its name, which may take as long as its name server does.
            local_hostname=sender.rpartition("@")[2],
        )
        try:
            async with asyncio.timeout(self._patience):
                await client.connect()
                await client.send_message(message, sender=sender, recipients=[recipient])
            # It is taken: whatever becomes of the goodbye, it must not be sent again.
            with suppress(Exception):
                async with asyncio.timeout(_GOODBYE):
                    await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _judged(refused.recipients[0]) from None
        except aiosmtplib.SMTPDataError as refused:
            raise _judged(refused) from None
        except aiosmtplib.SMTPNotSupported:
            # Of what this can be, STARTTLS is ours to put right and an address in letters is theirs.
            if recipient.isascii():
                raise TemporaryFailure(
                    "The mail server does not offer what is asked of it."
                ) from None
            raise PermanentFailure("The mail server takes no addresses beyond ASCII.") from None
        except aiosmtplib.SMTPResponseException as refused:
            raise TemporaryFailure(f"The mail server refuses us ({refused.code}).") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Its own words may repeat the address.
            raise TemporaryFailure(
                f"The mail server cannot be used ({type(error).__name__})."
            ) from None
        finally:
            client.close()


def _judged(refused: aiosmtplib.SMTPResponseException) -> TemporaryFailure | PermanentFailure:
    if 500 <= refused.code <= 599 and refused.code not in _OURS:
        return PermanentFailure(f"The mail server refuses it ({refused.code}).")
    return TemporaryFailure(f"The mail server does not take it now ({refused.code}).")
