"""Signed links by which a mail's reader turns reminders off without signing in (R21, RFC 8058)."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from pydantic import SecretStr

from orders.messages import Role

_SIGNED = 32
"""Bytes of the signature."""


class UnsubscribeLinks:
    """Makes and reads the signed part of such links. They do not expire, as mails do not."""

    def __init__(self, secret: SecretStr) -> None:
        key = secret.get_secret_value().encode()
        self._key = hmac.digest(key, b"unbuy unsubscribe", "sha256")

    def sign(self, role: Role, party_id: str) -> str:
        """Whose reminders a link turns off, signed: letters, digits, hyphens and underscores."""
        whose = f"{role.value} {party_id}".encode()
        return urlsafe_b64encode(self._signature(whose) + whose).decode().rstrip("=")

    def read(self, signed: str) -> tuple[Role, str] | None:
        """Whose reminders it is about; None where we have not signed it."""
        try:
            given = urlsafe_b64decode(f"{signed}{'=' * (-len(signed) % 4)}")
        except ValueError:
            return None
        signature, whose = given[:_SIGNED], given[_SIGNED:]
        if not hmac.compare_digest(signature, self._signature(whose)):
            return None
        role, _, party_id = whose.decode().partition(" ")
        return Role(role), party_id

    def _signature(self, whose: bytes) -> bytes:
        return hmac.digest(self._key, whose, "sha256")
