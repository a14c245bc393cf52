"""Bearer tokens: JSON Web Tokens with a party's id in ``sub`` and its role in ``role``.

Local use has one HS256 secret. In production an OpenID Connect issuer signs: its keys are fetched (again
after a rotation), and ``iss``, ``aud`` and ``exp`` are checked. Never both: with an issuer set, a local
secret is not valid.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import jwt
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.access import Caller, Role
from gateway.issuer import Issuer, decoded
from gateway.problems import Unauthorized
from orders.sentences import sentence
from orders.values import PartyId

_ROLES: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT, Role.PROVIDER})
_SUBJECT: Final = re.compile(r"[ -~]{1,255}")
_DIGEST: Final = "sha256:"
_PARTY: Final = TypeAdapter[str](PartyId)


class SecretTokens:
    """Tokens signed with this installation's own secret (HS256)."""

    def __init__(self, secret: SecretStr, fallback: SecretStr | None = None) -> None:
        """``fallback``: a secret by which tokens count as well, while one is replaced by the other."""
        self._secret = secret
        self._fallback = fallback

    def issue(self, role: Role, sub: str, lifetime: timedelta) -> str:
        """A token for a party. Raises ValidationError for an invalid id."""
        now = datetime.now(UTC)
        claims = {
            "sub": _PARTY.validate_python(sub),
            "role": role.value,
            "iat": now,
            "exp": now + lifetime,
        }
        return jwt.encode(claims, self._secret.get_secret_value(), algorithm="HS256")

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        if self._fallback:
            with suppress(Unauthorized):
                return _local_caller(token, self._fallback)
        return _local_caller(token, self._secret)


class IssuersTokens:
    """Tokens signed by an OpenID Connect issuer, for our audience."""

    def __init__(self, issuer: Issuer, audience: str, role_claim: str) -> None:
        self.issuer = issuer
        self._audience = audience
        self._role_claim = role_claim

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        return caller_of(await self.issuer.claims(token, self._audience), self._role_claim)


def party_of(sub: object) -> str:
    """The party whom an issuer calls ``sub``: that itself, or its digest where it is no party's id.

    Raises ValueError for what is no subject of OpenID Connect (Core 2): 1 to 255 ASCII characters.
    """
    if not isinstance(sub, str) or not _SUBJECT.fullmatch(sub) or sub.startswith(_DIGEST):
        raise ValueError("no subject")
    with suppress(ValidationError):
        return _PARTY.validate_python(sub)
    digest = urlsafe_b64encode(sha256(sub.encode()).digest())
    return f"{_DIGEST}{digest.decode().rstrip('=')}"


def _local_caller(token: str, secret: SecretStr) -> Caller:
    claims = decoded(
        token,
        secret.get_secret_value(),
        algorithms=["HS256"],
        options={"require": ["exp", "sub"]},
    )
    return caller_of(claims, "role", _local_party)


def _local_party(sub: object) -> str:
    return _PARTY.validate_python(sub)


def caller_of(
    claims: Mapping[str, Any], role_claim: str, party: Callable[[object], str] = party_of
) -> Caller:
    """The caller whom verified claims name, in the one of our roles that is at ``role_claim``.

    Raises Unauthorized.
    """
    found = _claim_at(claims, role_claim)
    roles = {it for it in (found if isinstance(found, list) else [found]) if isinstance(it, str)}
    if len(ours := roles & _ROLES) != 1:
        raise Unauthorized(
            sentence(
                "This token's {claim} is not buyer, seller, support or provider.",
                claim=role_claim,
            )
        )
    try:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(party(claims["sub"]), Role(*ours), expires_at, _verified_email(claims))
    except (ValidationError, ValueError, OverflowError, OSError, TypeError):
        raise Unauthorized(
            sentence("This token's sub is not a valid id, or its exp is not a valid time.")
        ) from None


def _claim_at(claims: Mapping[str, Any], path: str) -> object:
    """A claim by its name, which may have dots, or by its path into others, such as realm_access.roles."""
    if path in claims:
        return claims[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        inner = claims.get(".".join(parts[:length]))
        if isinstance(inner, dict):
            return _claim_at(inner, ".".join(parts[length:]))
    return None


def _verified_email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else None
