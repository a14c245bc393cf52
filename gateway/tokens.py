"""Bearer tokens: JSON Web Tokens whose ``sub`` is a party's id and ``role`` what it acts as.

Local use has one HS256 secret. In production an OpenID Connect issuer signs: its keys are fetched (and
fetched again when it signs with a new one), and ``iss``, ``aud`` and ``exp`` must be right. Never both: a
secret that was meant for a laptop opens nothing where an issuer is set.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.access import Caller, Role
from gateway.issuer import IssuersKeys
from gateway.problems import NotSignedIn
from orders.values import PartyId

# Of ``alg``: never "none", and never a secret's where the issuer has key pairs.
_ISSUERS_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
# Clocks of two machines differ.
_LEEWAY: Final = timedelta(seconds=30)
_ROLES: Final = frozenset({Role.BUYER, Role.SELLER, Role.SUPPORT, Role.PROVIDER})
_PARTY: Final = TypeAdapter[str](PartyId)


class SecretTokens:
    """Tokens signed with this installation's own secret (HS256)."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def issue(self, role: Role, sub: str, lifetime: timedelta) -> str:
        """A token for a party. Raises ValidationError for an id that could be nobody's."""
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
        return _read(
            lambda: jwt.decode(
                token,
                self._secret.get_secret_value(),
                algorithms=["HS256"],
                leeway=_LEEWAY,
                options={"require": ["exp", "sub"]},
            ),
            "role",
        )


class IssuersTokens:
    """Tokens signed by an OpenID Connect issuer, for an audience that is us."""

    def __init__(self, keys: IssuersKeys, issuer: str, audience: str, role_claim: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim

    async def caller(self, token: str) -> Caller:
        """See ``Tokens``."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError:
            raise NotSignedIn("This is not a token that can be read: sign in again.") from None
        if (key := await self._keys.find(kid)) is None:
            raise NotSignedIn("This token is not signed by a key of the issuer: sign in again.")
        return _read(
            lambda: jwt.decode(
                token,
                key,
                algorithms=_ISSUERS_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "sub", "iss", "aud"]},
            ),
            self._role_claim,
        )


def _read(decode: Callable[[], Mapping[str, Any]], role_claim: str) -> Caller:
    try:
        claims = decode()
        role = claims.get(role_claim)
        if not isinstance(role, str) or role not in _ROLES:
            raise NotSignedIn(
                f"This token's {role_claim} is none of buyer, seller, support and provider."
            )
        until = datetime.fromtimestamp(claims["exp"], UTC)
        return Caller(_PARTY.validate_python(claims["sub"]), Role(role), until)
    except jwt.ExpiredSignatureError:
        raise NotSignedIn("This token has expired: sign in again.") from None
    except (ValidationError, ValueError, OverflowError, TypeError):
        raise NotSignedIn("This token's sub is not a party's id, or its exp no instant.") from None
    except jwt.PyJWTError as error:
        raise NotSignedIn(f"This token does not count: {error}.") from None
