"""Bearer tokens: JSON Web Tokens with a party's id in ``sub`` and its role in ``role``.

Local use has one HS256 secret. In production an OpenID Connect issuer signs: its keys are fetched (again
after a rotation), and ``iss``, ``aud`` and ``exp`` are checked. Never both: with an issuer set, a local
secret is not valid.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.access import Caller, Role
from gateway.issuer import Issuer, decoded
from gateway.problems import Unauthorized
from orders.sentences import sentence
from orders.values import PartyId

_ROLES: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT, Role.PROVIDER})
_PARTY: Final = TypeAdapter[str](PartyId)


class SecretTokens:
    """Tokens signed with this installation's own secret (HS256)."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

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
        claims = decoded(
            token,
            self._secret.get_secret_value(),
            algorithms=["HS256"],
            options={"require": ["exp", "sub"]},
        )
        return caller_of(claims, "role")


class IssuersTokens:
    """Tokens signed by an OpenID Connect issuer, for our audience."""

    def __init__(self, issuer: Issuer, audience: str, role_claim: str) -> None:
        self.issuer = issuer
        self._audience = audience
        self._role_claim = role_claim

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        return caller_of(await self.issuer.claims(token, self._audience), self._role_claim)


def caller_of(claims: Mapping[str, Any], role_claim: str) -> Caller:
    """The caller whom verified claims name. Raises Unauthorized."""
    role = claims.get(role_claim)
    if not isinstance(role, str) or role not in _ROLES:
        raise Unauthorized(
            sentence(
                "This token's {claim} is not buyer, seller, support or provider.",
                claim=role_claim,
            )
        )
    try:
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(_PARTY.validate_python(claims["sub"]), Role(role), expires_at)
    except (ValidationError, ValueError, OverflowError, TypeError):
        raise Unauthorized(
            sentence("This token's sub is not a valid id, or its exp is not a valid time.")
        ) from None
